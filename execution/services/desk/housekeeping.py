"""Throw away what nobody needs any more, a little at a time.

One statement over a million rows holds SQLite's only write lock for its whole duration: an engine could not renew its
lease meanwhile and lost its orders. Between two batches everybody who waits for the lock gets it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from execution.core.states import ORDER_LIVE
from execution.models import CandleDay, Estimate, MarketSample, Order, Worker

#: Rows of one statement, which is a transaction of its own.
BATCH = 1_000
#: At most in one call: the task's thread has other work too. What is left goes with the next call, a minute later.
MAX_ROWS = 100_000

Pause = Callable[[], None]


def samples_drop(*, before: datetime, pause: Pause) -> int:
    """Delete market samples older than ``before`` that no live order's chart needs; how many."""
    oldest = (
        Order.objects.filter(status__in=ORDER_LIVE)
        .order_by("created_at")
        .values_list("created_at", flat=True)
    )
    first = oldest.first()
    limit = before if first is None else min(before, first)
    return _drop(MarketSample.objects.filter(second__lt=limit), pause)


def workers_drop(*, before: datetime, pause: Pause) -> int:
    """Delete workers that ended before ``before`` and own nothing; how many."""
    return _drop(Worker.objects.filter(lease_until__lt=before, orders=None, accounts=None), pause)


def estimates_drop(*, before: datetime, pause: Pause) -> int:
    """Forget estimates that nobody has asked for since."""
    return _drop(Estimate.objects.filter(asked_at__lt=before), pause)


def candles_drop(*, before: date, pause: Pause) -> int:
    """Forget history that no plan looks back to."""
    return _drop(CandleDay.objects.filter(day__lt=before), pause)


def _drop(rows: QuerySet[Any], pause: Pause) -> int:
    dropped = 0
    while dropped < MAX_ROWS:
        batch = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if batch:
            # By range: a list of a thousand keys would be looked up one by one.
            dropped += rows.filter(pk__gte=batch[0], pk__lte=batch[-1]).delete()[0]
        if len(batch) < BATCH:
            break
        pause()
    return dropped
