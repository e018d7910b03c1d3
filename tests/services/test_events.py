"""The simultaneous messages of a stream: recorded together where they are of one order, once, and repeatable."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from execution.core.types import VenueStatus
from execution.models import ChildOrder, Fill, JournalEntry
from execution.services.children import events
from execution.services.children.events import by_order, event_record
from tests.factories import NOW, Rows, report_of, trade_of
from tests.invariants import check_order

V = VenueStatus


def hear(rows: Rows, *facts: Any) -> list[int]:
    reports = [fact for fact in facts if not hasattr(fact, "trade_id")]
    trades = [fact for fact in facts if hasattr(fact, "trade_id")]
    return event_record(account_pk=rows.account.pk, reports=reports, trades=trades, now=NOW)


def test_a_state_and_the_trade_that_made_it_are_both_recorded_and_once(rows: Rows) -> None:
    child = rows.resting()
    facts = (report_of(child, V.OPEN, "0.04"), trade_of(child, "7", "0.04"))
    assert hear(rows, *facts) == [child.order_id]
    entries = JournalEntry.objects.filter(order=child.order_id).count()
    assert hear(rows, *facts) == []
    assert Fill.objects.get().child_id == child.pk
    assert JournalEntry.objects.filter(order=child.order_id).count() == entries
    check_order(child.order)


def test_a_trade_that_cannot_be_recorded_leaves_nothing_of_its_event(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = rows.resting()

    def gone(**_: Any) -> None:
        raise OperationalError("the database is away")

    facts = (report_of(child, V.FILLED, child.quantity), trade_of(child, "7", child.quantity))
    with monkeypatch.context() as away:
        away.setattr(events, "fill_insert", gone)
        with pytest.raises(OperationalError):
            hear(rows, *facts)
    assert ChildOrder.objects.get(pk=child.pk).reported_filled is None
    assert not Fill.objects.exists()
    assert hear(rows, *facts) == [child.order_id]
    assert ChildOrder.objects.get(pk=child.pk).is_settled


def test_what_was_said_of_several_orders_is_taken_apart_and_nothing_is_lost(rows: Rows) -> None:
    child = rows.resting()
    states = [
        report_of(child, V.OPEN, filled, exchange_id=name)
        for name, filled in (("a", "0"), ("b", "0"), ("a", "1"))
    ]
    trades = [
        trade_of(child, number, "0.04", exchange_id=name)
        for number, name in (("7", "b"), ("8", "c"), ("9", "b"))
    ]
    assert by_order(states, trades) == [
        ([states[0], states[2]], []),
        ([states[1]], [trades[0], trades[2]]),
        ([], [trades[1]]),
    ]


def test_a_state_and_its_trade_write_each_row_once(rows: Rows) -> None:
    child = rows.resting()
    hear(rows, report_of(child, V.OPEN, "0"))
    with CaptureQueriesContext(connection) as seen:
        hear(rows, report_of(child, V.OPEN, "0.04"), trade_of(child, "7", "0.04"))
    written = [query["sql"].split('"')[1] for query in seen if query["sql"].startswith(("UPDATE", "INSERT"))]
    tables = ("journalentry", "journalentry", "fill", "childorder", "order")
    assert sorted(written) == sorted(f"execution_{table}" for table in tables)
    assert len(seen) <= 14
