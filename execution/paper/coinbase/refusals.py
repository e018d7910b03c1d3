"""Refusals in coinbase's words: an error with an HTTP status, or with status 200 an order that was not placed."""

from __future__ import annotations

from execution.paper.refusals import Reason, Refusal

#: The preview's reason in a refusal that the preview did not cause.
NO_PREVIEW = "UNKNOWN_PREVIEW_FAILURE_REASON"
UNKNOWN_FAILURE = "UNKNOWN_FAILURE_REASON"


class CoinbaseRefusal(Refusal):
    """A refusal with coinbase's ``word`` for it.

    A refusal with the HTTP status 200 is that of an order that was not placed. Its answer also gives ``preview``, the
    reason from coinbase's check of new orders.
    """

    def __init__(self, word: str, message: str, status: int = 200, preview: str = NO_PREVIEW) -> None:
        super().__init__(0, message, status=status)
        self.word = word
        self.preview = preview


def translated(refusal: Refusal) -> CoinbaseRefusal:
    """Return the refusal in coinbase's words. A refusal that already has them is returned unchanged."""
    if isinstance(refusal, CoinbaseRefusal):
        return refusal
    return _BY_REASON[refusal.reason]()


def unauthorized() -> CoinbaseRefusal:
    """Return the refusal of a bad key, signature or time. The text does not say which of them was bad."""
    return CoinbaseRefusal("", "Unauthorized", status=401)


def no_permission() -> CoinbaseRefusal:
    return CoinbaseRefusal("PERMISSION_DENIED", "Missing required scopes", status=403)


def too_many_requests() -> CoinbaseRefusal:
    return CoinbaseRefusal("rate_limit_exceeded", "Too many requests", status=429)


def invalid_argument(message: str) -> CoinbaseRefusal:
    return CoinbaseRefusal("INVALID_ARGUMENT", message, status=400)


def product_unknown() -> CoinbaseRefusal:
    return CoinbaseRefusal("NOT_FOUND", "valid product_id is required", status=404)


def order_unknown() -> CoinbaseRefusal:
    return CoinbaseRefusal("NOT_FOUND", "order with this orderID was not found", status=404)


def outcome_unknown() -> CoinbaseRefusal:
    return CoinbaseRefusal("INTERNAL", "Internal Server Error", status=500)


# --- orders that are not placed -------------------------------------------------------------------


def invalid_product() -> CoinbaseRefusal:
    return CoinbaseRefusal("INVALID_PRODUCT_ID", "Invalid product id")


def insufficient_fund() -> CoinbaseRefusal:
    text = "Insufficient balance in source account"
    return CoinbaseRefusal("INSUFFICIENT_FUND", text, preview="PREVIEW_INSUFFICIENT_FUND")


def would_take() -> CoinbaseRefusal:
    text = "Post only order would be filled immediately"
    return CoinbaseRefusal(
        "INVALID_LIMIT_PRICE_POST_ONLY", text, preview="PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY"
    )


def entry_disabled() -> CoinbaseRefusal:
    return CoinbaseRefusal("ORDER_ENTRY_DISABLED", "Orders are currently not accepted for this product")


def unsupported(message: str) -> CoinbaseRefusal:
    return CoinbaseRefusal("UNSUPPORTED_ORDER_CONFIGURATION", message)


def size_out_of_bounds(which: str) -> CoinbaseRefusal:
    """Return the refusal of a size that is too small or too large. Only its field ``preview`` has the reason."""
    return CoinbaseRefusal(UNKNOWN_FAILURE, "", preview=f"PREVIEW_INVALID_{which}")


_BY_REASON = {
    Reason.UNKNOWN_SYMBOL: invalid_product,
    Reason.UNKNOWN_KEY: unauthorized,
    Reason.TOO_SMALL: lambda: size_out_of_bounds("BASE_SIZE_TOO_SMALL"),
    Reason.INSUFFICIENT_BALANCE: insufficient_fund,
    Reason.SUSPENDED: entry_disabled,
    Reason.CLOSED: entry_disabled,
    Reason.WOULD_TAKE: would_take,
    Reason.TOO_MANY_REQUESTS: too_many_requests,
}
