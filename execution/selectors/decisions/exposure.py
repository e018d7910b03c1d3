"""The filled quantity of an order, and the quantity that may still fill."""

from __future__ import annotations

from decimal import Decimal

from execution.core.types import ZERO
from execution.models import ChildOrder, Order
from execution.models.prepared import Compiled

UNSETTLED = Compiled(lambda order: ChildOrder.objects.filter(order_id=order, is_settled=False), order=int)


def done_of(order: Order) -> Decimal:
    """Return the filled quantity of an order, summed over its children.

    For each child it is the recorded fills or the quantity that the exchange reported, whichever is larger. The
    exchange may report a fill before it lists the trade.
    """
    total = order.filled
    for child in UNSETTLED.all(order=order.pk):
        total += max((child.reported_filled or ZERO) - child.filled, ZERO)
    return total


def exposure_of(order: Order) -> Decimal:
    """Return the most that the order's children so far may fill together.

    That is the filled quantity, plus all that may still be on a book or whose outcome is unknown. For a child whose
    end the exchange has reported, only the filled quantity is included.
    """
    return sum((beyond_fills(child) for child in UNSETTLED.all(order=order.pk)), order.filled)


def beyond_fills(child: ChildOrder) -> Decimal:
    """Return how much of a child was filled, or may still be filled, beyond its recorded fills."""
    done = max(child.filled, child.reported_filled or ZERO)
    return (done if child.over_at is not None else max(child.quantity, done)) - child.filled


def live_of(order: Order) -> Decimal:
    """Return the quantity of an order that may be on the books now, or may still reach them."""
    live = (child for child in UNSETTLED.all(order=order.pk) if child.over_at is None)
    return sum((max(child.quantity - child.filled, ZERO) for child in live), ZERO)
