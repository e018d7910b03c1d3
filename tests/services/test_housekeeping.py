"""Housekeeping beside writers: in small batches, so that nobody waits long for SQLite's one lock."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from execution import tasks
from execution.core.retention import keeping_orders
from execution.core.types import VenueStatus
from execution.models import (
    AuditEntry,
    ChildOrder,
    DecisionRecord,
    Fill,
    JournalEntry,
    MarketSample,
    Order,
    Venue,
)
from execution.selectors.chains import audit_breaks, heads_breaks, orders_verify
from execution.selectors.retained import orders_dropped
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from execution.services.desk import housekeeping, old_orders
from execution.services.desk.housekeeping import BATCH, samples_drop
from execution.services.desk.old_orders import orders_drop
from execution.services.orders.orders import order_cancel
from tests.factories import NOW, D, Rows, report_of, trade_of

ROWS = 30_000
#: A quarter of what a lease may miss; measured beside 1.2 million rows: docs/results/reliability.md.
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


def test_an_open_order_keeps_the_samples_of_its_own_market_alone(rows: Rows) -> None:
    samples(rows.venue, 100, first=-50)
    other = Venue.objects.create(label="gamma", exchange="binance")
    samples(other, 100, first=-50)
    Order.objects.filter(pk=rows.submit().pk).update(created_at=NOW)
    assert samples_drop(before=NOW + timedelta(days=1), pause=lambda: None) == 150
    assert {sample.venue_id for sample in MarketSample.objects.all()} == {rows.venue.pk}


def test_an_old_order_goes_with_all_that_is_its_own_and_the_audit_keeps_its_name(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_orders, "BATCH", 2)
    child = rows.resting(key="old")
    order = child.order
    trade = trade_of(child, "1", "0.1", fee=D(1), fee_currency="USDT")
    fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)
    filled = report_of(child, VenueStatus.FILLED, "0.1")
    child_report(account_pk=rows.account.pk, report=filled, now=NOW)
    order_cancel(public_id=order.public_id, person=rows.trader, reason="", now=NOW)
    rows.step(order, now=NOW)
    order.refresh_from_db()
    assert order.ended_at == NOW
    young = rows.working(key="young")
    assert DecisionRecord.objects.filter(order=order).exists()
    pauses: list[int] = []
    drop: Any = partial(orders_drop, now=NOW, pause=lambda: pauses.append(JournalEntry.objects.count()))
    assert drop(before=NOW) == 0, "it ended then, not before"
    assert drop(before=NOW + timedelta(seconds=1)) == 1
    assert len(set(pauses)) > 2, "in batches"
    assert list(Order.objects.all()) == [young]
    for table in (Fill, ChildOrder, DecisionRecord):
        assert not table.objects.filter(order_id=order.pk).exists()
    entry = AuditEntry.objects.get()
    assert entry.data == {"orders": {order.public_id: [order.version, order.journal_hash]}}
    assert orders_verify(after=0).breaks == [] == audit_breaks()
    heads = [{"chain": "order", "order": order.public_id, "version": 1, "hash": ""}]
    assert list(heads_breaks(heads, orders_dropped())) == [], "nobody misses it"


def test_nobody_keeps_orders_for_less_than_a_year() -> None:
    assert keeping_orders(400).decisions == timedelta(days=400)
    with pytest.raises(ValueError, match="kept for 364 days; it must be 365 or more"):
        keeping_orders(364)
