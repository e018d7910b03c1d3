"""The reason why working orders cannot be filled now.

There are two reasons: the market is beyond the order's limit price, or the order's last decision was to wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from execution.core.market_data.freshness import is_fresh
from execution.core.orders.limit_words import limit_beyond
from execution.core.states import OrderStatus
from execution.core.types import Quote, Side
from execution.models import Order
from execution.selectors.quotes import quotes_latest

#: The beginning of a decision's words when it waits for something outside its plan.
WAITS_PREFIX = "waits: "
#: A venue's primary key, and a symbol.
Pair = tuple[int, str]


def pairs_of(order: Order, venues: Iterable[int]) -> list[Pair]:
    """Return the markets whose quotes decide whether an order's limit price is beyond the market.

    Return no market if the order has no limit price or is not working.
    """
    has_limit = order.terms is not None and order.terms.limit_price is not None
    return [(venue, order.symbol) for venue in venues] if has_limit and is_working(order.status) else []


def is_working(status: str) -> bool:
    return status == OrderStatus.WORKING


def limit_words(
    side: str, limit: Decimal | None, pairs: Collection[Pair], quotes: Mapping[Pair, Quote], now: datetime
) -> str:
    """Return words such as ``limit 60,000 is 8.6 % below the market``.

    Only fresh quotes of these markets are used. The text is empty if the limit price is not beyond the market.
    """
    fresh = [quotes[pair] for pair in pairs if pair in quotes and is_fresh(quotes[pair].at, now)]
    return limit_beyond(Side(side), limit, fresh)


def waiting_of(
    orders: Sequence[Order], venues: Mapping[int, Collection[int]], why: Mapping[int, str], now: datetime
) -> dict[int, str]:
    """Return the reason why each order waits, by primary key. Orders that do not wait are left out.

    ``venues`` and ``why`` are by primary key too. ``why`` has the words of the orders' last decisions.
    """
    pairs = {order.pk: pairs_of(order, venues.get(order.pk, ())) for order in orders}
    quotes = quotes_latest(sorted({pair for found in pairs.values() for pair in found}))
    said = {}
    for order in orders:
        limit = order.terms.limit_price if order.terms else None
        words = limit_words(order.side, limit, pairs[order.pk], quotes, now)
        if not words and is_working(order.status) and WAITS_PREFIX in why.get(order.pk, ""):
            words = why[order.pk]
        if words:
            said[order.pk] = words
    return said


def waits_said(orders: Sequence[Order]) -> dict[int, str]:
    """Return, by primary key, the reason of each working order whose last decision was to wait."""
    working = [order.pk for order in orders if is_working(order.status)]
    return dict(Order.objects.filter(pk__in=working, why__contains=WAITS_PREFIX).values_list("pk", "why"))
