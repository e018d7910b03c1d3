"""What a stream says at once: recorded together where it is of one order, once, and again without harm."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from execution.core.types import VenueStatus
from execution.models import ChildOrder, Fill, JournalEntry
from execution.services import events
from execution.services.events import event_record
from execution.services.fills import fill_record
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

    def gone(**_: Any) -> bool:
        raise OperationalError("the database is away")

    facts = (report_of(child, V.FILLED, child.quantity), trade_of(child, "7", child.quantity))
    with monkeypatch.context() as away:
        away.setattr(events, "fill_record", gone)
        with pytest.raises(OperationalError):
            hear(rows, *facts)
    assert ChildOrder.objects.get(pk=child.pk).reported_filled is None
    assert not Fill.objects.exists()
    assert hear(rows, *facts) == [child.order_id]
    assert ChildOrder.objects.get(pk=child.pk).is_settled


def test_facts_of_several_orders_are_recorded_each_by_itself(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    child, real = rows.resting(), fill_record

    def gone(*, trade: Any, **given: Any) -> bool:
        if trade.exchange_id == "other":
            raise OperationalError("the database is away")
        return real(trade=trade, **given)

    monkeypatch.setattr(events, "fill_record", gone)
    facts = (
        report_of(child, V.OPEN, "0.04"),
        trade_of(child, "7", "0.04"),
        trade_of(child, "8", "0.04", exchange_id="other"),
    )
    with pytest.raises(OperationalError):
        hear(rows, *facts)
    assert Fill.objects.get().child_id == child.pk
