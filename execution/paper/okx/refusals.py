"""Refusals with okx's codes, texts and HTTP statuses."""

from __future__ import annotations

from execution.paper.refusals import Reason, Refusal

_BY_REASON = {
    Reason.UNKNOWN_SYMBOL: (51001, "Instrument ID doesn't exist.", 200),
    Reason.UNKNOWN_KEY: (50111, "Invalid OK-ACCESS-KEY", 401),
    Reason.TOO_SMALL: (51020, "Your order should meet or exceed the minimum order amount.", 200),
    Reason.INSUFFICIENT_BALANCE: (51008, "Order failed. Insufficient balance in account", 200),
    Reason.DUPLICATE_ORDER: (51016, "Client order ID already exists.", 200),
    Reason.NOT_OPEN: (51400, "Cancellation failed as the order does not exist.", 200),
    Reason.SUSPENDED: (51022, "Contract suspended.", 200),
    Reason.CLOSED: (51022, "Contract suspended.", 200),
    Reason.TOO_MANY_REQUESTS: (50011, "Too Many Requests", 429),
}


def translated(refusal: Refusal) -> Refusal:
    """Return the refusal in okx's words. A refusal that already has them is returned unchanged."""
    if refusal.reason is Reason.DIALECT:
        return refusal
    code, message, status = _BY_REASON[refusal.reason]
    return Refusal(code, message, status=status)


def empty(parameter: str) -> Refusal:
    return Refusal(50014, f"Parameter {parameter} cannot be empty", status=400)


def wrong(parameter: str) -> Refusal:
    return Refusal(51000, f"Parameter {parameter} error", status=400)


def no_such_instrument() -> Refusal:
    return translated(Refusal(0, "", reason=Reason.UNKNOWN_SYMBOL))


def body_unreadable() -> Refusal:
    return Refusal(50002, "JSON syntax error", status=400)


def header_empty(code: int, header: str) -> Refusal:
    return Refusal(code, f'Request header "{header}" cannot be empty.', status=401)


def wrong_passphrase() -> Refusal:
    return Refusal(50105, 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', status=401)


def bad_signature() -> Refusal:
    return Refusal(50113, "Invalid Sign", status=401)


def bad_timestamp() -> Refusal:
    return Refusal(50112, "Invalid OK-ACCESS-TIMESTAMP", status=401)


def expired() -> Refusal:
    return Refusal(50102, "Timestamp request expired", status=401)


def no_permission() -> Refusal:
    return Refusal(50120, "This API key doesn't have permission to use this function", status=200)


def past_deadline() -> Refusal:
    text = (
        "The expTime can't be earlier than the current system time. Please adjust the expTime and try again."
    )
    return Refusal(50036, text, status=200)


def outcome_unknown() -> Refusal:
    text = "API endpoint request timeout. (does not mean that the request was successful or failed)"
    return Refusal(50004, text, status=400)


def too_many_requests() -> Refusal:
    return translated(Refusal(0, "", reason=Reason.TOO_MANY_REQUESTS))


def order_unknown() -> Refusal:
    return Refusal(51603, "Order does not exist", status=200)


def id_missing() -> Refusal:
    return Refusal(51003, "Either client order ID or order ID is required", status=200)
