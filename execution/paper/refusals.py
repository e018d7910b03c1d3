"""Refusals with Binance's codes, texts and HTTP statuses. Other dialects translate them by their ``reason``."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The exchange's reason for a refusal, independent of the dialect."""

    DIALECT = "dialect"  #: a matter of one dialect alone, whose code says it
    UNKNOWN_SYMBOL = "unknown symbol"
    UNKNOWN_KEY = "unknown key"
    TOO_SMALL = "too small"
    INSUFFICIENT_BALANCE = "insufficient balance"
    DUPLICATE_ORDER = "duplicate order"
    NOT_OPEN = "not open"
    TOO_MANY_REQUESTS = "too many requests"
    SUSPENDED = "suspended"
    CLOSED = "closed"
    WOULD_TAKE = "would take"


class Refusal(Exception):
    """An error answer to a request. The refused request has changed nothing."""

    def __init__(
        self,
        code: int,
        message: str,
        status: int = 400,
        headers: dict[str, str] | None = None,
        reason: Reason = Reason.DIALECT,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}


def missing(parameter: str) -> Refusal:
    return Refusal(-1102, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.")


def filter_failure(name: str) -> Refusal:
    return Refusal(-1013, f"Filter failure: {name}", reason=Reason.TOO_SMALL)


def bad_symbol() -> Refusal:
    return Refusal(-1121, "Invalid symbol.", reason=Reason.UNKNOWN_SYMBOL)


def unknown_key() -> Refusal:
    text = "Invalid API-key, IP, or permissions for action."
    return Refusal(-2015, text, status=401, reason=Reason.UNKNOWN_KEY)


def bad_signature() -> Refusal:
    return Refusal(-1022, "Signature for this request is not valid.")


def outside_window() -> Refusal:
    return Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def ahead_of_time() -> Refusal:
    return Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def insufficient_balance() -> Refusal:
    text = "Account has insufficient balance for requested action."
    return Refusal(-2010, text, reason=Reason.INSUFFICIENT_BALANCE)


def duplicate_order() -> Refusal:
    return Refusal(-2010, "Duplicate order sent.", reason=Reason.DUPLICATE_ORDER)


def would_take() -> Refusal:
    return Refusal(-2010, "Order would immediately match and take.", reason=Reason.WOULD_TAKE)


def suspended() -> Refusal:
    return Refusal(-2010, "Market is closed.", reason=Reason.SUSPENDED)


def market_closed() -> Refusal:
    return Refusal(-1013, "Market is closed.", reason=Reason.CLOSED)


def cancel_unknown() -> Refusal:
    return Refusal(-2011, "Unknown order sent.", reason=Reason.NOT_OPEN)


def order_unknown() -> Refusal:
    return Refusal(-2013, "Order does not exist.")


def outcome_unknown() -> Refusal:
    text = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    return Refusal(-1007, text, status=504)
