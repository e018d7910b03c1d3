"""A person's actions on a running order: pause, resume, cancel. Twice is once, and strangers see nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from execution.core.problems import Refused
from execution.core.states import ORDER_FINAL
from execution.core.types import VenueStatus
from execution.models import Order, User
from execution.payloads.encode import epoch_ms
from execution.selectors.decisions.order_view import plan_rows
from execution.selectors.orders.pages import order_snapshot
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from execution.services.orders.orders import OrderNotFound, order_cancel, order_pause, order_resume
from tests.factories import NOW, D, Rows, report_of, trade_of
from tests.invariants import check_final, check_order

MINUTE = timedelta(minutes=1)


def pause(rows: Rows, order: Order, **changes: Any) -> Order:
    return order_pause(
        **({"public_id": order.public_id, "person": rows.trader, "reason": "lunch", "now": NOW} | changes)
    )


def resume(rows: Rows, order: Order, **changes: Any) -> Order:
    given = {
        "public_id": order.public_id,
        "person": rows.trader,
        "reason": "",
        "mode": "catch_up",
        "now": NOW,
    }
    return order_resume(**(given | changes))


def cancel(rows: Rows, order: Order, **changes: Any) -> Order:
    return order_cancel(
        **({"public_id": order.public_id, "person": rows.trader, "reason": "", "now": NOW} | changes)
    )


VERBS = [pause, resume, cancel]


@pytest.mark.parametrize("verb", VERBS)
def test_somebody_elses_order_looks_like_none(rows: Rows, verb: Callable[..., Order]) -> None:
    order = rows.working()
    stranger = User.objects.create(username="stranger")
    with pytest.raises(OrderNotFound):
        verb(rows, order, person=stranger)
    with pytest.raises(OrderNotFound):
        order_cancel(public_id="nothing1", person=rows.trader, reason="", now=NOW)
    order.refresh_from_db()
    assert order.status == "working"


def test_a_supervisor_stops_anything_and_the_journal_names_them(rows: Rows) -> None:
    order = pause(rows, rows.working(), person=rows.supervisor)
    entry = order.journal.get(kind="pause")
    assert (entry.actor, entry.reason) == ("supervisor:supervisor", "lunch")
    check_order(order)


@pytest.mark.parametrize("verb", [pause, cancel])
def test_twice_is_once(rows: Rows, verb: Callable[..., Order]) -> None:
    order = rows.working()
    version = verb(rows, order).version
    assert verb(rows, order, now=NOW + MINUTE).version == version
    check_order(order)


def test_resuming_a_working_order_changes_nothing(rows: Rows) -> None:
    order = rows.working()
    assert resume(rows, order).version == order.version


def test_catching_up_keeps_the_schedule_and_the_end(rows: Rows) -> None:
    order = rows.working()
    plan = plan_rows(order)
    pause(rows, order)
    order = resume(rows, order, now=NOW + MINUTE)
    assert plan_rows(order) == plan
    assert order.terms is not None
    assert (order.terms.version, order.plan_version) == (1, 1)
    check_order(order)


def test_shifting_moves_schedule_and_end_by_the_time_lost(rows: Rows) -> None:
    child = rows.resting()
    trade = trade_of(child, "1", "0.05", client_id=child.client_id)
    fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)
    order = pause(rows, child.order, now=NOW + MINUTE / 2)
    assert order_snapshot(order.pk)["order"]["lost_since"] == epoch_ms(NOW + MINUTE / 2)
    order = resume(rows, order, mode="shift", now=NOW + 2 * MINUTE)
    assert order_snapshot(order.pk)["order"]["lost_since"] is None
    assert order.terms is not None
    assert (order.terms.version, order.terms.end_at) == (2, NOW + 4.5 * MINUTE)
    plan = plan_rows(order)
    assert sum(part.quantity for part in plan) == D("0.25")
    assert (plan[0].starts_at, plan[-1].ends_at) == (NOW + 2 * MINUTE, NOW + 4.5 * MINUTE)
    check_order(order)


def test_time_lost_before_the_start_does_not_shift(rows: Rows) -> None:
    start = NOW + 10 * MINUTE
    order = rows.submit(parameters={"duration": "3m", "slices": "3", "start_at": start.isoformat()})
    order = resume(rows, pause(rows, order), mode="shift", now=NOW + 5 * MINUTE)
    assert order.terms is not None
    assert (order.plan_version, order.terms.end_at) == (1, start + 3 * MINUTE)
    check_order(order)


def test_a_fixed_end_does_not_shift(rows: Rows) -> None:
    end = NOW + 3 * MINUTE
    order = pause(rows, rows.working(parameters={"end_at": end.isoformat(), "slices": "3"}))
    with pytest.raises(Refused, match=r"is fixed\. Resume with catch up"):
        resume(rows, order, mode="shift", now=NOW + MINUTE)
    order.refresh_from_db()
    assert (order.status, order.plan_version) == ("paused", 1)
    check_order(order)


def test_a_resumed_order_needs_nobody_any_more(rows: Rows) -> None:
    order = pause(rows, rows.working())
    Order.objects.update(needs_person=True)
    order = resume(rows, order)
    order.refresh_from_db()
    assert (order.status, order.needs_person, order.paused_at) == ("working", False, None)


@pytest.mark.parametrize("verb", [pause, resume])
def test_a_closing_order_is_neither_paused_nor_resumed(rows: Rows, verb: Callable[..., Order]) -> None:
    order = rows.working()
    version = cancel(rows, order).version
    with pytest.raises(Refused, match=r"is closing\. It cannot") as exception:
        verb(rows, order)
    assert exception.value.problems[0].field == "status"
    order.refresh_from_db()
    assert (order.version, order.paused_at) == (version, None)


@pytest.mark.parametrize("status", sorted(ORDER_FINAL))
def test_cancelling_what_has_ended_changes_nothing(rows: Rows, status: str) -> None:
    order = rows.working()
    Order.objects.update(status=status)
    assert cancel(rows, order).version == order.version


@pytest.mark.parametrize("prepare", ["scheduled", "working", "paused"])
def test_a_cancelled_order_closes_and_then_ends(rows: Rows, prepare: str) -> None:
    order = rows.claim(rows.submit()) if prepare == "scheduled" else rows.working()
    if prepare == "paused":
        pause(rows, order)
        Order.objects.filter(pk=order.pk).update(needs_person=True)
    cancel(rows, order)
    rows.step(order, now=NOW)
    order.refresh_from_db()
    assert (order.status, order.outcome, order.reason) == ("cancelled", "cancelled", "cancelled by trader")
    assert not order.needs_person, "a person has seen to it"
    check_final(order)


def test_a_cancel_that_the_last_fill_overtakes_ends_complete(rows: Rows) -> None:
    child = rows.resting(parameters={"duration": "3m", "slices": "1", "urgency": "1"})
    cancel(rows, child.order)
    rows.step(child.order, now=NOW)
    assert child.quantity == D("0.3")
    trade = trade_of(child, "1", "0.3", client_id=child.client_id)
    fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.FILLED, "0.3"), now=NOW)
    rows.step(child.order, now=NOW)
    child.order.refresh_from_db()
    assert (child.order.status, child.order.reason) == ("completed", "everything is filled")
    check_final(child.order)


def test_a_pause_while_a_child_is_out_is_over_when_the_child_is_settled(rows: Rows) -> None:
    child = rows.resting()
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW)
    order = pause(rows, child.order)
    rows.step(order, now=NOW)
    child.refresh_from_db()
    assert child.status == "cancelling"
    order.refresh_from_db()
    assert "to settle" in order.why or "to settle" in rows_why(rows, order)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0"), now=NOW)
    rows.step(order, now=NOW)
    order.refresh_from_db()
    assert (order.status, order.why) == ("paused", "paused")


def rows_why(rows: Rows, order: Order) -> str:
    rows.step(order, now=NOW)
    order.refresh_from_db()
    return order.why


def test_an_order_that_was_paused_before_its_start_still_starts(rows: Rows) -> None:
    start = NOW + MINUTE
    order = rows.claim(rows.submit(parameters={"duration": "3m", "start_at": start.isoformat()}))
    pause(rows, order)
    resume(rows, order)
    rows.step(order, now=start)
    order.refresh_from_db()
    assert (order.status, order.started_at, order.arrival_at) == ("working", start, start)
    check_order(order)


def test_an_order_that_is_withdrawn_before_its_approval_has_ended(rows: Rows) -> None:
    order = rows.submit()
    Order.objects.update(status="pending_approval")
    order_cancel(public_id=order.public_id, person=rows.trader, reason="", now=NOW)
    order.refresh_from_db()
    assert (order.status, order.ended_at, order.due_at) == ("cancelled", NOW, None)
