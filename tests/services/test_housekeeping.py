"""Housekeeping beside writers: in small batches, so that nobody waits long for SQLite's one lock."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from execution import tasks
from execution.models import MarketSample, Order, Venue
from execution.services.desk import housekeeping
from execution.services.desk.housekeeping import BATCH, samples_drop
from tests.factories import NOW, Rows

ROWS = 30_000
#: A quarter of what a lease may miss; measured beside 1.2 million rows: docs/reliability.md.
MAX_WAIT = 0.75  # seconds


def samples(venue: Venue, count: int, *, first: int = 0) -> None:
    made = (
        MarketSample(
            venue=venue,
            symbol="BTC/USDT",
            second=NOW + timedelta(seconds=first + number),
            volume=0,
            notional=0,
        )
        for number in range(count)
    )
    MarketSample.objects.bulk_create(made, batch_size=5_000)


def test_a_call_drops_batch_after_batch_with_a_pause_between_them_and_ends_somewhere(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 10)
    monkeypatch.setattr(housekeeping, "MAX_ROWS", 40)
    samples(rows.venue, 55)
    pauses: list[int] = []
    before = NOW + timedelta(seconds=50)
    assert samples_drop(before=before, pause=lambda: pauses.append(MarketSample.objects.count())) == 40
    assert pauses == [45, 35, 25, 15]
    assert samples_drop(before=before, pause=lambda: None) == 10
    assert MarketSample.objects.count() == 5


def test_samples_of_a_live_orders_chart_stay(rows: Rows) -> None:
    samples(rows.venue, 100, first=-50)
    order = rows.submit()
    Order.objects.filter(pk=order.pk).update(created_at=NOW)
    assert samples_drop(before=NOW + timedelta(days=1), pause=lambda: None) == 50


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL locks rows: nobody waits for a delete of others"
)
def test_no_writer_waits_long_while_many_rows_are_dropped() -> None:
    venue = Venue.objects.create(label="alpha", exchange="binance")
    samples(venue, ROWS)
    ended, waits = threading.Event(), []

    def write() -> None:
        try:
            while not ended.is_set():
                begun = time.monotonic()
                Venue.objects.filter(pk=venue.pk).update(label="alpha")
                waits.append(time.monotonic() - begun)
                time.sleep(0.005)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        dropped = samples_drop(before=NOW + timedelta(days=2), pause=tasks.let_others_write)
    finally:
        ended.set()
        writer.join()
    assert dropped == ROWS
    assert len(waits) >= ROWS // BATCH
    print(f"\nthe longest of {len(waits)} waits was {max(waits) * 1000:.0f} ms")
    assert max(waits) < MAX_WAIT


def test_every_kind_of_litter_goes_in_batches(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[Any] = []
    monkeypatch.setattr(tasks, "let_others_write", lambda: statements.append(None))
    tasks.housekeep()
    assert statements == []  # nothing to throw away: nothing to wait for
