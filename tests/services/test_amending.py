"""A running order amended: the plan for what remains, once, by its trader alone, and never against a limit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from execution.core.algorithms.decide import decide
from execution.core.problems import Refused
from execution.core.states import ChildStatus
from execution.core.types import Quote, VenueStatus
from execution.models import Halt, Order, Role, User
from execution.selectors.decisions.order_view import MarketData, build_order_view
from execution.selectors.orders.pages import order_snapshot
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from execution.services.engine.apply_decision import Applied, Written, decision_apply
from execution.services.halts import HaltRequest, halt_set
from execution.services.orders.amend import TermsChanged, order_amend, order_amend_preview
from execution.services.orders.confirmation import Confirmation
from execution.services.orders.orders import (
    OrderNotFound,
    order_cancel,
    order_pause,
    order_resume,
)
from tests.factories import NOW, D, Rows, report_of, trade_of
from tests.invariants import check_order

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
LATER = NOW + MINUTE


def amend(rows: Rows, order: Order, *, version: int = 1, now: Any = LATER, **changes: Any) -> Order:
    more = {name: changes.pop(name) for name in ("person", "confirmed", "reason") if name in changes}
    arguments: dict[str, Any] = {"person": rows.trader} | more
    return order_amend(
        public_id=order.public_id, changes=changes, terms_version=version, now=now, **arguments
    )


def preview(rows: Rows, order: Order, *, now: Any = LATER, **changes: Any) -> Any:
    return order_amend_preview(public_id=order.public_id, person=rows.trader, changes=changes, now=now)


def refused(rows: Rows, order: Order, **changes: Any) -> list[tuple[str, str, str]]:
    """Return the refusals, equal in the preview and when it is sent, and check that nothing was written."""
    order.refresh_from_db()
    version = order.version
    shown = preview(rows, order, **changes).problems
    with pytest.raises(Refused) as refusal:
        amend(rows, order, **changes)
    assert refusal.value.problems == shown
    order.refresh_from_db()
    assert (order.version, order.plan_version) == (version, 1)
    return [(problem.field, problem.value, problem.limit) for problem in shown]


def plan_of(order: Order) -> list[tuple[Any, Any, Any]]:
    rows = order.slices.filter(plan_version=order.plan_version).order_by("number")
    return [(row.starts_at, row.ends_at, row.quantity) for row in rows]


def filled(rows: Rows, quantity: str = "0.04") -> Order:
    """Return an order whose first child was filled in part and then cancelled."""
    child = rows.resting()
    fill_record(account_pk=rows.account.pk, trade=trade_of(child, "t1", quantity), now=NOW)
    report = report_of(child, VenueStatus.CANCELLED, quantity)
    child_report(account_pk=rows.account.pk, report=report, now=NOW)
    return Order.objects.get(pk=child.order_id)


# --- what it does ----------------------------------------------------------------------------------


def test_the_preview_shows_the_plan_that_is_then_written(rows: Rows) -> None:
    order = filled(rows)
    shown = preview(rows, order, quantity="0.4", limit_price="60100")
    assert not shown.problems
    assert Order.objects.get(pk=order.pk).version == order.version, "a preview writes nothing"
    order = amend(rows, order, quantity="0.4", limit_price="60100")
    assert plan_of(order) == [(part.starts_at, part.ends_at, part.quantity) for part in shown.slices]
    assert [quantity for *_, quantity in plan_of(order)] == [D("0.18"), D("0.18")]
    assert plan_of(order)[0][0] == LATER
    assert plan_of(order)[-1][1] == NOW + 3 * MINUTE
    assert order.terms is not None
    assert (order.quantity, order.terms.limit_price, order.terms.version) == (D("0.4"), D("60100"), 2)
    check_order(order)


def test_the_journal_says_who_changed_what_from_what_to_what(rows: Rows) -> None:
    order = amend(rows, rows.working(), quantity="0.2", urgency="0.9", reason="less to do")
    entry = order.journal.latest("version")
    assert (entry.kind, entry.actor) == ("replanned", "trader:trader")
    assert entry.reason == "amended: quantity 0.3 → 0.2; urgency 0.5 → 0.9 (less to do)"
    assert entry.data["changes"] == {"quantity": ["0.3", "0.2"], "urgency": ["0.5", "0.9"]}
    assert order.terms is not None
    assert (order.terms.actor, order.terms.parameters["urgency"]) == (rows.trader, "0.9")
    assert order.due_at == LATER
    check_order(order)


def test_a_limit_price_is_taken_away_by_an_empty_one(rows: Rows) -> None:
    rows.quote()
    order = amend(rows, rows.working(limit_price="60100"), limit_price="")
    assert order.terms is not None
    assert order.terms.limit_price is None
    assert order.journal.latest("version").data["changes"] == {"limit_price": ["60100", None]}


@pytest.mark.parametrize(
    ("changes", "fixed"),
    [({"duration": "5m"}, False), ({"end_at": (NOW + 5 * MINUTE).isoformat()}, True)],
)
def test_a_later_end_keeps_the_slices_length(rows: Rows, changes: dict[str, Any], fixed: bool) -> None:
    order = amend(rows, rows.working(), **changes)
    assert order.terms is not None
    assert (order.terms.end_at, order.terms.end_is_fixed) == (NOW + 5 * MINUTE, fixed)
    assert [end - start for start, end, _ in plan_of(order)] == [MINUTE] * 4
    check_order(order)


def test_an_order_that_waits_for_its_start_keeps_it(rows: Rows) -> None:
    start = NOW + 10 * MINUTE
    parameters = {"duration": "3m", "slices": "3", "start_at": start.isoformat()}
    order = amend(rows, rows.submit(parameters=parameters), quantity="0.6")
    assert [(begin, quantity) for begin, _, quantity in plan_of(order)] == [
        (start + number * MINUTE, D("0.2")) for number in range(3)
    ]
    assert order.status == "scheduled"


def test_a_quantity_of_what_is_filled_completes_the_order(rows: Rows) -> None:
    order = rows.claim(amend(rows, filled(rows), quantity="0.04"), now=LATER)
    assert plan_of(order) == []
    assert rows.step(order, now=LATER) is Applied.DONE
    order.refresh_from_db()
    assert order.status == "completed"
    check_order(order)


def test_less_than_a_minimum_that_remains_is_planned_and_said(rows: Rows) -> None:
    order = filled(rows)
    shown = preview(rows, order, quantity="0.0401")
    assert "0.0001 BTC, is under the exchange's minimum of 0.00019 BTC" in shown.plan.notes[0]
    assert [quantity for *_, quantity in plan_of(amend(rows, order, quantity="0.0401"))] == [D("0.0001")]


def test_the_plan_is_for_what_remains_by_all_that_is_reported(rows: Rows) -> None:
    child = rows.resting()
    report = report_of(child, VenueStatus.OPEN, "0.05")
    child_report(account_pk=rows.account.pk, report=report, now=NOW)
    order = amend(rows, child.order, urgency="0.7")
    assert sum(quantity for *_, quantity in plan_of(order)) == D("0.25"), "0.05 is done, its trade not listed"


def test_the_driver_checks_again_and_takes_back_what_rests_beyond_the_new_limit(rows: Rows) -> None:
    child = rows.resting()
    order = amend(rows, child.order, limit_price="59990", now=NOW + SECOND)
    assert rows.step(order, now=NOW + SECOND) is Applied.DONE
    child.refresh_from_db()
    assert child.status == ChildStatus.CANCELLING
    assert "beyond the limit price, which is 59,990 now" in order.journal.latest("version").reason
    check_order(order)


def test_a_child_that_was_not_sent_yet_is_dropped_when_its_price_is_beyond_the_new_limit(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    amend(rows, child.order, limit_price="59990", now=NOW + SECOND)
    assert rows.submit_child(child, now=NOW + SECOND) is None
    child.refresh_from_db()
    assert child.is_settled
    assert "beyond the limit price 59990" in child.order.journal.latest("version").reason
    check_order(child.order)


def test_a_decision_on_the_old_terms_is_stale(rows: Rows) -> None:
    order = rows.working()
    quotes = {rows.venue.pk: Quote(D("59999.50"), D("60000.50"), D(2), D(2), NOW)}
    snapshot = build_order_view(order_pk=order.pk, data=MarketData(quotes), now=NOW)
    amend(rows, order, quantity="0.2", now=NOW)
    applied = decision_apply(
        order_pk=order.pk,
        worker_pk=rows.worker.pk,
        fence=snapshot.fence,
        version=snapshot.version,
        decision=decide(snapshot.view),
        quotes=snapshot.view.quotes,
        now=NOW,
    )
    assert applied == Written(Applied.STALE)


# --- once, and on what was seen --------------------------------------------------------------------


def test_sent_twice_it_is_one_amendment(rows: Rows) -> None:
    order = rows.working()
    first = amend(rows, order, quantity="0.2")
    again = amend(rows, order, quantity="0.2", now=LATER + SECOND)
    assert (again.version, again.plan_version) == (first.version, first.plan_version)


def test_terms_that_have_changed_since_are_checked_again(rows: Rows) -> None:
    order = rows.working()
    amend(rows, order, quantity="0.2")
    with pytest.raises(TermsChanged, match=r"are version 2 now, not 1\. Read them again") as refusal:
        amend(rows, order, quantity="0.25")
    assert (refusal.value.problems[0].value, refusal.value.problems[0].limit) == ("1", "2")
    assert amend(rows, order, version=2, quantity="0.25").quantity == D("0.25")


# --- who and when ----------------------------------------------------------------------------------


def test_somebody_else_s_order_is_not_there_and_one_that_is_watched_is_refused(rows: Rows) -> None:
    order = rows.working()
    second = User.objects.create(username="second_trader", role=Role.TRADER)
    with pytest.raises(OrderNotFound):
        amend(rows, order, person=second, quantity="0.2")
    with pytest.raises(OrderNotFound):
        order_amend_preview(public_id=order.public_id, person=second, changes={"quantity": "1"}, now=NOW)
    second.sees_desk = True
    for person in (second, rows.supervisor):
        with pytest.raises(Refused, match="Only its trader may amend"):
            amend(rows, order, person=person, quantity="0.2")


def test_an_order_that_closes_is_not_amended(rows: Rows) -> None:
    order = rows.resting().order
    order_cancel(public_id=order.public_id, person=rows.trader, reason="", now=NOW)
    with pytest.raises(Refused, match=r"is closing\. It cannot be amended"):
        amend(rows, order, quantity="0.2")
    with pytest.raises(Refused, match=r"is closing\. It cannot be amended"):
        preview(rows, order, quantity="0.2")


def test_a_plan_that_was_made_during_a_pause_shifts_from_then_on(rows: Rows) -> None:
    order = rows.working()
    order_pause(public_id=order.public_id, person=rows.trader, reason="", now=NOW + 30 * SECOND)
    amend(rows, order, quantity="0.4")
    order_resume(
        public_id=order.public_id, person=rows.trader, reason="", mode="shift", now=LATER + 10 * SECOND
    )
    order.refresh_from_db()
    assert order.terms is not None
    assert order.terms.end_at == NOW + 3 * MINUTE + 10 * SECOND
    assert sum(quantity for *_, quantity in plan_of(order)) == D("0.4")


# --- what refuses it -------------------------------------------------------------------------------


def test_not_below_what_is_filled_and_what_may_be_live(rows: Rows) -> None:
    child = rows.resting()  # 0.1 of 0.3 is out
    assert refused(rows, child.order, quantity="0.09999") == [("quantity", "0.09999", "0.1")]
    assert amend(rows, child.order, quantity="0.1").quantity == D("0.1")
    check_order(child.order)


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"quantity": "0.3"}, [("", "", "")]),
        ({"quantity": "-1"}, [("quantity", "-1", "0")]),
        ({"quantity": "0.300001"}, [("quantity", "0.300001", "0.00001")]),
        ({"limit_price": "60000.001"}, [("limit_price", "60000.001", "0.01")]),
        ({"urgency": "1.5"}, [("urgency", "1.5", "1")]),
        ({"quantity": "100"}, [("quantity", "6036030", "1000000")]),
        ({"end_at": NOW.isoformat()}, [("end_at", NOW.isoformat(), (LATER + 2 * SECOND).isoformat())]),
        ({"duration": "61s"}, [("duration", (LATER + SECOND).isoformat(), (LATER + 2 * SECOND).isoformat())]),
        (
            {"end_at": (NOW + 5 * MINUTE).isoformat(), "at_end": "extend"},
            [("at_end", "extend", (NOW + 5 * MINUTE).isoformat())],
        ),
    ],
)
def test_a_bad_change_is_refused_with_value_and_limit(
    rows: Rows, changes: dict[str, str], problems: list[Any]
) -> None:
    rows.quote()
    assert refused(rows, rows.working(), **changes) == problems


@pytest.mark.parametrize("name", ["side", "slices", "seed", "randomise_size", "nonsense"])
def test_what_cannot_change_is_refused_with_what_can(rows: Rows, name: str) -> None:
    ((field, value, limit),) = refused(rows, rows.working(), **{name: "1"})
    assert (field, value) == (name, name)
    assert "limit_price" in limit
    assert "urgency" in limit


def test_a_reduction_is_not_asked_for_a_balance(rows: Rows) -> None:
    rows.quote()
    order = rows.working()
    rows.account.balances.update(free=D(0))
    assert refused(rows, order, quantity="0.31")[0][0] == "quantity"
    assert amend(rows, order, quantity="0.29").quantity == D("0.29")


def test_a_halt_blocks_growth_and_never_a_reduction(rows: Rows) -> None:
    order = rows.working()
    halt_set(
        person=rows.supervisor,
        request=HaltRequest(kind="no_new_orders", scope="desk", subject=""),
        phrase="HALT DESK",
        reason="a drill",
        now=NOW,
    )
    assert Halt.objects.count() == 1
    with pytest.raises(Refused) as refusal:
        amend(rows, order, quantity="0.4")
    assert [p.message for p in refusal.value.problems] == [
        p.message for p in preview(rows, order, quantity="0.4").problems
    ]
    order.refresh_from_db()
    assert (order.quantity, order.plan_version) == (D("0.3"), 1)
    assert amend(rows, order, quantity="0.2").quantity == D("0.2")
    check_order(order)


def test_a_far_limit_and_a_large_quantity_are_confirmed_as_for_a_new_order(rows: Rows) -> None:
    rows.quote()
    rows.trader.confirm_above = D(20_000)
    order = rows.working()
    with pytest.raises(Refused, match=r"Limit price 66,000 is 10\.0 % above the mid 60,000"):
        amend(rows, order, limit_price="66000")
    amend(rows, order, limit_price="66000", confirmed=Confirmation(limit=True, on_ticket=False))
    # What was meant once is not asked about again.
    ticket = Confirmation(quantity="")
    with pytest.raises(Refused, match="Type the quantity again"):
        amend(rows, order, version=2, quantity="0.4", confirmed=ticket)
    amend(rows, order, version=2, quantity="0.29", confirmed=ticket)
    assert amend(
        rows, order, version=3, quantity="0.4", confirmed=Confirmation(quantity="0.40")
    ).quantity == D("0.4")


def test_a_far_i_would_price_is_confirmed_and_one_that_is_not_changed_is_not(rows: Rows) -> None:
    rows.quote()
    order = rows.working(parameters={"duration": "1h"})
    with pytest.raises(Refused, match=r"I-would price 657,000 is 995\.0 % above the mid 60,000"):
        amend(rows, order, i_would_price="657000")
    with pytest.raises(Refused):
        amend(rows, order, i_would_price="657000", confirmed=Confirmation(limit=True, on_ticket=False))
    amend(rows, order, i_would_price="657000", confirmed=Confirmation(i_would=True, on_ticket=False))
    amend(rows, order, version=2, quantity="0.29")


def test_the_earlier_plan_s_line_is_of_the_quantity_that_it_was_made_for(rows: Rows) -> None:
    order = amend(rows, rows.working(), quantity="0.6")
    (earlier,) = order_snapshot(order.pk)["order"]["earlier_plans"]
    assert [share for _, share in earlier["line"]] == pytest.approx([0, 1 / 6, 1 / 3, 0.5], abs=1e-6)
