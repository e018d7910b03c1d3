"""Decisions into rows: only on what was seen, only by the owner, and never against an invariant."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from execution.core.orders.view import REST, CancelChild, ChangeStatus, Decision, PlaceChild
from execution.core.states import ChildStatus, OrderEvent, OrderStatus
from execution.core.types import OrderType, Quote, Rejected, TimeInForce, VenueStatus
from execution.models import Account, ChildOrder, Order
from execution.selectors.decisions.exposure import exposure_of
from execution.selectors.decisions.order_view import MarketData, build_order_view
from execution.services.children.children import child_mark_unknown, child_outcome, child_report
from execution.services.children.fills import fill_record
from execution.services.engine.apply_decision import Applied, decision_apply
from execution.services.orders.orders import order_pause, order_resume
from tests.factories import NOW, D, Rows, report_of, trade_of
from tests.invariants import check_final, check_order

QUOTE = Quote(D("59999.50"), D("60000.50"), D(2), D(2), NOW)
SECOND = timedelta(seconds=1)


def intend(rows: Rows, **changes: Any) -> PlaceChild:
    child = PlaceChild(
        account=rows.account.public_id,
        slice_number=1,
        purpose=REST,
        type=OrderType.LIMIT,
        price=D("59999.50"),
        quantity=D("0.1"),
        time_in_force=TimeInForce.POST_ONLY,
        why="because",
    )
    return replace(child, **changes)


def apply(rows: Rows, order: Order, *commands: Any, **changes: Any) -> Applied:
    order.refresh_from_db()
    arguments: dict[str, Any] = {
        "order_pk": order.pk,
        "worker_pk": rows.worker.pk,
        "fence": order.fence,
        "version": order.version,
        "decision": Decision(commands, NOW + SECOND, "because"),
        "quotes": {rows.account.public_id: QUOTE},
        "now": NOW,
    }
    return decision_apply(**(arguments | changes)).applied


# --- whose, and on what ---------------------------------------------------------------------------


def test_a_decision_is_written_with_its_child_journal_and_due_time(rows: Rows) -> None:
    order = rows.working()
    assert apply(rows, order, intend(rows)) is Applied.DONE
    child = order.children.get()
    assert child.client_id == f"qtest{order.public_id}0001"
    assert (child.status, child.slice.number if child.slice else None) == (ChildStatus.PENDING_SUBMIT, 1)
    order.refresh_from_db()
    assert (order.due_at, order.why) == (NOW + SECOND, "because")
    check_order(order)


def test_a_decision_on_an_older_version_is_stale(rows: Rows) -> None:
    order = rows.working()
    assert apply(rows, order, intend(rows), version=order.version - 1) is Applied.STALE
    assert not order.children.exists()
    check_order(order)


def test_a_fact_between_check_and_write_makes_the_decision_stale(rows: Rows) -> None:
    child = rows.resting()
    snapshot = build_order_view(order_pk=child.order_id, data=MarketData({rows.venue.pk: QUOTE}), now=NOW)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW)
    assert apply(rows, child.order, intend(rows), version=snapshot.version) is Applied.STALE


@pytest.mark.parametrize("changes", [{"fence": 0}, {"fence": 2}, {"worker_pk": 999}])
def test_another_fence_or_worker_decides_nothing(rows: Rows, changes: dict[str, int]) -> None:
    order = rows.working()
    version = order.version
    assert apply(rows, order, intend(rows), **changes) is Applied.FENCED
    order.refresh_from_db()
    assert order.version == version
    assert not order.children.exists()


def test_a_decision_is_written_whole_or_not_at_all(rows: Rows) -> None:
    order = rows.working()
    assert apply(rows, order, intend(rows), intend(rows, price=D(70_000))) is Applied.STALE
    assert not order.children.exists()


def test_the_end_between_check_and_write_makes_the_decision_stale_and_alerts_nobody(rows: Rows) -> None:
    order = rows.working()
    assert apply(rows, order, intend(rows), now=NOW + timedelta(minutes=3)) is Applied.STALE
    order.refresh_from_db()
    assert (order.status, order.needs_person) == (OrderStatus.WORKING, False)


def test_a_quote_that_grew_old_between_check_and_write_makes_the_decision_stale(rows: Rows) -> None:
    order = rows.working()
    assert apply(rows, order, intend(rows), now=NOW + 5.1 * SECOND) is Applied.STALE
    order.refresh_from_db()
    assert (order.status, order.needs_person) == (OrderStatus.WORKING, False)
    assert not order.children.exists()


# --- invariants -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "quote", "words"),
    [
        ({"quantity": D("0.30001")}, QUOTE, "I1: 0.30001 could be filled of 0.3"),
        ({"quantity": D(0)}, QUOTE, "I1"),
        ({"quantity": D("-0.1")}, QUOTE, "I1"),
        ({"price": D("60200.01")}, QUOTE, "I7: price 60200.01 beyond the limit 60200"),
        ({"price": D("60300.01")}, QUOTE, "I7"),
        ({}, None, "I14"),
        ({}, replace(QUOTE, bid=D(60_001)), "I14"),
        ({}, replace(QUOTE, ask=D("NaN")), "I14"),
        ({"price": None, "type": OrderType.MARKET}, QUOTE, "I14"),
        ({"quantity": D("0.100001")}, QUOTE, "off lot or tick"),
        ({"price": D("59999.505")}, QUOTE, "off lot or tick"),
    ],
)
def test_a_broken_invariant_writes_no_child_and_pauses_for_a_person(
    rows: Rows, changes: dict[str, Any], quote: Quote | None, words: str
) -> None:
    order = rows.working(limit_price="60200")
    quotes = {} if quote is None else {rows.account.public_id: quote}
    assert apply(rows, order, intend(rows, **changes), quotes=quotes) is Applied.STALE
    order.refresh_from_db()
    assert (order.status, order.needs_person) == (OrderStatus.PAUSED, True)
    assert words in order.journal.get(kind="alert").reason
    assert not order.children.exists()
    check_order(order)


def test_the_collar_holds_for_either_side(rows: Rows) -> None:
    for key, side, worst, beyond in [("b", "buy", "60300", "60300.01"), ("s", "sell", "59700", "59699.99")]:
        order = rows.working(key=key, side=side)
        assert apply(rows, order, intend(rows, price=D(worst))) is Applied.DONE
        assert apply(rows, order, intend(rows, price=D(beyond))) is Applied.STALE
        order.refresh_from_db()
        assert "beyond the collar" in order.reason


@pytest.mark.parametrize("status", [OrderStatus.PAUSED, OrderStatus.CLOSING, OrderStatus.SCHEDULED])
def test_no_child_is_written_for_an_order_that_does_not_work(rows: Rows, status: OrderStatus) -> None:
    order = rows.working()
    Order.objects.filter(pk=order.pk).update(status=status)
    assert apply(rows, order, intend(rows)) is Applied.STALE
    assert not ChildOrder.objects.exists()


def test_what_is_unknown_reported_or_filled_counts_against_the_quantity(rows: Rows) -> None:
    child = rows.resting()
    order = child.order
    child_mark_unknown(child_pk=child.pk, message="timed out", now=NOW)
    assert exposure_of(order) == D("0.1")
    assert apply(rows, order, intend(rows, quantity=D("0.20001"))) is Applied.STALE
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0.06"), now=NOW)
    order.refresh_from_db()
    assert exposure_of(order) == D("0.06"), "its end is told, and its trades are still to be read"
    fill_record(account_pk=rows.account.pk, trade=trade_of(child, "1", "0.06"), now=NOW)
    order.refresh_from_db()
    assert exposure_of(order) == D("0.06")
    check_order(order)


# --- what the driver sees -------------------------------------------------------------------------


def test_the_view_counts_the_larger_of_fills_and_reports(rows: Rows) -> None:
    child = rows.resting()
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0.04"), now=NOW)
    fill_record(account_pk=rows.account.pk, trade=trade_of(child, "1", "0.01"), now=NOW)
    view = build_order_view(order_pk=child.order_id, data=MarketData({rows.venue.pk: QUOTE}), now=NOW).view
    assert (view.done, view.exposure, view.children[0].done) == (D("0.04"), D("0.06"), D("0.04"))


def test_settled_children_of_earlier_slices_are_in_done_and_not_in_the_view(rows: Rows) -> None:
    child = rows.resting()
    fill_record(
        account_pk=rows.account.pk, trade=trade_of(child, "1", "0.1", client_id=child.client_id), now=NOW
    )
    now_view = build_order_view(
        order_pk=child.order_id, data=MarketData({rows.venue.pk: QUOTE}), now=NOW
    ).view
    later_view = build_order_view(
        order_pk=child.order_id, data=MarketData({rows.venue.pk: QUOTE}), now=NOW + 61 * SECOND
    ).view
    assert (len(now_view.children), len(later_view.children)) == (1, 0)
    assert now_view.done == later_view.done == D("0.1")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_active": False}, "is closed"),
        ({"owner": None}, "no worker trades account"),
        ({"reconciled_until": None}, "is not reconciled"),
    ],
)
def test_an_account_that_may_not_trade_blocks_with_the_reason(
    rows: Rows, changes: dict[str, Any], words: str
) -> None:
    order = rows.working()
    Account.objects.update(**changes)
    assert words in build_order_view(order_pk=order.pk, data=MarketData({}), now=NOW).view.accounts[0].blocked
    assert rows.step(order, now=NOW) is Applied.DONE
    assert not order.children.exists()


def test_a_refused_key_blocks(rows: Rows) -> None:
    order = rows.working()
    rows.credential.state = "refused"
    rows.credential.save()
    assert (
        "has no checked key"
        in build_order_view(order_pk=order.pk, data=MarketData({}), now=NOW).view.accounts[0].blocked
    )


def refuse(rows: Rows, order: Order, count: int) -> None:
    for _ in range(count):
        assert apply(rows, order, intend(rows)) is Applied.DONE
        child = order.children.order_by("-sequence")[0]
        child_outcome(child_pk=child.pk, outcome=Rejected("InvalidOrder", "no"), now=NOW)


def test_the_run_of_refusals_is_counted_from_the_end(rows: Rows) -> None:
    order = rows.working()
    refuse(rows, order, 3)
    view = build_order_view(order_pk=order.pk, data=MarketData({rows.venue.pk: QUOTE}), now=NOW).view
    assert (view.rejections.count, view.rejections.last_at, view.rejections.kind) == (3, NOW, "InvalidOrder")


def test_an_order_that_refusals_have_paused_tries_again_after_a_person_resumed_it(rows: Rows) -> None:
    order = rows.working()
    refuse(rows, order, 10)
    assert rows.step(order, now=NOW) is Applied.DONE
    order.refresh_from_db()
    assert (order.status, order.needs_person) == (OrderStatus.PAUSED, True)
    now = NOW + SECOND
    order_resume(public_id=order.public_id, person=rows.trader, reason="mended", mode="catch_up", now=now)
    assert (
        build_order_view(
            order_pk=order.pk, data=MarketData({rows.venue.pk: QUOTE}), now=now
        ).view.rejections.count
        == 0
    )
    rows.step(order, now=now)
    order.refresh_from_db()
    assert order.status == OrderStatus.WORKING
    assert order.children.count() == 11


# --- from start to end ----------------------------------------------------------------------------


def test_an_order_goes_from_its_start_to_its_end_along_the_table(rows: Rows) -> None:
    child = rows.resting()
    order = child.order
    order.refresh_from_db()
    assert order.started_at == NOW
    report = report_of(child, VenueStatus.OPEN, "0")
    child_report(account_pk=rows.account.pk, report=report, now=NOW)
    over = NOW + timedelta(minutes=3)
    assert rows.step(order, now=over) is Applied.DONE
    child.refresh_from_db()
    order.refresh_from_db()
    assert (order.status, order.outcome, child.status) == ("closing", "expired", ChildStatus.CANCELLING)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0"), now=over)
    assert rows.step(order, now=over) is Applied.DONE
    order.refresh_from_db()
    assert (order.status, order.ended_at, order.due_at) == ("expired", over, None)
    assert "0.3 BTC left" in order.reason
    check_final(order)


def test_a_later_start_takes_its_arrival_price_when_it_comes(rows: Rows) -> None:
    start = NOW + timedelta(hours=1)
    order = rows.claim(rows.submit(parameters={"duration": "3m", "start_at": start.isoformat()}))
    assert rows.step(order, now=NOW) is Applied.DONE
    order.refresh_from_db()
    assert (order.status, order.arrival_at) == ("scheduled", None)
    rows.step(order, now=start)
    order.refresh_from_db()
    assert (order.status, order.arrival_at, order.started_at) == ("working", start, start)


def test_a_reason_to_wait_is_journalled_once(rows: Rows) -> None:
    order = rows.working()
    for _ in range(3):
        apply(rows, order, decision=Decision((), NOW, "waits"))
    assert order.journal.filter(kind="decision", reason="waits").count() == 1
    check_order(order)


def test_a_cancel_of_a_child_that_has_not_left_drops_it(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    assert apply(rows, child.order, CancelChild(1, "no longer needed")) is Applied.DONE
    child.refresh_from_db()
    assert (child.status, child.is_settled, child.reason) == (ChildStatus.CANCELLED, True, "no longer needed")
    check_order(child.order)


def test_a_pause_of_the_desk_keeps_what_a_person_must_see(rows: Rows) -> None:
    order = rows.working()
    apply(rows, order, ChangeStatus(OrderEvent.PAUSE, "refused", needs_person=True))
    order_pause(public_id=order.public_id, person=rows.trader, reason="", now=NOW)
    order.refresh_from_db()
    assert (order.status, order.needs_person, order.reason) == ("paused", True, "refused")
    check_order(order)
