"""Orders that did not complete, or not on time. Runs under mild faults are judged by them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import QuerySet

from execution.core.quantities import minimum_quantity
from execution.core.states import OrderStatus
from execution.core.tca.costs import middle
from execution.models import Order
from execution.selectors.markets import market_from_json

#: The time after its end in which an order must complete to be on time: its last cross has to settle.
ON_TIME = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Punctuality:
    """The number of orders that completed on time, and descriptions of the others.

    ``dust`` describes the orders that completed on time except for a remainder below the market's minimum. ``late``
    describes all others.
    """

    completed: int = 0
    dust: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    def named(self, where: str) -> Punctuality:
        """Return a copy in which the description of each order begins with ``where``, such as the name of a run."""
        dust, late = ([f"{where}: {text}" for text in texts] for texts in (self.dust, self.late))
        return Punctuality(self.completed, dust, late)

    def words(self, orders: int) -> str:
        """Return words such as ``38 of 40 orders completed on time, 1 more but for a rest under the market's
        minimum``.
        """
        dust = f", {len(self.dust)} more but for a rest under the market's minimum" if self.dust else ""
        return f"{self.completed} of {orders} orders completed on time{dust}"


def punctuality(orders: QuerySet[Order]) -> Punctuality:
    """Judge each of ``orders``: completed on time, completed except for a remainder below the minimum, or late."""
    completed, dust, late = 0, list[str](), list[str]()
    for order in orders.select_related("terms").order_by("pk"):
        if why := _late(order):
            late.append(f"{_named(order)}, {why}")
        elif order.status == OrderStatus.COMPLETED:
            completed += 1
        else:
            dust.append(f"{_named(order)}, {order.quantity - order.filled} of {order.quantity} left")
    return Punctuality(completed, dust, late)


def together(parts: Iterable[Punctuality]) -> Punctuality:
    """Return the sum of the results of several runs."""
    known = list(parts)
    return Punctuality(
        sum(one.completed for one in known),
        [text for one in known for text in one.dust],
        [text for one in known for text in one.late],
    )


def _late(order: Order) -> str:
    """Return why an order was late, or an empty text if it was not."""
    is_done = order.status == OrderStatus.COMPLETED or has_dust(order)
    if not is_done or order.terms is None or order.ended_at is None:
        unsettled = order.children.filter(is_settled=False).count()
        why = order.reason or order.why
        return f"{order.filled} of {order.quantity}, {unsettled} children open: {why}"
    behind = order.ended_at - order.terms.end_at
    return f"{behind.total_seconds():.1f} s after its end" if behind > ON_TIME else ""


def _named(order: Order) -> str:
    return f"{order.algorithm} of {order.symbol} {order.status}"


def has_dust(order: Order) -> bool:
    """Return True if an order's time ran out and its remainder is under the minimum of each of its markets.

    A partial fill can leave such a remainder. Return False for a cancelled or failed order, however small its
    remainder is.
    """
    is_expired = order.status == OrderStatus.EXPIRED or (
        order.status == OrderStatus.CLOSING and order.outcome == OrderStatus.EXPIRED
    )
    left = order.quantity - order.filled
    price = middle(order.arrival_bid, order.arrival_ask)
    if not is_expired or left <= 0 or price is None:
        return False
    markets = [market_from_json(data) for data in order.market.values()]
    return all(left < minimum_quantity(market, price) for market in markets)
