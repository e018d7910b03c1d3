"""What an exception of ccxt means for the order: refused, not sent, or nobody knows.

The class of an error answers one question, "may the order exist?". Yes is the default; no needs proof.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta

import aiohttp
from ccxt.base import errors as ccxt_errors

from execution.core.types import (
    CancelFailed,
    CancelGone,
    CancelOutcome,
    CreateOutcome,
    NotSent,
    Rejected,
    Unknown,
)
from execution.venues.protocol import LookFailed
from execution.venues.quirks import Quirks

#: The exchange read the order and said no. Nothing else proves that the order does not exist.
REFUSALS = (
    ccxt_errors.InsufficientFunds,
    ccxt_errors.InvalidOrder,
    ccxt_errors.BadRequest,
    ccxt_errors.BadSymbol,
    ccxt_errors.PermissionDenied,
    ccxt_errors.AuthenticationError,
    ccxt_errors.AccountSuspended,
    ccxt_errors.MarketClosed,
    ccxt_errors.RestrictedLocation,
    ccxt_errors.NotSupported,
    ccxt_errors.ArgumentsRequired,
)
#: Kinds of InvalidOrder that speak of an order that exists, or of none at all.
AMBIGUOUS_REFUSALS = (
    ccxt_errors.DuplicateOrderId,
    ccxt_errors.OrderNotFound,
    ccxt_errors.OrderNotCached,
)
#: The exchange will not have this key.
KEY_REFUSALS = (ccxt_errors.AuthenticationError, ccxt_errors.AccountSuspended)
#: The limiter or the clock check stands before the matching engine.
TURNED_AWAY = (ccxt_errors.RateLimitExceeded, ccxt_errors.DDoSProtection, ccxt_errors.InvalidNonce)

DUPLICATE = re.compile(r"duplicat|already (?:exist|been used|used)|repeated", re.IGNORECASE)
LONGEST_MESSAGE = 300
DEFAULT_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=1)


class Redactor:
    """Turns an error into a short text without credentials and signatures."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)

    def __call__(self, error: BaseException) -> str:
        text = str(error) or type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = re.sub(r"(signature|sign|api_?key)=[^&\s]+", r"\1=***", text, flags=re.IGNORECASE)
        return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


def retry_after_of(header: str | None) -> timedelta | None:
    """The wait that a Retry-After header asks for, in seconds; None for none and for a date."""
    if header is None or not re.fullmatch(r"\s*\d{1,9}(\.\d{1,3})?\s*", header):
        return None
    return min(timedelta(seconds=float(header)), LONGEST_WAIT)


def was_never_connected(error: BaseException) -> bool:
    """Whether the connection itself was refused, so that no byte of the request left."""
    return isinstance(error, ccxt_errors.ExchangeNotAvailable) and any(
        isinstance(cause, aiohttp.ClientConnectorError) for cause in _causes(error)
    )


def create_failure(
    error: Exception, *, quirks: Quirks, text: str, retry_after: timedelta | None
) -> CreateOutcome:
    """The outcome of a create that raised ``error``.

    1. Turned away before the matching engine, or never connected: not sent.
    2. Refused, by the white list, in words that cannot mean an order which exists: rejected.
    3. Anything else: unknown.
    """
    refused = quirks.refusal is not None and quirks.refusal.search(str(error)) is not None
    if not refused and (isinstance(error, TURNED_AWAY) or was_never_connected(error)):
        return NotSent(message=text, retry_after=retry_after or DEFAULT_WAIT)
    if refused or (isinstance(error, REFUSALS) and not _may_exist(error)):
        kind = "PermissionDenied" if refused else type(error).__name__
        return Rejected(kind=kind, message=text)
    return Unknown(message=text)


def cancel_failure(
    error: Exception, *, quirks: Quirks, text: str, retry_after: timedelta | None
) -> CancelOutcome:
    """The outcome of a cancel that raised ``error``: gone when the exchange says so, else failed."""
    gone = quirks.cancel_gone
    if isinstance(error, ccxt_errors.OrderNotFound) or (
        gone is not None and isinstance(error, ccxt_errors.InvalidOrder) and gone.search(str(error))
    ):
        return CancelGone(message=text)
    return CancelFailed(message=text, retry_after=retry_after or DEFAULT_WAIT)


def look_failure(error: Exception, *, quirks: Quirks, text: str, retry_after: timedelta | None) -> LookFailed:
    """The failed look that ``error`` amounts to."""
    if isinstance(error, LookFailed):
        return error
    refused = quirks.refusal is not None and quirks.refusal.search(str(error)) is not None
    return LookFailed(
        f"{type(error).__name__}: {text}",
        retry_after=retry_after,
        refuses_key=refused or isinstance(error, KEY_REFUSALS),
    )


def says_not_found(error: Exception) -> bool:
    return isinstance(error, ccxt_errors.OrderNotFound)


def says_wrong_clock(error: Exception) -> bool:
    return isinstance(error, ccxt_errors.InvalidNonce)


def _may_exist(error: Exception) -> bool:
    is_order_error = isinstance(error, ccxt_errors.InvalidOrder)
    return isinstance(error, AMBIGUOUS_REFUSALS) or bool(is_order_error and DUPLICATE.search(str(error)))


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__
    while cause is not None:
        yield cause
        cause = cause.__cause__
