"""An order's fills and the recorded seconds of its markets, in the types of the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Min

from execution.core.tca import costs
from execution.core.tca.analysis import Execution
from execution.core.tca.market_tape import MID_LASTS, MarketRecord, Second
from execution.models import Fill, MarketSample, Order, Venue
from execution.selectors.decisions.order_view import accounts_of
from execution.selectors.fees import fee_parts

SECOND = timedelta(seconds=1)


def venues_of(order: Order) -> dict[int, str]:
    """Return the labels of the venues where an order has accounts, by the venue's primary key."""
    keys = {account.venue_id for account in accounts_of(order)}
    return dict(Venue.objects.filter(pk__in=keys).order_by("label").values_list("pk", "label"))


def executions_of(order: Order) -> dict[int, Execution]:
    """Return an order's fills, by the fill's primary key, sorted by the exchange's time of execution."""
    found = Fill.objects.filter(order=order).order_by("executed_at", "pk")
    columns = found.values_list(
        *("pk", "executed_at", "price", "quantity", "account__venue__label", "liquidity"),
        *("fee_in_quote", "fee", "fee_currency", "more_fees"),
    )
    return {
        key: Execution(at, price, quantity, venue, liquidity, fee_parts(*charged), in_quote)
        for key, at, price, quantity, venue, liquidity, in_quote, *charged in columns
    }


def working_since(order: Order) -> datetime | None:
    """Return the time of the order's first child; if it has none, the start of the order."""
    found: datetime | None = order.children.aggregate(first=Min("intended_at"))["first"]
    return found or order.started_at


def arrival_of(order: Order) -> tuple[datetime, Decimal] | None:
    """Return the time of the order's arrival and the mid at that moment, if they are known."""
    mid = costs.middle(order.arrival_bid, order.arrival_ask)
    return None if mid is None or order.arrival_at is None else (order.arrival_at, mid)


def record_of(order: Order, venues: Mapping[int, str], start: datetime, end: datetime) -> MarketRecord:
    """Return the recorded seconds of the order's markets from ``start`` to ``end``.

    The record begins more than ``MID_LASTS`` before ``start``, because a mid stays valid for ``MID_LASTS``.
    """
    found = MarketSample.objects.filter(
        venue__in=venues, symbol=order.symbol, second__gte=start - MID_LASTS - SECOND, second__lte=end
    )
    columns = found.order_by("second").values_list("venue", "second", "bid", "ask", "volume", "notional")
    seconds = (Second(venues[venue], at, bid, ask, *traded) for venue, at, bid, ask, *traded in columns)
    return MarketRecord(seconds, arrival=arrival_of(order))
