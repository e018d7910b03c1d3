"""A halt's way until nothing is open and somebody lifts it: shown, finished, told; lifting resumes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest

from execution import notify
from execution.core.problems import Refused
from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import Accepted, Unknown, VenueStatus
from execution.models import AuditEntry, ChildOrder, Halt, Order, Worker
from execution.selectors.halts import halt_row, halt_rows
from execution.selectors.orders.blotter import blotter_page
from execution.selectors.orders.order_filter import OrderListFilter
from execution.selectors.wall.desk import Wall
from execution.services.children.children import child_outcome, child_report
from execution.services.halts import (
    HaltNotFound,
    HaltRequest,
    halt_sweep,
    halts_lifted_tell,
    halts_tend,
)
from execution.services.orders.orders import order_pause
from tests.factories import NOW, SYMBOL, Rows, report_of
from tests.invariants import check_order
from tests.services.halting import SECOND, halt, lift, open_child, resume

# --- progress -------------------------------------------------------------------------------------


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
    assert open_["reason"].startswith("unknown: no answer; polls that did not find it: open orders 0")
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
    assert halt_rows(lifted=False, limit=1)[0]["open"][0]["reason"] == "no worker trades account alpha"


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


# --- lifting --------------------------------------------------------------------------------------


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
    with pytest.raises(Refused, match="from 1 to 500"):
        lift(rows, stopped, reason="")
    with pytest.raises(HaltNotFound):
        lift(rows, stopped, public_id="nothing1")
    lift(rows, stopped)
    again = lift(rows, stopped, reason="again", now=NOW + 2 * SECOND)
    assert (again.lift_reason, again.lifted_at) == ("over", NOW + SECOND)
    assert AuditEntry.objects.filter(kind="halt_lifted").count() == 1


def test_after_the_lift_an_order_that_waits_no_longer_says_halted(rows: Rows) -> None:
    order = open_child(rows).order
    stopped = halt(rows)
    order.refresh_from_db()
    version = order.version
    assert order.reason.startswith("halted by supervisor: a test")
    lift(rows, stopped)
    order.refresh_from_db()
    assert (order.status, order.needs_person) == (OrderStatus.PAUSED, True)
    assert order.reason == "the halt was lifted by supervisor: resume or cancel the order"
    assert order.version == version + 1, "pages are told"
    (row,) = blotter_page(person=rows.trader, chosen=OrderListFilter())["rows"]
    assert "halted" not in row["reason"]
    assert "halted" not in Wall().read(NOW)["rows"][order.public_id]["reason"]
    check_order(order)
    assert resume(rows, order).status == OrderStatus.WORKING


def test_an_order_under_two_halts_says_the_one_that_is_left(rows: Rows) -> None:
    order = open_child(rows).order
    first = halt(rows)
    second = halt(rows, HaltRequest("stop", "symbol", SYMBOL), reason="news of the coin")
    lift(rows, first)
    order.refresh_from_db()
    assert order.reason == "halted by supervisor: news of the coin"
    lift(rows, second)
    order.refresh_from_db()
    assert order.reason.startswith("the halt was lifted")
    check_order(order)


def test_an_order_that_somebody_paused_before_the_halt_keeps_its_own_reason(rows: Rows) -> None:
    order = rows.working()
    order_pause(public_id=order.public_id, person=rows.trader, reason="lunch", now=NOW)
    lift(rows, halt(rows))
    order.refresh_from_db()
    assert (order.reason, order.needs_person) == ("lunch", False)


def test_a_lift_that_was_cut_off_is_finished_later(rows: Rows) -> None:
    order = open_child(rows).order
    stopped = halt(rows)
    # The process died between the lift's commit and its orders.
    Halt.objects.filter(pk=stopped.pk).update(lifted_at=NOW + SECOND, lifted_by=rows.supervisor)
    halts_lifted_tell(since=NOW, now=NOW + 2 * SECOND)
    halts_lifted_tell(since=NOW, now=NOW + 3 * SECOND)
    order.refresh_from_db()
    assert order.reason.startswith("the halt was lifted by supervisor")
    assert order.journal.filter(kind="halt_lifted").count() == 1


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


# --- wake-ups -------------------------------------------------------------------------------------


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the wall's bell and the sessions', as they are rung."""
    heard: list[str] = []

    class Bell:
        def ring(self, what: str) -> None:
            heard.append(what)

        def group(self, group: str, message: dict[str, str], _gather: float = 0) -> str:
            return f"{group} {message['type']}"

        def wake(self, message: dict[str, int]) -> str:
            return f"wake {message}"

    monkeypatch.setattr(notify, "_bell", Bell())
    return heard


def test_the_wall_is_told_when_a_halt_is_set_gets_flat_and_is_lifted(
    rows: Rows, rung: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        stopped = halt(rows)
    assert set(rung) == {"wall wall.changed"}
    rung.clear()
    with django_capture_on_commit_callbacks(execute=True):
        halts_tend(now=NOW + SECOND)
    assert rung == ["wall wall.changed"], "flat"
    with django_capture_on_commit_callbacks(execute=True):
        halts_tend(now=NOW + 2 * SECOND)
    assert rung == ["wall wall.changed"], "nothing new"
    with django_capture_on_commit_callbacks(execute=True):
        lift(rows, stopped)
    assert rung == ["wall wall.changed"] * 2


def test_a_sweep_wakes_the_sessions_of_the_accounts_and_the_wall_hears_of_every_order(
    rows: Rows, rung: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    open_child(rows)
    with django_capture_on_commit_callbacks(execute=True):
        halt(rows)
    assert f"wake {{'account': {rows.account.pk}}}" in rung
    assert rung.count("wall wall.changed") >= 3


def test_with_no_halt_in_force_tending_is_one_query(
    rows: Rows, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    rows.working()
    with django_assert_num_queries(1):
        halts_tend(now=NOW)
