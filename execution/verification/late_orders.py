"""Orders that did not complete, or not on time: by these, runs under mild faults judge that a desk is of use."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet

from execution.core.states import OrderStatus
from execution.models import Order

#: An order is on time when it completes this soon after its end: the last cross has to settle.
ON_TIME = timedelta(seconds=5)


def late_orders(orders: QuerySet[Order]) -> list[str]:
    """Return those of ``orders`` that did not complete, or not on time, in words."""
    late = []
    for order in orders.select_related("terms").order_by("pk"):
        if order.status == OrderStatus.COMPLETED and order.terms is not None and order.ended_at is not None:
            behind = order.ended_at - order.terms.end_at
            if behind <= ON_TIME:
                continue
            why = f"{behind.total_seconds():.1f} s after its end"
        else:
            unsettled = order.children.filter(is_settled=False).count()
            why = (
                f"{order.filled} of {order.quantity}, {unsettled} children open: {order.reason or order.why}"
            )
        late.append(f"{order.algorithm} of {order.symbol} {order.status}, {why}")
    return late
