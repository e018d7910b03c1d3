"""What the measured desk's database tells: fills, slices and states, read by the same models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.db.models import Min

from execution.core.states import ORDER_FINAL
from execution.models import Fill, Market, Order, Slice

ALIAS = "measured"


@contextmanager
def database_of(var: Path) -> Iterator[None]:
    """Within it the functions below read the SQLite database in ``var``."""
    configuration = dict(connections.databases["default"])
    configuration |= {"ENGINE": "django.db.backends.sqlite3", "NAME": str(var / "tranche.sqlite3")}
    configuration["OPTIONS"] = {
        "timeout": settings.DATABASES["default"].get("OPTIONS", {}).get("timeout", 20)
    }
    connections.databases[ALIAS] = configuration
    try:
        yield
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.databases[ALIAS]


def markets_known(venue: str) -> int:
    """The markets whose limits the desk has learnt from a venue, by its label."""
    return Market.objects.using(ALIAS).filter(venue__label=venue).count()


def orders_unfinished(public_ids: Sequence[str]) -> int:
    mine = Order.objects.using(ALIAS).filter(public_id__in=public_ids)
    return mine.exclude(status__in=ORDER_FINAL).count()


def outcomes(public_ids: Sequence[str]) -> dict[str, int]:
    """How many of the orders are in which state."""
    counts: dict[str, int] = {}
    for status in (
        Order.objects.using(ALIAS).filter(public_id__in=public_ids).values_list("status", flat=True)
    ):
        counts[status] = counts.get(status, 0) + 1
    return dict(sorted(counts.items()))


def not_completed(public_ids: Sequence[str]) -> list[str]:
    """What kept an order from completing, a line each."""
    orders = Order.objects.using(ALIAS).filter(public_id__in=public_ids).exclude(status="completed")
    return [
        f"{order.public_id} {order.symbol} {order.status}, {order.filled} of {order.quantity}: {order.reason}"
        for order in orders.order_by("pk")
    ]


def fill_delays(public_ids: Sequence[str]) -> list[float]:
    """Milliseconds from the exchange's time of each trade to our record of it."""
    fills = Fill.objects.using(ALIAS).filter(order__public_id__in=public_ids)
    return [(fill.recorded_at - fill.executed_at).total_seconds() * 1000 for fill in fills]


def slice_delays(public_ids: Sequence[str]) -> list[tuple[float, float]]:
    """Of each slice that had a resting child: milliseconds from its start to the first, and its length."""
    slices = Slice.objects.using(ALIAS).filter(
        order__public_id__in=public_ids, children__purpose="rest", order__plan_version=1, plan_version=1
    )
    found = slices.annotate(first=Min("children__intended_at")).values_list("starts_at", "ends_at", "first")
    return [
        ((first - start).total_seconds() * 1000, (end - start).total_seconds() * 1000)
        for start, end, first in found
        if first is not None
    ]
