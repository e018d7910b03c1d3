"""The halt: who may set it, what it stops from its commit on, what it sweeps, and that lifting resumes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from execution.core.decide import decide
from execution.core.problems import Refused
from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import Accepted, NotSent, Unknown, VenueStatus
from execution.models import Account, AuditEntry, ChildOrder, Halt, Order, User, Worker
from execution.selectors.driving import order_look
from execution.selectors.halts import halt_row, halt_rows
from execution.services import halts
from execution.services.children import child_outcome, child_report
from execution.services.driving import Applied, decision_apply
from execution.services.halts import (
    HaltNotFound,
    HaltRequest,
    halt_lift,
    halt_preview,
    halt_set,
    halt_sweep,
    halts_tend,
    parse_halt_request,
)
from execution.services.orders import order_cancel, order_resume
from tests.factories import NOW, SYMBOL, D, Rows, make_account, report_of
from tests.invariants import check_order

SECOND = timedelta(seconds=1)
DESK = HaltRequest("stop", "desk")
NO_NEW = HaltRequest("no_new_orders", "desk")
#: Each scope that covers the orders of ``rows``, with the phrase that confirms it.
SCOPES = {
    HaltRequest("stop", "desk"): "HALT DESK",
    HaltRequest("stop", "account", "alpha"): "HALT alpha",
    HaltRequest("stop", "trader", "trader"): "HALT trader",
    HaltRequest("stop", "symbol", SYMBOL): f"HALT {SYMBOL}",
}


def halt(rows: Rows, request: HaltRequest = DESK, **changes: Any) -> Halt:
    given: dict[str, Any] = {
        "person": rows.supervisor,
        "request": request,
        "phrase": SCOPES.get(request, "HALT DESK"),
        "reason": "a test",
        "now": NOW,
    }
    return halt_set(**(given | changes))


def lift(rows: Rows, stopped: Halt, **changes: Any) -> Halt:
    given = {"public_id": stopped.public_id, "person": rows.supervisor, "reason": "over", "now": NOW + SECOND}
    return halt_lift(**(given | changes))


def resume(rows: Rows, order: Order) -> Order:
    return order_resume(
        public_id=order.public_id, person=rows.trader, reason="", mode="catch_up", now=NOW + SECOND
    )


def open_child(rows: Rows, **changes: Any) -> ChildOrder:
    """A child that rests at the exchange."""
    child = rows.resting(**changes)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW)
    child.refresh_from_db()
    assert child.status == ChildStatus.OPEN
    return child


def other_account(rows: Rows) -> Account:
    account = make_account(rows.venue, "beta", rows.trader)
    account.owner, account.fence = rows.worker, 1
    account.save()
    return account


# --- asking --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({}, "kind"),
        ({"kind": "pause", "scope": "desk"}, "kind"),
        ({"kind": "stop", "scope": "venue", "subject": "alpha"}, "scope"),
        ({"kind": "stop", "scope": "account"}, "subject"),
        ({"kind": "stop", "scope": "desk", "subject": "alpha"}, "subject"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_its_field(raw: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_halt_request(raw)
    assert refused.value.problems[0].field == field


def test_a_request_is_read_as_it_is_sent() -> None:
    raw = {"kind": "stop", "scope": "symbol", "subject": " BTC/USDT ", "phrase": "HALT BTC/USDT"}
    assert parse_halt_request(raw) == HaltRequest("stop", "symbol", "BTC/USDT")


@pytest.mark.parametrize(
    "request_", [HaltRequest("stop", scope, "nobody") for scope in ("account", "trader", "symbol")]
)
def test_a_subject_that_the_desk_has_not_is_refused(rows: Rows, request_: HaltRequest) -> None:
    with pytest.raises(Refused, match="the desk has no"):
        halt_preview(person=rows.supervisor, request=request_, now=NOW)
    with pytest.raises(Refused, match="the desk has no"):
        halt(rows, request_)
    assert not Halt.objects.exists()


def test_a_supervisor_who_never_traded_is_no_trader_to_halt(rows: Rows) -> None:
    with pytest.raises(Refused, match="no trader 'supervisor'"):
        halt(rows, HaltRequest("stop", "trader", "supervisor"))


@pytest.mark.parametrize("role", ["trader", "admin"])
def test_only_a_supervisor_previews_sets_and_lifts(rows: Rows, role: str) -> None:
    stopped = halt(rows)
    person = User.objects.create(username="another", role=role)
    with pytest.raises(Refused, match="only a supervisor"):
        halt_preview(person=person, request=DESK, now=NOW)
    with pytest.raises(Refused, match="only a supervisor"):
        halt(rows, HaltRequest("stop", "trader", "trader"), person=person)
    with pytest.raises(Refused, match="only a supervisor"):
        lift(rows, stopped, person=person)
    assert Halt.objects.get().lifted_at is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phrase": "halt desk"}, "phrase"),
        ({"phrase": ""}, "phrase"),
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
    ],
)
def test_without_its_phrase_and_a_reason_nothing_is_halted(
    rows: Rows, changes: dict[str, Any], field: str
) -> None:
    order = rows.working()
    with pytest.raises(Refused) as refused:
        halt(rows, **changes)
    assert refused.value.problems[0].field == field
    order.refresh_from_db()
    assert (Halt.objects.count(), AuditEntry.objects.count(), order.status) == (0, 0, "working")


def test_a_preview_counts_what_would_be_cancelled_and_changes_nothing(rows: Rows) -> None:
    child = open_child(rows)
    preview = halt_preview(person=rows.supervisor, request=DESK, now=NOW)
    assert (preview["phrase"], preview["subject"]) == ("HALT DESK", "the desk")
    assert (preview["orders"], preview["children"]) == (1, 1)
    (on_alpha,) = preview["accounts"]
    assert child.price is not None
    assert (on_alpha["account"], on_alpha["orders"], on_alpha["children"]) == ("alpha", 1, 1)
    assert D(on_alpha["notional"]["USDT"] or "0") == child.price * child.quantity
    nothing = halt_preview(person=rows.supervisor, request=NO_NEW, now=NOW)
    assert (nothing["orders"], nothing["children"], nothing["accounts"]) == (0, 0, [])
    assert not Halt.objects.exists()


def test_a_notional_with_an_unknown_price_is_unknown(rows: Rows) -> None:
    child = open_child(rows)
    ChildOrder.objects.filter(pk=child.pk).update(price=None)
    preview = halt_preview(person=rows.supervisor, request=DESK, now=NOW)
    assert preview["accounts"][0]["notional"] == {"USDT": None}


# --- setting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", SCOPES, ids=lambda request: request.scope)
def test_a_stop_pauses_the_parent_for_a_person_and_cancels_what_rests(
    rows: Rows, request_: HaltRequest
) -> None:
    child = open_child(rows)
    stopped = halt(rows, request_)
    child.refresh_from_db()
    order = Order.objects.get()
    assert (order.status, order.needs_person) == (OrderStatus.PAUSED, True)
    assert order.reason == "halted: a test (by supervisor:supervisor)"
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
    child = rows.resting(taken=False)
    stopped = halt(rows)
    child.refresh_from_db()
    assert (child.status, child.is_settled, child.taken_at) == (ChildStatus.CANCELLED, True, None)
    assert child.reason == "halted: a test (by supervisor:supervisor)"
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


# --- from its commit on --------------------------------------------------------------------------


@pytest.fixture
def unswept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Halts are committed, and the process that set them dies before it sweeps."""
    monkeypatch.setattr(halts, "halt_sweep", lambda **_: None)


@pytest.mark.parametrize("request_", SCOPES, ids=lambda request: request.scope)
@pytest.mark.usefixtures("unswept")
def test_what_was_decided_before_the_halt_is_not_intended_after_it(rows: Rows, request_: HaltRequest) -> None:
    order = rows.working()
    quote = rows.quote()
    looked = order_look(order_pk=order.pk, quotes={rows.venue.pk: quote}, now=NOW)
    decision = decide(looked.view)
    assert decision.commands
    halt(rows, request_)
    applied = decision_apply(
        order_pk=order.pk,
        worker_pk=rows.worker.pk,
        fence=looked.fence,
        version=looked.version,
        decision=decision,
        quotes=looked.view.quotes,
        now=NOW,
    )
    assert applied is Applied.STALE
    order.refresh_from_db()
    assert (order.children.count(), order.status, order.version) == (0, "working", looked.version)
    assert not order.needs_person, "nothing is broken: it only came too late"


@pytest.mark.usefixtures("unswept")
def test_the_next_look_sees_the_halt_and_cancels_though_the_parent_is_not_paused(rows: Rows) -> None:
    child = open_child(rows)
    halt(rows)
    assert rows.step(child.order, now=NOW + SECOND) is Applied.DONE
    child.refresh_from_db()
    assert child.status == ChildStatus.CANCELLING
    assert child.order.status == OrderStatus.WORKING
    assert child.order.why == "waits: halted: a test (by supervisor:supervisor)"
    rows.step(child.order, now=NOW + SECOND)
    assert child.order.children.count() == 1
    check_order(child.order)


@pytest.mark.parametrize("request_", SCOPES, ids=lambda request: request.scope)
@pytest.mark.usefixtures("unswept")
def test_what_was_intended_before_the_halt_is_not_taken_after_it(rows: Rows, request_: HaltRequest) -> None:
    child = rows.resting(taken=False)
    halt(rows, request_)
    assert rows.take(child) is None
    child.refresh_from_db()
    assert (child.status, child.taken_at) == (ChildStatus.CANCELLED, None)
    assert child.reason == "halted: a test (by supervisor:supervisor)"
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
    assert rows.take(order.children.get()) is not None


def test_a_paused_order_is_not_resumed_while_a_stop_covers_it(rows: Rows) -> None:
    order = rows.working()
    stopped = halt(rows)
    with pytest.raises(Refused, match="a supervisor must lift it first"):
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


# --- progress ------------------------------------------------------------------------------------


def test_flat_is_the_moment_when_the_last_child_ended(rows: Rows) -> None:
    child = open_child(rows)
    stopped = halt(rows)
    halts_tend(now=NOW + SECOND)
    assert Halt.objects.get().flat_at is None
    gone = NOW + timedelta(milliseconds=350)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0"), now=gone)
    halts_tend(now=NOW + 5 * SECOND)
    row = halt_row(stopped.public_id)
    assert row is not None
    assert (row["time_to_flat"], row["orders"], row["children"], row["settled"]) == (350, 1, 1, 1)
    assert row["open"] == []


def test_with_nothing_open_a_halt_is_flat_when_it_is_swept(rows: Rows) -> None:
    halt(rows)
    halts_tend(now=NOW + SECOND)
    assert [row["time_to_flat"] for row in halt_rows(lifted=False, limit=10)] == [0]


def test_an_unknown_child_keeps_it_from_being_flat_and_is_shown_with_its_evidence(rows: Rows) -> None:
    child = rows.resting()
    child_outcome(child_pk=child.pk, outcome=Unknown("no answer"), now=NOW)
    halt(rows)
    halts_tend(now=NOW + SECOND)
    (row,) = halt_rows(lifted=False, limit=10)
    (open_,) = row["open"]
    assert (row["flat_at"], open_["status"]) == (None, "unknown")
    assert open_["reason"].startswith("unknown: no answer; looks that did not show it: open orders 0")
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW)
    child.refresh_from_db()
    assert child.status == ChildStatus.CANCELLING, "found on the book, it is cancelled at once"
    check_order(child.order)


def test_what_stands_in_the_way_of_a_cancel_is_shown(rows: Rows) -> None:
    open_child(rows)
    halt(rows)
    assert halt_rows(lifted=False, limit=1)[0]["open"][0]["reason"] == ""
    rows.account.error, rows.account.error_at = "the venue answers 503", NOW + SECOND
    rows.account.save()
    assert halt_rows(lifted=False, limit=1)[0]["open"][0]["reason"] == "the venue answers 503"
    rows.account.owner = None
    rows.account.save()
    assert halt_rows(lifted=False, limit=1)[0]["open"][0]["reason"] == "no worker holds account alpha"


@pytest.mark.usefixtures("unswept")
def test_an_engine_finishes_the_sweep_of_a_process_that_died(rows: Rows) -> None:
    child = open_child(rows)
    stopped = halt(rows)
    halts_tend(now=NOW + SECOND)
    child.refresh_from_db()
    assert child.status == ChildStatus.OPEN, "the process that set it is given two seconds"
    halts_tend(now=NOW + 2 * SECOND)
    child.refresh_from_db()
    stopped.refresh_from_db()
    assert (child.status, child.order.status) == (ChildStatus.CANCELLING, OrderStatus.PAUSED)
    assert (stopped.swept_at, stopped.flat_at) == (NOW + 2 * SECOND, None)


def test_a_sweep_twice_is_one(rows: Rows) -> None:
    child = open_child(rows)
    stopped = halt(rows)
    version = Order.objects.get().version
    Halt.objects.update(swept_at=None)
    halt_sweep(halt_pk=stopped.pk, now=NOW + SECOND)
    assert (Order.objects.get().version, Halt.objects.get().swept_at) == (version, NOW + SECOND)
    check_order(child.order)


def test_a_child_that_comes_back_from_absence_is_cancelled_and_the_halt_is_not_flat_any_more(
    rows: Rows,
) -> None:
    child = rows.resting()
    ChildOrder.objects.filter(pk=child.pk).update(status=ChildStatus.ABSENT, is_settled=True, ended_at=NOW)
    halt(rows)
    halts_tend(now=NOW + SECOND)
    assert Halt.objects.get().flat_at == NOW
    late = report_of(child, VenueStatus.OPEN, "0")
    child_report(account_pk=rows.account.pk, report=late, now=NOW + 2 * SECOND)
    halts_tend(now=NOW + 2 * SECOND)
    (row,) = halt_rows(lifted=False, limit=1)
    assert (row["flat_at"], [open_["status"] for open_ in row["open"]]) == (None, ["cancelling"])


# --- lifting -------------------------------------------------------------------------------------


def test_lifting_resumes_nothing(rows: Rows) -> None:
    child = open_child(rows)
    stopped = halt(rows)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0"), now=NOW)
    lifted = lift(rows, stopped)
    assert (lifted.lifted_by, lifted.lift_reason) == (rows.supervisor, "over")
    rows.step(child.order, now=NOW + SECOND)
    order = Order.objects.get()
    assert (order.status, order.needs_person, order.children.count()) == (OrderStatus.PAUSED, True, 1)
    assert halt_rows(lifted=False, limit=10) == []
    assert [row["lift_reason"] for row in halt_rows(lifted=True, limit=10)] == ["over"]


def test_lifting_twice_is_once_and_needs_a_reason_and_a_halt(rows: Rows) -> None:
    stopped = halt(rows)
    with pytest.raises(Refused, match="1 to 500 characters"):
        lift(rows, stopped, reason="")
    with pytest.raises(HaltNotFound):
        lift(rows, stopped, public_id="nothing1")
    lift(rows, stopped)
    again = lift(rows, stopped, reason="again", now=NOW + 2 * SECOND)
    assert (again.lift_reason, again.lifted_at) == ("over", NOW + SECOND)
    assert AuditEntry.objects.filter(kind="halt_lifted").count() == 1


@pytest.mark.usefixtures("unswept")
def test_a_halt_whose_sweep_is_unfinished_is_not_lifted(rows: Rows) -> None:
    rows.working()
    stopped = halt(rows)
    with pytest.raises(Refused, match="would go on by themselves"):
        lift(rows, stopped)
    halts_tend(now=NOW + 2 * SECOND)
    assert lift(rows, stopped).lifted_at is not None


def test_after_the_lift_of_one_the_other_halt_still_holds(rows: Rows) -> None:
    order = rows.working()
    first = halt(rows)
    halt(rows, HaltRequest("stop", "symbol", SYMBOL), phrase=f"HALT {SYMBOL}")
    lift(rows, first)
    with pytest.raises(Refused, match=SYMBOL):
        resume(rows, order)


def test_no_worker_no_matter_the_halt_is_set(rows: Rows) -> None:
    child = open_child(rows)
    Worker.objects.update(stopped_at=NOW)
    halt(rows)
    child.refresh_from_db()
    assert child.status == ChildStatus.CANCELLING


def test_an_answer_that_comes_after_the_halt_is_recorded_and_its_order_cancelled(rows: Rows) -> None:
    child = rows.resting()
    halt(rows)
    accepted = Accepted(report_of(child, VenueStatus.OPEN, "0"))
    child_outcome(child_pk=child.pk, outcome=accepted, now=NOW + SECOND)
    child.refresh_from_db()
    assert (child.status, child.exchange_id) == (ChildStatus.CANCELLING, "X1")
