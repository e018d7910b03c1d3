"""How much of an order is done, and how much of it may come to be."""

from __future__ import annotations

from decimal import Decimal

from execution.core.types import ZERO
from execution.models import ChildOrder, Order
from execution.models.prepared import Compiled

UNSETTLED = Compiled(lambda order: ChildOrder.objects.filter(order_id=order, is_settled=False), order=int)


def done_of(order: Order) -> Decimal:
    """Σ max(fills, reported) over all children: what is executed, listed as trades or not yet."""
    total = order.filled
    for child in UNSETTLED.all(order=order.pk):
        total += max((child.reported_filled or ZERO) - child.filled, ZERO)
    return total


def exposure_of(order: Order) -> Decimal:
    """What is done, plus everything that may be live or unknown. Of a child that is over only its figure counts."""
    total = order.filled
    for child in UNSETTLED.all(order=order.pk):
        done = max(child.filled, child.reported_filled or ZERO)
        total += (done if child.over_at is not None else max(child.quantity, done)) - child.filled
    return total


def live_of(order: Order) -> Decimal:
    """What of an order may be on the books, or may come there."""
    live = (child for child in UNSETTLED.all(order=order.pk) if child.over_at is None)
    return sum((max(child.quantity - child.filled, ZERO) for child in live), ZERO)
