"""Orders and amendments above a limit wait for another person: approved, refused, expired, withdrawn."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from execution.core.problem_codes import Code
from execution.core.problems import Refused
from execution.models import JournalEntry, Order, OrderApproval, Role, User
from execution.selectors.limits import approval_row, approvals_waiting, waiting_values
from execution.selectors.orders.approvals import end_if_approved, on_approval
from execution.selectors.orders.pages import order_snapshot
from execution.selectors.orders.schedules import lost_since
from execution.services.desk.limits import limit_end
from execution.services.orders.amend import order_amend, order_amend_preview
from execution.services.orders.approvals import (
    ApprovalNotFound,
    approval_approve,
    approval_refuse,
    approval_verdict,
    approval_withdraw,
    approvals_expire,
)
from execution.services.orders.orders import order_cancel, order_pause, order_resume
from tests.factories import NOW, D, Rows
from tests.services.halting import NO_NEW, halt
from tests.services.limiting import bound

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def approval_of(order: Order) -> OrderApproval:
    return order.approvals.get(state="waiting")


def approve(rows: Rows, approval: OrderApproval, **changes: Any) -> OrderApproval:
    asked: dict[str, Any] = {
        "public_id": approval.public_id,
        "person": rows.supervisor,
        "seen": approval.kinds,
        "reason": "",
        "now": NOW + MINUTE,
    }
    return approval_approve(**asked | changes)


# --- approvals -----------------------------------------------------------------------------------


def test_an_order_above_a_limit_waits_for_another_person_and_begins_when_they_approve(rows: Rows) -> None:
    bound(rows, "order_notional", 10_000, "approval")
    order = rows.submit()
    assert (order.status, order.arrival_at) == ("pending_approval", None)
    assert rows.submit() == order  # the same key asks once
    assert waiting_values(NOW) == {order.public_id: (D("18000"), "USDT")}
    approval = approval_of(order)
    with pytest.raises(Refused, match="Only a supervisor"):
        approve(rows, approval, person=rows.trader)
    end = order.terms.end_at if order.terms else None
    assert approve(rows, approval, reason="looked at").state == "approved"
    approve(rows, approval, now=NOW + 2 * MINUTE)  # a second click
    order.refresh_from_db()
    assert order.status == "scheduled"
    assert order.terms is not None
    assert end is not None
    assert order.terms.end_at - end == MINUTE  # it waited a minute
    entry = JournalEntry.objects.get(order=order, kind="approve")
    assert (entry.actor, entry.reason) == ("supervisor:supervisor", "looked at")
    order = rows.claim(order, now=NOW + MINUTE)
    rows.step(order, now=NOW + MINUTE)
    order.refresh_from_db()
    assert order.status == "working"
    assert order.arrival_at is not None
    child_of = rows.step(order, now=NOW + MINUTE)
    assert child_of
    child = order.children.get()
    assert rows.submit_child(child, now=NOW + MINUTE) is not None  # the gate knows of the approval


def test_nobody_approves_their_own_request(rows: Rows) -> None:
    bound(rows, "order_notional", 10_000, "approval")
    order = rows.submit()
    User.objects.filter(pk=rows.trader.pk).update(role=Role.SUPERVISOR)
    rows.trader.refresh_from_db()
    with pytest.raises(Refused) as refused:
        approve(rows, approval_of(order), person=rows.trader)
    assert refused.value.problems[0].code == Code.OWN_REQUEST


@pytest.mark.parametrize("end", ["refused", "expired", "withdrawn", "cancelled"])
def test_without_an_approval_the_order_ends_and_reserves_nothing(rows: Rows, end: str) -> None:
    bound(rows, "order_notional", 10_000, "approval")
    order = rows.submit()
    approval = approval_of(order)
    if end == "refused":
        approval_refuse(public_id=approval.public_id, person=rows.supervisor, reason="too large", now=NOW)
    elif end == "expired":
        late = approval.expires_at
        assert approvals_expire(now=late - SECOND) == 0
        with pytest.raises(Refused) as refused:
            approve(rows, approval, now=late)
        assert refused.value.problems[0].code == Code.APPROVAL_CLOSED
        assert approvals_expire(now=late) == 1
        assert approvals_expire(now=late) == 0
    elif end == "withdrawn":
        approval_withdraw(public_id=approval.public_id, person=rows.trader, now=NOW)
    else:
        order_cancel(public_id=order.public_id, person=rows.trader, reason="", now=NOW)
    order.refresh_from_db()
    approval.refresh_from_db()
    assert order.status == {"refused": "rejected", "expired": "expired"}.get(end, "cancelled")
    assert approval.state == ("withdrawn" if end == "cancelled" else end)
    with pytest.raises(Refused):
        approve(rows, approval)


def test_another_trader_does_not_withdraw_it(rows: Rows) -> None:
    bound(rows, "order_notional", 10_000, "approval")
    order = rows.submit()
    other = User.objects.create(username="other", role=Role.TRADER)
    with pytest.raises(ApprovalNotFound):
        approval_withdraw(public_id=approval_of(order).public_id, person=other, now=NOW)


def test_a_limit_that_the_approver_has_not_seen_is_not_allowed_with_the_others(rows: Rows) -> None:
    bound(rows, "order_notional", 10_000, "approval")
    order = rows.submit()
    bound(rows, "open_notional", 15_000, "approval")
    with pytest.raises(Refused) as refused:
        approve(rows, approval_of(order))
    assert refused.value.problems[0].code == Code.APPROVAL_OUTDATED
    kinds = approval_verdict(approval_of(order), NOW).kinds_to_approve
    approve(rows, approval_of(order), seen=kinds)
    order.refresh_from_db()
    assert order.status == "scheduled"


def test_a_hard_limit_and_a_halt_refuse_an_approval(rows: Rows) -> None:
    bound(rows, "order_notional", 10_000, "approval")
    order = rows.submit()
    bound(rows, "open_notional", 15_000)
    with pytest.raises(Refused, match="open notional"):
        approve(rows, approval_of(order))
    order.refresh_from_db()
    assert order.status == "pending_approval"


# --- amendments and resuming ---------------------------------------------------------------------


def amend(rows: Rows, order: Order, version: int = 1, **changes: Any) -> Order:
    return order_amend(
        public_id=order.public_id,
        person=rows.trader,
        changes=changes,
        terms_version=version,
        now=NOW + SECOND,
    )


def test_an_amendment_above_a_limit_asks_again_and_the_order_goes_on_as_it_is(rows: Rows) -> None:
    bound(rows, "order_notional", 20_000, "approval")
    order = rows.working()
    amend(rows, order, quantity="0.4")
    amend(rows, order, quantity="0.4")  # sent twice, asked once
    order.refresh_from_db()
    assert (order.quantity, order.status) == (D("0.3"), "working")
    approval = approval_of(order)
    assert approval.change_words == "quantity 0.3 → 0.4"
    with pytest.raises(Refused, match="waits for approval"):
        amend(rows, order, quantity="0.5")
    approve(rows, approval)
    order.refresh_from_db()
    assert order.quantity == D("0.4")
    entry = JournalEntry.objects.filter(order=order, kind="replanned").latest("version")
    assert entry.actor == "trader:trader"
    assert "(approved by supervisor)" in entry.reason
    amend(rows, order, version=2, quantity="0.5")  # a larger one is another content
    assert approval_of(order).change_words == "quantity 0.4 → 0.5"
    amend(rows, order, version=2, quantity="0.35")  # a smaller one needs nobody
    order.refresh_from_db()
    assert order.quantity == D("0.35")
    with pytest.raises(Refused, match="version"):
        approve(rows, approval_of(order))


def test_an_amendment_above_a_hard_limit_is_refused_and_a_smaller_one_is_not(rows: Rows) -> None:
    order = rows.working()
    bound(rows, "order_notional", 10_000)
    preview = order_amend_preview(
        public_id=order.public_id, person=rows.trader, changes={"quantity": "0.4"}, now=NOW
    )
    assert [problem.code for problem in preview.problems] == [Code.LIMIT_EXCEEDED]
    with pytest.raises(Refused, match="order's notional"):
        amend(rows, order, quantity="0.4")
    amend(rows, order, quantity="0.25")


def test_an_order_that_lost_its_markets_resumes_only_where_no_limit_bounds_it(rows: Rows) -> None:
    order = rows.working()
    order_pause(public_id=order.public_id, person=rows.trader, reason="", now=NOW)
    Order.objects.update(market={})
    resume = partial(
        order_resume, public_id=order.public_id, person=rows.trader, reason="", mode="catch_up", now=NOW
    )
    limit = bound(rows, "order_notional", 1_000_000)
    with pytest.raises(Refused) as refused:
        resume()
    assert refused.value.problems[0].code == Code.MARKET_UNKNOWN
    limit_end(public_id=limit.public_id, person=rows.supervisor, reason="a test", now=NOW)
    assert resume().status == "working"


def test_resuming_is_judged_by_the_limits_of_now_and_a_supervisor_may_allow_it(rows: Rows) -> None:
    order = rows.working()
    order_pause(public_id=order.public_id, person=rows.trader, reason="", now=NOW)
    bound(rows, "order_notional", 10_000, "approval")
    resume = partial(order_resume, public_id=order.public_id, mode="catch_up", now=NOW + SECOND)
    with pytest.raises(Refused) as refused:
        resume(person=rows.trader, reason="")
    assert refused.value.problems[0].code == Code.APPROVAL_NEEDED
    with pytest.raises(Refused, match="reason"):
        resume(person=rows.supervisor, reason=" ")
    resume(person=rows.supervisor, reason="agreed by phone")
    order.refresh_from_db()
    assert order.status == "working"
    approval = order.approvals.get()
    assert (approval.state, approval.decided_by, approval.kinds) == (
        "approved",
        rows.supervisor,
        ["order_notional"],
    )


def test_a_request_says_what_its_approval_does_to_the_time_and_which_halt_refuses_it(rows: Rows) -> None:
    bound(rows, "order_notional", 10_000, "approval")
    order = rows.submit()
    said = order_snapshot(order.pk)["order"]["waiting_approval"]
    assert said is not None
    assert "its schedule moves by the lost time" in said["on_approval"]
    assert order.terms is not None
    end = order.terms.end_at
    assert lost_since(order) == order.terms.start_at
    assert end_if_approved(approval_of(order), NOW) is None
    assert end_if_approved(approval_of(order), NOW + MINUTE) == end + MINUTE
    order.terms.end_is_fixed = True
    assert "Its end is fixed" in on_approval(order, approval_of(order))
    assert lost_since(order) is None
    assert approval_row(approval_of(order))["halted"] == ""
    halt(rows, NO_NEW)
    assert approval_row(approval_of(order))["halted"] == "no new orders, by supervisor: a test"
    with CaptureQueriesContext(connection) as queries:
        assert len(approvals_waiting()) == 1
    assert len(queries) == 1, "the wall reads them each second, and asks for no halt"
