"""The meaning of a ccxt exception for an order: refused, not sent, or unknown.

The type of an outcome answers one question: may the order exist? Without proof that it does not, the answer is yes.
"""

from __future__ import annotations

import logging
import re
import secrets
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import aiohttp
from ccxt.base import errors as ccxt_errors

from execution.core.market_data.feeds import FeedState, unlisted_words
from execution.core.types import (
    CancelFailed,
    CancelGone,
    CancelOutcome,
    CreateOutcome,
    NotSent,
    Rejected,
    Unknown,
)
from execution.venues.protocol import VenueReadFailed
from execution.venues.request_context import RequestContext
from execution.venues.spec import ExchangeSpec
from execution.venues.values import AnswerError, OneSided

log = logging.getLogger(__name__)

#: Errors by which the exchange read and refused the order. No other error proves that the order does not exist.
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
#: Kinds of ``InvalidOrder`` that may concern an order that exists.
AMBIGUOUS_REFUSALS = (
    ccxt_errors.DuplicateOrderId,
    ccxt_errors.OrderNotFound,
    ccxt_errors.OrderNotCached,
)
#: Errors by which the exchange refuses the API key.
KEY_REFUSALS = (ccxt_errors.AuthenticationError, ccxt_errors.AccountSuspended)
#: Errors from the rate limiter or the clock check, which an exchange runs before the matching engine.
TURNED_AWAY = (ccxt_errors.RateLimitExceeded, ccxt_errors.DDoSProtection, ccxt_errors.InvalidNonce)

#: Words in an error of any class that show that the order may exist after all.
MAY_EXIST = re.compile(
    r"duplicat|already (?:exist|been used|used)|repeated"
    r"|timed?[ -]?out|for processing|being processed|unknown error|internal (?:server )?error|status unknown",
    re.IGNORECASE,
)
#: Refusals that suggest that a market's rules have changed: closed, not listed, or another lot, tick or bound.
RULE_REFUSALS = frozenset({"MarketClosed", "BadSymbol", "InvalidOrder", "BadRequest", "ContractUnavailable"})
#: The HTTP status of the rate limiter. The exchange has not read the request, whatever ccxt makes of the body.
TOO_MANY = 429
#: The HTTP status for a banned IP address (binance).
BANNED = 418
#: The end of binance's ban, in milliseconds since 1970. Often only the text has it, and no header.
BANNED_UNTIL = re.compile(r"banned until (\d{13})")
MAX_MESSAGE = 300
#: Errors that our code, or ccxt's, raises on an answer of unexpected form.
OUR_MISTAKES = (
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    NameError,
    AssertionError,
    ValueError,
)
DEFAULT_WAIT = timedelta(seconds=1)
#: The longest ban that is known of (binance).
MAX_WAIT = timedelta(days=3)


#: The method and address of a request in ccxt's messages. Its query holds signed parameters, so only the path is
#: shown.
ADDRESS = re.compile(r"\b(GET|POST|PUT|DELETE|PATCH) https?://[^/\s?]*(/[^\s?]*)?(\?\S*)?")
#: A web page in place of an answer. It is cut from its first tag on: it tells a person no more than the status before.
PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|title)\b.*", re.IGNORECASE | re.DOTALL)


class Redactor:
    """Turns an error into a short text for a person, without credentials, signatures, hosts and web pages."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)

    def __call__(self, error: BaseException) -> str:
        text = str(error) or type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = re.sub(r"(signature|sign|api_?key)=[^&\s]+", r"\1=***", text, flags=re.IGNORECASE)
        text = PAGE.sub("", ADDRESS.sub(r"\1 \2", text)).rstrip() or "a page in place of an answer"
        return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def retry_after_of(header: str | None, now: datetime) -> timedelta | None:
    """Return the wait that a Retry-After header asks for; None without a usable header.

    The header may contain a number of seconds or a date.
    """
    if header is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d{1,3})?\s*", header):
        return min(timedelta(seconds=float(header)), MAX_WAIT)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return _until(at if at.tzinfo else at.replace(tzinfo=UTC), now)


def reset_of(value: str | None, unit: Literal["at_ms", "at_s", "in_ms"], now: datetime) -> timedelta | None:
    """Return the wait until a limit is free again; None for an unusable value.

    ``value`` is that of the exchange's own header. ``unit`` tells whether it is a time, in ms or s, or a wait
    in ms.
    """
    if value is None or not re.fullmatch(r"\s*\d{1,14}\s*", value):
        return None
    if unit == "in_ms":
        return min(timedelta(milliseconds=int(value)), MAX_WAIT)
    return _until(datetime.fromtimestamp(int(value) / (1000 if unit == "at_ms" else 1), UTC), now)


def _until(at: datetime, now: datetime) -> timedelta:
    return min(max(at - now, timedelta(0)), MAX_WAIT)


def was_never_connected(error: BaseException) -> bool:
    """Return True if the connection was refused, so that no byte of the request was sent."""
    return isinstance(error, ccxt_errors.ExchangeNotAvailable) and any(
        isinstance(cause, aiohttp.ClientConnectorError) for cause in _causes(error)
    )


def is_our_mistake(error: Exception) -> bool:
    """Return True if our code failed to read an answer, and False if the exchange did not give one."""
    return isinstance(error, OUR_MISTAKES) and not isinstance(error, AnswerError)


def traceback_logged(error: Exception, exchange: str) -> str:
    """Log the place where our code failed, and return the incident's id.

    Only lines of code are logged, because values may hold a signature.
    """
    incident = secrets.token_hex(4)
    lines = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s at an answer of %s, incident=%s\n%s", type(error).__name__, exchange, incident, lines)
    return incident


@dataclass(frozen=True, slots=True)
class Failure:
    """A call to the exchange that raised an error, with everything that is known about it.

    ``text`` may be shown to people. ``answer`` is the raw answer, if one came, and ``status`` is its HTTP status.
    """

    error: Exception
    text: str
    spec: ExchangeSpec
    retry_after: timedelta | None = None
    status: int | None = None
    answer: Any = None
    #: The id of the traceback in the log, if our own code failed.
    incident: str = ""
    #: Whether the answer was a web page or other text that the exchange's API does not send.
    is_page: bool = False

    @property
    def is_lockout(self) -> bool:
        """Return True if the key or the address is locked out for a time.

        A further call during the lock-out would prolong it.
        """
        text = str(self.error)
        return (
            self.status == BANNED or BANNED_UNTIL.search(text) is not None or self.says(self.spec.locked_out)
        )

    @property
    def turned_away(self) -> bool:
        """Return True if the call certainly had no effect.

        The exchange's rate limit, a lock-out or the check of the clock refused it, or it never connected.
        """
        return (
            isinstance(self.error, TURNED_AWAY)
            or self.status == TOO_MANY
            or self.is_lockout
            or self.says(self.spec.too_late)
            or was_never_connected(self.error)
        )

    @property
    def wrong_clock(self) -> bool:
        return isinstance(self.error, ccxt_errors.InvalidNonce) or self.says(self.spec.too_late)

    @property
    def shows(self) -> FeedState | None:
        """Return the state of a market's data, if the answer proves one, else None.

        The answer can prove that the book has only one side, or that the symbol is not listed.
        """
        if isinstance(self.error, OneSided):
            return FeedState.ONE_SIDED
        names_none = isinstance(self.error, ccxt_errors.BadSymbol) or any(
            kind == ccxt_errors.BadSymbol.__name__ and self.says(words) for words, kind in self.spec.refused
        )
        return FeedState.NOT_LISTED if names_none and not self.is_page else None

    def says(self, words: re.Pattern[str] | None) -> bool:
        return words is not None and words.search(str(self.error)) is not None


def failure_of(
    error: Exception,
    redact: Redactor,
    spec: ExchangeSpec,
    context: RequestContext,
    exchange: str,
    now: datetime,
) -> Failure:
    """Return everything that is known about a call that raised. Log the traceback if the desk's own code failed."""
    text, incident = redact(error), ""
    if is_our_mistake(error):
        incident = traceback_logged(error, exchange)
        text = f"{text} (incident {incident} in the log)"
    retry_after = context.retry_after
    if retry_after is None and (until := BANNED_UNTIL.search(str(error))) is not None:
        retry_after = reset_of(until.group(1), "at_ms", now)
    return Failure(
        error, text, spec, retry_after, context.status, context.answer, incident, is_page=context.is_page
    )


def create_failure(failure: Failure) -> CreateOutcome:
    """Return the outcome of a create that raised.

    1. Refused before the matching engine, or never connected: not sent.
    2. A web page instead of an answer: unknown, whatever ccxt makes of its status.
    3. An error of ``REFUSALS`` or of the spec, whose words show that no order exists: rejected.
    4. Anything else: unknown.
    """
    error, spec, text = failure.error, failure.spec, failure.text
    key_refused = failure.says(spec.refusal)
    if not key_refused and failure.turned_away:
        return NotSent(message=text, retry_after=failure.retry_after or DEFAULT_WAIT)
    if failure.is_page:
        return Unknown(message=text)
    if key_refused:
        return Rejected(kind="PermissionDenied", message=text)
    if _may_exist(failure):
        return Unknown(message=text)
    for words, kind in spec.refused:
        if failure.says(words):
            return Rejected(kind=kind, message=text)
    return Rejected(type(error).__name__, text) if isinstance(error, REFUSALS) else Unknown(text)


def cancel_failure(failure: Failure) -> CancelOutcome:
    """Return the outcome of a cancel that raised.

    It is ``CancelGone`` if the exchange says that there is no such open order, else ``CancelFailed``. The exchange's
    words are searched for in the raw answer too, because ccxt does not pass on coinbase's reason for a refused cancel.
    """
    gone = failure.spec.cancel_gone
    is_answer = gone is not None and isinstance(failure.error, ccxt_errors.ExchangeError)
    said = failure.says(gone) or (gone is not None and gone.search(str(failure.answer)))
    if isinstance(failure.error, ccxt_errors.OrderNotFound) or (is_answer and said):
        return CancelGone(message=failure.text)
    return CancelFailed(message=failure.text, retry_after=failure.retry_after or DEFAULT_WAIT)


def read_failure(failure: Failure) -> VenueReadFailed:
    """Return the ``VenueReadFailed`` for a read that raised."""
    error = failure.error
    if isinstance(error, VenueReadFailed):
        return error
    refuses_key = isinstance(error, KEY_REFUSALS) and not failure.turned_away and not failure.is_page
    kind = "" if isinstance(error, OneSided) else f"{type(error).__name__}: "
    return VenueReadFailed(
        f"{kind}{failure.text}",
        retry_after=failure.retry_after,
        refuses_key=failure.says(failure.spec.refusal) or refuses_key,
        shows=failure.shows,
        kind=type(error).__name__ if failure.incident else "",
        incident=failure.incident,
    )


def refused_state(error: Exception, symbol: str, text: str) -> tuple[FeedState, str]:
    """Return the state of a feed whose subscription the exchange refused, and the reason. ``text`` is the refusal."""
    if isinstance(error, ccxt_errors.BadSymbol):
        return FeedState.NOT_LISTED, unlisted_words(symbol)
    return FeedState.FAILING, text


def hints_at_rules(refused: Rejected) -> bool:
    """Return True if the refusal suggests that the market's rules have changed, so that they should be read again."""
    return refused.kind in RULE_REFUSALS


def says_not_found(error: Exception, spec: ExchangeSpec) -> bool:
    words = spec.not_found
    return isinstance(error, ccxt_errors.OrderNotFound) or (
        words is not None and isinstance(error, ccxt_errors.ExchangeError) and bool(words.search(str(error)))
    )


def _may_exist(failure: Failure) -> bool:
    """Return True if a refusal may concern an order that exists: a duplicate, or one that is still being processed."""
    return (
        isinstance(failure.error, AMBIGUOUS_REFUSALS)
        or failure.says(failure.spec.may_exist)
        or failure.says(MAY_EXIST)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__
    while cause is not None:
        yield cause
        cause = cause.__cause__
