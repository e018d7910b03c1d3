"""The halt: what it stops from its commit on, what it sweeps, and that it blocks no cancel."""

from __future__ import annotations

from typing import Any

import pytest

from execution.core.algorithms.decide import decide
from execution.core.problems import Refused
from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import NotSent, VenueStatus
from execution.models import AuditEntry, Halt, Order, User
from execution.selectors.decisions.order_view import MarketData, build_order_view
from execution.services.children.children import child_outcome, child_report
from execution.services.engine.apply_decision import Applied, Written, decision_apply
from execution.services.halts import (
    HaltRequest,
    halts_tend,
)
from execution.services.orders import submit
from execution.services.orders.orders import order_cancel
from execution.services.orders.preview import order_preview
from execution.services.orders.stages import Preview
from tests.factories import NOW, SYMBOL, Rows, report_of
from tests.invariants import check_order
from tests.services.halting import (
    NO_NEW,
    SCOPES,
    SECOND,
    halt,
    lift,
    open_child,
    other_account,
    resume,
)

# --- setting --------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", SCOPES, ids=lambda request: request.scope)
def test_a_stop_pauses_the_parent_for_a_person_and_cancels_what_rests(
    rows: Rows, request_: HaltRequest
) -> None:
    child = open_child(rows)
    stopped = halt(rows, request_)
    child.refresh_from_db()
    order = Order.objects.get()
    assert (order.status, order.needs_person) == (OrderStatus.PAUSED, True)
    assert order.reason == "halted by supervisor: a test"
    assert (child.status, child.cancel_requested_at) == (ChildStatus.CANCELLING, NOW)
    assert stopped.swept_at == NOW
    assert stopped.flat_at is None, "the exchange has not said yet that it is gone"
    assert (list(stopped.orders.all()), list(stopped.children.all())) == ([order], [child])
    check_order(order)


@pytest.mark.parametrize(
    "request_",
    [
        HaltRequest("stop", "account", "beta"),
        HaltRequest("stop", "trader", "second_trader"),
        HaltRequest("stop", "symbol", "ETH/USDT"),
        HaltRequest("stop", "algorithm", "vwap"),
    ],
    ids=lambda request: request.scope,
)
def test_what_is_outside_of_the_scope_goes_on(rows: Rows, request_: HaltRequest) -> None:
    other_account(rows)
    rows.account.symbols = [SYMBOL, "ETH/USDT"]
    rows.account.save()
    User.objects.create(username="second_trader")
    child = open_child(rows)
    halt(rows, request_, phrase=f"HALT {request_.subject}")
    child.refresh_from_db()
    assert (child.status, child.order.status) == (ChildStatus.OPEN, OrderStatus.WORKING)
    other = rows.submit(key="another")
    assert other.status == OrderStatus.SCHEDULED


def test_a_halted_order_stays_paused_while_others_go_on(rows: Rows) -> None:
    child, other = open_child(rows), rows.submit(key="another")
    request = HaltRequest("stop", "order", child.order.public_id)
    stopped = halt(rows, request, phrase=f"HALT {child.order.public_id}")
    other.refresh_from_db()
    assert other.status == OrderStatus.SCHEDULED
    assert list(stopped.orders.all()) == [child.order]
    with pytest.raises(Refused, match=rf"{child.order.public_id} is halted"):
        resume(rows, child.order)
    lift(rows, stopped)
    assert resume(rows, child.order).status == OrderStatus.WORKING


def test_a_halt_is_in_the_audit_with_who_and_why(rows: Rows) -> None:
    child = open_child(rows)
    stopped = halt(rows)
    lift(rows, stopped)
    first, last = AuditEntry.objects.order_by("pk")
    assert (first.kind, first.actor, first.subject, first.reason) == (
        "halt_set",
        "supervisor:supervisor",
        stopped.public_id,
        "a test",
    )
    assert first.data["last_child"] == child.client_id
    assert (last.kind, last.reason) == ("halt_lifted", "over")


def test_the_same_halt_twice_is_one(rows: Rows) -> None:
    open_child(rows)
    first = halt(rows)
    again = halt(rows, reason="another reason", now=NOW + SECOND)
    assert (again.pk, again.reason, again.set_at) == (first.pk, "a test", NOW)
    assert AuditEntry.objects.count() == 1
    other = halt(rows, HaltRequest("stop", "trader", rows.trader.public_id), phrase="HALT trader")
    assert other.pk != first.pk


def test_an_account_and_a_trader_are_named_by_public_id_as_well(rows: Rows) -> None:
    by_id = HaltRequest("stop", "account", rows.account.public_id)
    assert halt(rows, by_id, phrase="HALT alpha").account == rows.account


def test_a_closing_order_loses_its_children_and_still_closes(rows: Rows) -> None:
    child = open_child(rows)
    order_cancel(public_id=child.order.public_id, person=rows.trader, reason="", now=NOW)
    halt(rows)
    child.refresh_from_db()
    assert (child.status, child.order.status) == (ChildStatus.CANCELLING, OrderStatus.CLOSING)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0"), now=NOW)
    rows.step(child.order, now=NOW + SECOND)
    assert Order.objects.get().status == OrderStatus.CANCELLED
    check_order(child.order)


def test_a_child_that_has_not_left_is_dropped_at_once(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    stopped = halt(rows)
    child.refresh_from_db()
    assert (child.status, child.is_settled, child.submitted_at) == (ChildStatus.CANCELLED, True, None)
    assert child.reason == "halted by supervisor: a test"
    halts_tend(now=NOW + SECOND)
    stopped.refresh_from_db()
    assert stopped.flat_at == NOW


def test_an_order_on_two_accounts_pauses_and_loses_only_what_is_on_the_halted_one(rows: Rows) -> None:
    child = open_child(rows)
    child.order.accounts.add(other_account(rows))
    halt(rows, HaltRequest("stop", "account", "beta"), phrase="HALT beta")
    child.refresh_from_db()
    assert child.order.status == OrderStatus.PAUSED
    assert child.status == ChildStatus.OPEN, "its own driver cancels it, because the order is paused"
    assert Halt.objects.get().children.count() == 0


# --- from its commit on ---------------------------------------------------------------------------


@pytest.mark.parametrize("request_", SCOPES, ids=lambda request: request.scope)
@pytest.mark.usefixtures("unswept")
def test_what_was_decided_before_the_halt_is_not_intended_after_it(rows: Rows, request_: HaltRequest) -> None:
    order = rows.working()
    quote = rows.quote()
    snapshot = build_order_view(order_pk=order.pk, data=MarketData({rows.venue.pk: quote}), now=NOW)
    decision = decide(snapshot.view)
    assert decision.commands
    halt(rows, request_)
    applied = decision_apply(
        order_pk=order.pk,
        worker_pk=rows.worker.pk,
        fence=snapshot.fence,
        version=snapshot.version,
        decision=decision,
        quotes=snapshot.view.quotes,
        now=NOW,
    )
    assert applied == Written(Applied.STALE)
    order.refresh_from_db()
    assert (order.children.count(), order.status, order.version) == (0, "working", snapshot.version)
    assert not order.needs_person, "nothing is broken: it only came too late"


@pytest.mark.usefixtures("unswept")
def test_the_next_check_sees_the_halt_and_cancels_though_the_parent_is_not_paused(rows: Rows) -> None:
    child = open_child(rows)
    halt(rows)
    assert rows.step(child.order, now=NOW + SECOND) is Applied.DONE
    child.refresh_from_db()
    assert child.status == ChildStatus.CANCELLING
    assert child.order.status == OrderStatus.WORKING
    assert child.order.why == "waits: halted by supervisor: a test"
    rows.step(child.order, now=NOW + SECOND)
    assert child.order.children.count() == 1
    check_order(child.order)


@pytest.mark.parametrize("request_", SCOPES, ids=lambda request: request.scope)
@pytest.mark.usefixtures("unswept")
def test_what_was_intended_before_the_halt_is_not_taken_after_it(rows: Rows, request_: HaltRequest) -> None:
    child = rows.resting(submitted=False)
    halt(rows, request_)
    assert rows.submit_child(child) is None
    child.refresh_from_db()
    assert (child.status, child.submitted_at) == (ChildStatus.CANCELLED, None)
    assert child.reason == "halted by supervisor: a test"
    check_order(child.order)


def test_a_child_that_was_certainly_not_sent_is_not_sent_later(rows: Rows) -> None:
    child = rows.resting()
    halt(rows)
    child_outcome(child_pk=child.pk, outcome=NotSent("wait"), now=NOW + SECOND)
    child.refresh_from_db()
    assert (child.status, child.is_settled) == (ChildStatus.CANCELLED, True)


@pytest.mark.parametrize("kind", ["stop", "no_new_orders"])
@pytest.mark.parametrize(
    ("scope", "subject", "field"),
    [
        ("desk", "", ""),
        ("account", "alpha", "accounts"),
        ("trader", "trader", ""),
        ("symbol", SYMBOL, "symbol"),
    ],
)
def test_a_submit_is_refused_with_the_halt_named(
    rows: Rows, kind: str, scope: str, subject: str, field: str
) -> None:
    stopped = halt(rows, HaltRequest(kind, scope, subject), phrase=f"HALT {subject or 'DESK'}")
    with pytest.raises(Refused, match="a test") as refused:
        rows.submit()
    (problem,) = refused.value.problems
    assert (problem.field, problem.limit) == (field, stopped.public_id)
    assert not Order.objects.exists()
    lift(rows, stopped)
    assert rows.submit().status == OrderStatus.SCHEDULED


def test_a_submit_meets_a_halt_that_came_after_its_preview(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged_then_halted(**asked: Any) -> Preview:
        preview = order_preview(**asked)
        halt(rows)
        return preview

    monkeypatch.setattr(submit, "order_preview", judged_then_halted)
    with pytest.raises(Refused, match="halted by supervisor: a test"):
        rows.submit()
    assert not Order.objects.exists()


def test_a_submit_that_is_repeated_gives_its_order_though_a_halt_came(rows: Rows) -> None:
    order = rows.submit()
    halt(rows)
    assert rows.submit().pk == order.pk


def test_no_new_orders_lets_what_runs_go_on(rows: Rows) -> None:
    child = open_child(rows)
    stopped = halt(rows, NO_NEW)
    child.refresh_from_db()
    assert (child.status, child.order.status) == (ChildStatus.OPEN, OrderStatus.WORKING)
    assert (stopped.swept_at, stopped.flat_at) == (NOW, None)
    halts_tend(now=NOW + SECOND)
    assert Halt.objects.get().flat_at is None, "there is nothing that could become flat"


def test_no_new_orders_neither_blocks_a_child_nor_its_sending(rows: Rows) -> None:
    order = rows.working()
    halt(rows, NO_NEW)
    assert rows.step(order, now=NOW) is Applied.DONE
    assert rows.submit_child(order.children.get()) is not None


def test_a_paused_order_is_not_resumed_while_a_stop_covers_it(rows: Rows) -> None:
    order = rows.working()
    stopped = halt(rows)
    with pytest.raises(Refused, match="A supervisor must lift the halt first"):
        resume(rows, order)
    lift(rows, stopped)
    assert resume(rows, order).status == OrderStatus.WORKING


def test_no_new_orders_does_not_keep_an_order_paused(rows: Rows) -> None:
    order = rows.working()
    lift(rows, halt(rows))
    halt(rows, NO_NEW)
    assert resume(rows, order).status == OrderStatus.WORKING


def test_a_cancel_and_a_report_go_through_while_halted(rows: Rows) -> None:
    child = open_child(rows)
    halt(rows)
    order_cancel(public_id=child.order.public_id, person=rows.trader, reason="", now=NOW + SECOND)
    cancelled = report_of(child, VenueStatus.CANCELLED, "0")
    child_report(account_pk=rows.account.pk, report=cancelled, now=NOW + SECOND)
    rows.step(child.order, now=NOW + SECOND)
    assert Order.objects.get().status == OrderStatus.CANCELLED
