"""Orders that have ended, with fills and a recorded market, as their reports need them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from execution.models import Account, Fill, MarketSample, Order, User, Venue
from execution.services.records.reports import report_keep
from tests.dashboard.desk_fixture import Desk

HOUR = timedelta(hours=1)


def second_account(desk: Desk, label: str = "beta") -> Account:
    venue = Venue.objects.create(label=label, exchange="binance")
    return Account.objects.create(label=label, venue=venue, environment="paper", symbols=["BTC/USDT"])


def record(venue: Venue, start: datetime, seconds: int, mid: str, volume: str = "0.5") -> None:
    MarketSample.objects.bulk_create(
        MarketSample(
            venue=venue,
            symbol="BTC/USDT",
            second=start + timedelta(seconds=second),
            bid=Decimal(mid) - 1,
            ask=Decimal(mid) + 1,
            volume=Decimal(volume),
            notional=Decimal(volume) * Decimal(mid),
        )
        for second in range(seconds)
    )


def ended_order(
    desk: Desk,
    key: str,
    *,
    prices: tuple[str, ...] = ("64510", "64490"),
    person: User | None = None,
    account: Account | None = None,
    status: str = "completed",
    keep: bool = True,
    **changes: Any,
) -> Order:
    """Return BUY 2.5 BTC that arrived at 64,500 an hour ago, worked for a minute, and ended; a fill for each
    price.
    """
    order = desk.order(person, key=key)
    began = (timezone.now() - HOUR).replace(microsecond=0)
    if not MarketSample.objects.filter(venue=desk.venue).exists():
        record(desk.venue, began - timedelta(seconds=10), 500, "64500")
    for number, price in enumerate(prices):
        fill = desk.fill(
            order,
            int.from_bytes(f"{key}{number}".encode()),
            quantity="1.25",
            price=price,
            fee_in_quote=Decimal(2),
            liquidity="maker" if number % 2 else "taker",
        )
        Fill.objects.filter(pk=fill.pk).update(
            executed_at=began + timedelta(seconds=20 + 20 * number), account=account or desk.account
        )
    order.refresh_from_db()
    values: dict[str, Any] = {
        "arrival_bid": Decimal(64499),
        "arrival_ask": Decimal(64501),
        "arrival_at": began,
        "started_at": began,
        "ended_at": began + timedelta(seconds=60),
        "status": status,
    }
    for name, value in (values | changes).items():
        setattr(order, name, value)
    order.save()
    if keep:
        assert report_keep(order_pk=order.pk, now=timezone.now())
    return order
