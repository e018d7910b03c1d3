"""The records of the measured desk: its fills, slices and states, read with the product's models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import environ
from django.conf import settings
from django.core.management import CommandError
from django.db import connections
from django.db.models import F, Min, Q, QuerySet

from execution.core.states import ORDER_FINAL
from execution.models import (
    Account,
    ChildOrder,
    CredentialState,
    Estimate,
    Fill,
    JournalEntry,
    Market,
    Order,
    Slice,
)

ALIAS = "measured"


@contextmanager
def database_of(var: Path, url: str | None = None) -> Iterator[None]:
    """Within the block, make this module's functions read the database at ``url``.

    Without ``url``, they read the SQLite database in ``var``.
    """
    configuration = dict(connections.databases["default"])
    if url:
        configuration |= {"OPTIONS": {}, **environ.Env.db_url_config(url)}
    else:
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


def wait_until(is_done: Callable[[], bool], within: float, what: str) -> None:
    """Wait until ``is_done`` returns True. After ``within`` seconds raise ``CommandError``, which names ``what``."""
    deadline = time.monotonic() + within
    while not is_done():
        if time.monotonic() > deadline:
            raise CommandError(f"{what} after {within:.0f} s")
        time.sleep(0.2)


def markets_known(venue: str) -> int:
    """Return the number of a venue's markets whose limits the desk has stored. ``venue`` is the venue's label."""
    return Market.objects.using(ALIAS).filter(venue__label=venue).count()


def accounts_ready() -> int:
    """Return the number of accounts that may trade: they have a checked key and are reconciled."""
    keyed = Account.objects.using(ALIAS).filter(credentials__state=CredentialState.ACTIVE).distinct()
    return sum(account.is_reconciled for account in keyed)


def orders_unfinished(public_ids: Sequence[str]) -> int:
    mine = Order.objects.using(ALIAS).filter(public_id__in=public_ids)
    return mine.exclude(status__in=ORDER_FINAL).count()


def outcomes(public_ids: Sequence[str]) -> dict[str, int]:
    """Return the number of these orders in each state."""
    counts: dict[str, int] = {}
    for status in (
        Order.objects.using(ALIAS).filter(public_id__in=public_ids).values_list("status", flat=True)
    ):
        counts[status] = counts.get(status, 0) + 1
    return dict(sorted(counts.items()))


def not_completed(public_ids: Sequence[str]) -> list[str]:
    """Return a line for each order that did not complete, with its reason."""
    orders = Order.objects.using(ALIAS).filter(public_id__in=public_ids).exclude(status="completed")
    return [
        f"{order.public_id} {order.symbol} {order.status}, {order.filled} of {order.quantity}: {order.reason}"
        for order in orders.order_by("pk")
    ]


def fill_delays(public_ids: Sequence[str]) -> list[float]:
    """Return, for each trade, the milliseconds from the exchange's time to our record of it."""
    return _delays_of(Fill.objects.using(ALIAS).filter(order__public_id__in=public_ids))


def _delays_of(fills: QuerySet[Fill]) -> list[float]:
    times = fills.values_list("executed_at", "recorded_at")
    return [_milliseconds(recorded - executed) for executed, recorded in times]


def slice_delays(public_ids: Sequence[str]) -> list[tuple[float, float]]:
    """Return two figures in milliseconds for each slice with a resting child.

    They are the time from the slice's start to the decision for its first resting child, and the slice's length.
    Orders whose plan was changed are left out.
    """
    slices = Slice.objects.using(ALIAS).filter(
        order__public_id__in=public_ids, children__purpose="rest", order__plan_version=1, plan_version=1
    )
    found = slices.annotate(first=Min("children__intended_at")).values_list("starts_at", "ends_at", "first")
    return [
        (_milliseconds(first - start), _milliseconds(end - start))
        for start, end, first in found
        if first is not None
    ]


# --- capacity ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FirstChildren:
    """The delays of the first children of slices, in milliseconds after each slice's planned start.

    ``decided`` are the delays until a child was decided on. ``submitted`` are the delays until it was marked as
    submitted, which is later. ``without`` is the number of slices without a child.
    """

    decided: list[float]
    submitted: list[float]
    without: int


def first_children(since: datetime, until: datetime) -> FirstChildren:
    """Return how long after a slice's planned start its first child was decided on and submitted.

    The slices are those that began between ``since`` and ``until``.

    Only slices of the orders' newest plans are included.
    """
    slices = Slice.objects.using(ALIAS).filter(
        starts_at__gte=since, starts_at__lt=until, order__plan_version=F("plan_version")
    )
    first = slices.annotate(decided=Min("children__intended_at"), submitted=Min("children__submitted_at"))
    found = list(first.values_list("starts_at", "decided", "submitted"))
    return FirstChildren(
        [_milliseconds(decided - start) for start, decided, _ in found if decided is not None],
        [_milliseconds(submitted - start) for start, _, submitted in found if submitted is not None],
        sum(decided is None for _, decided, _ in found),
    )


def _milliseconds(delay: timedelta) -> float:
    return delay / timedelta(milliseconds=1)


def children_intended(since: datetime, until: datetime) -> int:
    return ChildOrder.objects.using(ALIAS).filter(intended_at__gte=since, intended_at__lt=until).count()


def fills_recorded(since: datetime, until: datetime) -> list[float]:
    """Return the milliseconds from the exchange's time of each trade to our record, for trades in this period."""
    return _delays_of(Fill.objects.using(ALIAS).filter(executed_at__gte=since, executed_at__lt=until))


@dataclass(frozen=True, slots=True)
class FillVersion:
    """A fill, and the version that its order had after the fill."""

    order: str
    version: int
    executed_at: datetime
    recorded_at: datetime


def fill_versions(public_ids: Sequence[str], since: datetime, until: datetime) -> list[FillVersion]:
    """Return these orders' fills between ``since`` and ``until``, each with the version of its journal entry."""
    entries = JournalEntry.objects.using(ALIAS).filter(
        order__public_id__in=public_ids, kind="fill", at__gte=since, at__lt=until
    )
    by_fill = {data["fill"]: (order, version) for order, version, data in _entries(entries)}
    fills = Fill.objects.using(ALIAS).filter(pk__in=by_fill).values_list("pk", "executed_at", "recorded_at")
    return [FillVersion(*by_fill[pk], executed, recorded) for pk, executed, recorded in fills]


def _entries(entries: QuerySet[JournalEntry]) -> list[tuple[str, int, dict[str, Any]]]:
    return list(entries.values_list("order__public_id", "version", "data"))


def orders_live() -> int:
    return Order.objects.using(ALIAS).exclude(status__in=ORDER_FINAL).count()


def estimates_waiting() -> int:
    """Return the number of orders whose expected cost is still being calculated."""
    return Estimate.objects.using(ALIAS).filter(order__isnull=False, done_at=None).count()


def in_trouble() -> int:
    """Return the number of orders that failed or need a person."""
    orders = Order.objects.using(ALIAS)
    return orders.filter(Q(needs_person=True) | Q(status="failed")).count()


def vendor() -> str:
    return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connections[ALIAS].vendor]
