"""Orders that did not complete, or not on time: by these, runs under mild faults judge that a desk is of use."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet

from execution.core.quantities import minimum_quantity
from execution.core.states import OrderStatus
from execution.core.tca.costs import middle
from execution.models import Order
from execution.selectors.markets import market_from_json

#: An order is on time when it completes this soon after its end: the last cross has to settle.
ON_TIME = timedelta(seconds=5)


def late_orders(orders: QuerySet[Order]) -> list[str]:
    """Return those of ``orders`` that did not complete, or not on time, in words.

    One whose rest is under the minimum of its market counts as complete: no exchange takes that.
    """
    late = []
    for order in orders.select_related("terms").order_by("pk"):
        is_done = order.status == OrderStatus.COMPLETED or has_dust(order)
        if is_done and order.terms is not None and order.ended_at is not None:
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


def has_dust(order: Order) -> bool:
    """Return True if all that an ended order has left is under the minimum of each of its markets."""
    left = order.quantity - order.filled
    price = middle(order.arrival_bid, order.arrival_ask)
    if order.ended_at is None or left <= 0 or price is None:
        return False
    markets = [market_from_json(data) for data in order.market.values()]
    return all(left < minimum_quantity(market, price) for market in markets)
