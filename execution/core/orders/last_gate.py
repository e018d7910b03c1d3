"""The check of a child's price against the current quote, just before the child is sent."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from execution.core.market_data.freshness import is_fresh
from execution.core.numbers import plain
from execution.core.quantities import collar_price
from execution.core.types import ZERO, ChildRequest, Quote, TimeInForce


def off_market(
    request: ChildRequest, quote: Quote | None, *, collar_bp: Decimal, tick: Decimal, now: datetime
) -> str:
    """Return the reason why a child must not be sent at its price any more; empty when it may be sent.

    ``collar_bp`` is the largest distance from the mid of ``quote``, in basis points.
    """
    if quote is None or not quote.is_sane or not is_fresh(quote.at, now):
        return "not sent: the market has no fresh quote"
    price, side = request.price, request.side
    if price is None:
        return "not sent: it has no price"
    worst = collar_price(quote.mid, collar_bp, tick, side)
    if is_beyond(request, worst):
        return f"the market has moved: its price {plain(price)} is beyond the collar {plain(worst)}"
    touch = quote.aggressive(side)
    if request.time_in_force is TimeInForce.POST_ONLY and (price - touch) * side.sign >= ZERO:
        return f"the market has moved: at {plain(price)} it would take from {plain(touch)}"
    return ""


def is_beyond(request: ChildRequest, worst: Decimal) -> bool:
    """Return True when the price is worse for the order than ``worst``."""
    return request.price is not None and (request.price - worst) * request.side.sign > ZERO
