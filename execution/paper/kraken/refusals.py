"""Refusals in kraken's words. They come with HTTP 200 and carry no code.

The words are documented (guide spot-errors) unless a comment says otherwise.
"""

from __future__ import annotations

from execution.paper.refusals import Reason, Refusal

#: The answer of a pair in maintenance is not documented. It is assumed to be that of cancel_only.
_CLOSED = "EService:Market in cancel_only mode"
_BY_REASON = {
    Reason.UNKNOWN_SYMBOL: "EQuery:Unknown asset pair",
    Reason.UNKNOWN_KEY: "EAPI:Invalid key",
    Reason.TOO_SMALL: "EOrder:Order minimum not met",
    Reason.INSUFFICIENT_BALANCE: "EOrder:Insufficient funds",
    # As a user met it in 2026; not documented.
    Reason.DUPLICATE_ORDER: "EGeneral:Invalid arguments:cl_ord_id not unique",
    Reason.NOT_OPEN: "EOrder:Unknown order",
    Reason.SUSPENDED: _CLOSED,
    Reason.CLOSED: _CLOSED,
    Reason.WOULD_TAKE: "EOrder:Post only order",
}


def said(words: str) -> Refusal:
    return Refusal(0, words, status=200)


def translated(refusal: Refusal) -> Refusal:
    """Return the refusal in kraken's words. A refusal that already has them is returned unchanged."""
    return refusal if refusal.reason is Reason.DIALECT else said(_BY_REASON[refusal.reason])


def wrong(parameter: str) -> Refusal:
    return said(f"EGeneral:Invalid arguments:{parameter}")


def unknown_pair() -> Refusal:
    return said(_BY_REASON[Reason.UNKNOWN_SYMBOL])


def unknown_order() -> Refusal:
    return said(_BY_REASON[Reason.NOT_OPEN])


def not_unique() -> Refusal:
    return said(_BY_REASON[Reason.DUPLICATE_ORDER])


def bad_signature() -> Refusal:
    return said("EAPI:Invalid signature")


def invalid_nonce() -> Refusal:
    return said("EAPI:Invalid nonce")


def no_permission() -> Refusal:
    return said("EGeneral:Permission denied")


def too_many_calls() -> Refusal:
    return said("EAPI:Rate limit exceeded")


def locked_out() -> Refusal:
    return said("EGeneral:Temporary lockout")


def too_many_trading_calls() -> Refusal:
    return said("EOrder:Rate limit exceeded")


def too_many_orders() -> Refusal:
    return said("EOrder:Orders limit exceeded")


def deadline_elapsed() -> Refusal:
    return said("EService:Deadline elapsed")


def outcome_unknown() -> Refusal:
    return said("EService:Busy")
