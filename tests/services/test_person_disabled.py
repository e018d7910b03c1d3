"""The orders of a person who is made inactive, or who does not trade any more."""

from __future__ import annotations

import threading

import pytest

from execution.core.problems import Refused
from execution.models import AuditEntry, Order, Role, User
from execution.services.desk.people import PersonNotFound, person_disable, person_save
from execution.services.orders.orders import order_resume
from tests.factories import NOW, Rows
from tests.invariants import check_order
from tests.threads import in_a_thread


@pytest.fixture
def admin(rows: Rows) -> User:
    return User.objects.create(username="admin", role=Role.ADMIN)


def disable(person: User, admin: User) -> User:
    return person_disable(public_id=person.public_id, changed_by=admin, reason="left the desk", now=NOW)


def test_their_orders_pause_what_rests_is_cancelled_and_the_journal_says_why(rows: Rows, admin: User) -> None:
    child, waiting = rows.resting(), rows.submit(key="2")
    other = User.objects.create(username="other", role=Role.TRADER)
    rows.account.traders.add(other)
    theirs = rows.submit(key="3", person=other)
    disable(rows.trader, admin)
    child.refresh_from_db()
    assert (child.status, child.cancel_requested_at) == ("cancelling", NOW)
    for order in (child.order, waiting):
        order.refresh_from_db()
        assert (order.status, order.needs_person) == ("paused", True)
        assert order.reason == "trader trader was made inactive by admin: left the desk"
        assert order.journal.filter(kind="pause", reason=order.reason).exists()
        check_order(order)
    theirs.refresh_from_db()
    assert theirs.status == "scheduled"
    entry = AuditEntry.objects.get()
    assert (entry.kind, entry.subject, entry.reason) == ("person.changed", "trader", "left the desk")
    assert entry.data == {
        "is_active": {"before": True, "after": False},
        "orders_paused": [child.order.public_id, waiting.public_id],
        "children_cancelled": 1,
    }
    disable(rows.trader, admin)
    assert AuditEntry.objects.count() == 1, "twice is once"


def test_a_supervisor_resumes_them_and_their_trader_does_not(rows: Rows, admin: User) -> None:
    order = rows.working()
    disable(rows.trader, admin)
    asked = {"public_id": order.public_id, "reason": "", "mode": "catch_up", "now": NOW}
    with pytest.raises(Refused, match="trader is not active any more"):
        order_resume(person=rows.trader, **asked)
    assert order_resume(person=rows.supervisor, **asked).status == "working"


def test_a_trader_who_becomes_something_else_leaves_nothing_running(rows: Rows, admin: User) -> None:
    order = rows.working()
    rows.trader.role = Role.SUPERVISOR
    person_save(person=rows.trader, changed_by=admin, now=NOW)
    order.refresh_from_db()
    assert (order.status, order.reason) == ("paused", "trader trader became supervisor by admin")


def test_nobody_is_made_inactive_without_a_reason_by_themselves_or_if_unknown(
    rows: Rows, admin: User
) -> None:
    with pytest.raises(Refused, match="The reason is missing"):
        person_disable(public_id=rows.trader.public_id, changed_by=admin, reason=" ", now=NOW)
    with pytest.raises(Refused, match="You cannot make yourself inactive"):
        disable(admin, admin)
    with pytest.raises(Refused, match="admin is the last active admin"):
        person_disable(public_id=admin.public_id, changed_by=None, reason="left", now=NOW)
    with pytest.raises(PersonNotFound):
        person_disable(public_id="nothere0", changed_by=admin, reason="left", now=NOW)
    assert User.objects.filter(is_active=True).count() == 3


@pytest.mark.parametrize("seed", range(4))
def test_an_order_submitted_at_that_moment_is_refused_or_paused(committed_rows: Rows, seed: int) -> None:
    """Both lock the person's row: no order of theirs goes on."""
    rows, admin = committed_rows, User.objects.create(username="admin", role=Role.ADMIN)
    begin, failures = threading.Barrier(2), list[BaseException]()

    def submit() -> None:
        begin.wait(10)
        rows.submit()

    def stop() -> None:
        begin.wait(10)
        disable(rows.trader, admin)

    steps = [submit, stop] if seed % 2 else [stop, submit]
    for thread in [in_a_thread(step, failures) for step in steps]:
        thread.join(30)
    assert all(isinstance(failure, Refused) for failure in failures), failures
    assert Order.objects.count() == 1 - len(failures)
    assert set(Order.objects.values_list("status", flat=True)) <= {"paused"}
