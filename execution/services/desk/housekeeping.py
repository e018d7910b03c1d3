"""The deletion of rows that nobody needs any more, in small batches.

One statement over a million rows would hold SQLite's only write lock until it ends. Meanwhile an engine could not
renew its lease and would lose its orders. Between two batches each process that waits for the lock gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from django.db.models import Min, Q, QuerySet

from execution.core.states import ORDER_LIVE
from execution.models import (
    CandleDay,
    DecisionContext,
    DecisionRecord,
    Estimate,
    JournalCheck,
    MarketSample,
    Order,
    Worker,
)

#: The most rows that one statement deletes. Each statement is a transaction of its own.
BATCH = 1_000
#: The most rows that one call deletes, because the task's thread has other work too. The next call, a minute later,
#: deletes more.
MAX_ROWS = 100_000

Pause = Callable[[], None]


def samples_drop(*, before: datetime, pause: Pause) -> int:
    """Delete market samples older than ``before``, except those that a live order's chart needs. Return the number.

    For a live order, only the samples of its own markets are kept.
    """
    needed = _needed_since()
    dropped = 0
    for venue_pk, symbol in _markets_sampled():
        limit = min(before, needed.get((venue_pk, symbol), before))
        rows = MarketSample.objects.filter(venue=venue_pk, symbol=symbol, second__lt=limit)
        dropped += _drop(rows, pause, most=MAX_ROWS - dropped)
    return dropped


def _needed_since() -> dict[tuple[int, str], datetime]:
    """Return, for each market of a live order, the time since which its samples are needed."""
    live = Order.objects.filter(status__in=ORDER_LIVE).values_list("accounts__venue", "symbol")
    return {(venue, symbol): since for venue, symbol, since in live.annotate(since=Min("created_at"))}


def _markets_sampled() -> Iterator[tuple[int, str]]:
    """Yield the venue and symbol of each market that has samples.

    Each market costs one look-up in the index. A scan of the table's millions of rows would take too long.
    """
    later = Q()
    rows = MarketSample.objects.order_by("venue_id", "symbol").values_list("venue_id", "symbol")
    while found := rows.filter(later).first():
        yield found
        later = Q(venue_id=found[0], symbol__gt=found[1]) | Q(venue_id__gt=found[0])


def workers_drop(*, before: datetime, pause: Pause) -> int:
    """Delete workers that ended before ``before`` and own no order or account. Return their number."""
    return _drop(Worker.objects.filter(lease_until__lt=before, orders=None, accounts=None), pause)


def estimates_drop(*, before: datetime, pause: Pause) -> int:
    """Delete estimates that nobody has requested since ``before``."""
    return _drop(Estimate.objects.filter(asked_at__lt=before), pause)


def candles_drop(*, before: date, pause: Pause) -> int:
    """Delete candles that are older than any plan needs."""
    return _drop(CandleDay.objects.filter(day__lt=before), pause)


def checks_drop(*, before: datetime, pause: Pause) -> int:
    """Delete old results of the nightly check of journals and audit."""
    return _drop(JournalCheck.objects.filter(started_at__lt=before), pause)


def decisions_drop(*, before: datetime, pause: Pause) -> int:
    """Delete old records of decisions, then the shared inputs that no remaining record uses.

    Return the number of deleted records.
    """
    dropped = _drop(DecisionRecord.objects.filter(decided_at__lt=before), pause)
    _drop(DecisionContext.objects.filter(created_at__lt=before, records=None), pause)
    return dropped


def _drop(rows: QuerySet[Any], pause: Pause, *, most: int = MAX_ROWS) -> int:
    dropped = 0
    while dropped < most:
        batch = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if batch:
            # By range: a list of a thousand keys would be looked up one by one.
            dropped += rows.filter(pk__gte=batch[0], pk__lte=batch[-1]).delete()[0]
        if len(batch) < BATCH:
            break
        pause()
    return dropped
