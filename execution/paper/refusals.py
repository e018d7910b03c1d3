"""Refusals with Binance's codes, texts and HTTP statuses."""

from __future__ import annotations


class Refusal(Exception):
    """The exchange's answer is an error: nothing has changed."""

    def __init__(
        self, code: int, message: str, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}


def missing(parameter: str) -> Refusal:
    return Refusal(-1102, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.")


def filter_failure(name: str) -> Refusal:
    return Refusal(-1013, f"Filter failure: {name}")


def bad_symbol() -> Refusal:
    return Refusal(-1121, "Invalid symbol.")


def unknown_key() -> Refusal:
    return Refusal(-2015, "Invalid API-key, IP, or permissions for action.", status=401)


def bad_signature() -> Refusal:
    return Refusal(-1022, "Signature for this request is not valid.")


def outside_window() -> Refusal:
    return Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def ahead_of_time() -> Refusal:
    return Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def insufficient_balance() -> Refusal:
    return Refusal(-2010, "Account has insufficient balance for requested action.")


def duplicate_order() -> Refusal:
    return Refusal(-2010, "Duplicate order sent.")


def would_take() -> Refusal:
    return Refusal(-2010, "Order would immediately match and take.")


def cancel_unknown() -> Refusal:
    return Refusal(-2011, "Unknown order sent.")


def order_unknown() -> Refusal:
    return Refusal(-2013, "Order does not exist.")
