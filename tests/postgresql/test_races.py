"""Two sessions that want the same rows at once, on PostgreSQL: what holds, and that its lock is why.

SQLite lets one writer in at a time. Here the second comes while the first stands in the middle of its transaction.
Each race runs twice: as it is, and without its guard, which must break what it asserts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import Q, QuerySet

from execution.core.algorithms.decide import decide
from execution.core.orders.terms import parse_order_request
from execution.core.problems import Refused
from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import OrderReport, VenueStatus
from execution.models import Account, Balance, ChildOrder, Fill, Halt, Order, Role, User, Worker
from execution.models.prepared import Compiled
from execution.selectors.decisions.order_view import MarketData, build_order_view
from execution.services.children import children, fills
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from execution.services.engine import apply_decision, workers
from execution.services.engine.apply_decision import Applied, Written, decision_apply
from execution.services.engine.workers import (
    accounts_claim,
    database_now,
    orders_claim,
    worker_renew,
    worker_stop,
)
from execution.services.halts import HaltRequest, halt_set
from execution.services.orders import halted, submit
from execution.services.orders.amend import order_amend
from execution.services.orders.confirmation import Confirmation
from execution.services.orders.orders import order_cancel
from execution.services.records import locking
from tests.factories import NOW, Rows, make_worker, report_of, trade_of
from tests.invariants import check_order
from tests.postgresql.race import Meeting
from tests.services.limiting import bound

Remove = Callable[[pytest.MonkeyPatch], None]
PLACED = 'INSERT INTO "execution_childorder"'
GATE = 'FROM "execution_haltgate"'
RESERVES_READ = 'FROM "execution_childorder" INNER JOIN "execution_account"'
PATIENCE = timedelta(seconds=0)


# --- guards, taken away --------------------------------------------------------------------------------


def no_row_locks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows.all())
    made_anew(patch)


def locks_that_keys_wait_for(patch: pytest.MonkeyPatch) -> None:
    """Use FOR UPDATE in the place of FOR NO KEY UPDATE."""
    lock = QuerySet.select_for_update
    patch.setattr(QuerySet, "select_for_update", lambda rows, no_key, **more: lock(rows, **more))
    made_anew(patch)


def made_anew(patch: pytest.MonkeyPatch) -> None:
    """Make the prepared statements without the guard, and forget them after it."""
    for statement in (locking._ORDER, locking._ACCOUNT, locking._GATE):
        patch.setattr(statement, "_made", {})


def no_lock_of_the_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(locking, "_ORDER", Compiled(lambda pk: Order.objects.filter(pk=pk), pk=int))


def no_lock_of_the_account(patch: pytest.MonkeyPatch) -> None:
    for module in (children, fills):
        patch.setattr(module, "account_row_locked", lambda pk: Account.objects.get(pk=pk))


def no_gate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(apply_decision, "gate_locked", lambda: None)


def no_gate_at_a_submit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(halted, "gate_locked", lambda: None)


def expiry_by_a_glance(patch: pytest.MonkeyPatch) -> None:
    """Read expired rows without writing them before they are acted on."""
    patch.setattr(workers, "_end_expired", lambda: None)
    released, later = workers._released, database_now() + timedelta(seconds=30)
    patch.setattr(
        workers, "_released", lambda owner: released(owner) | Q(**{f"{owner}__lease_until__lte": later})
    )


def no_second_check_of_the_key(patch: pytest.MonkeyPatch) -> None:
    no_row_locks(patch)
    patch.setattr(submit, "IntegrityError", ZeroDivisionError)


# --- the races -----------------------------------------------------------------------------------------


def step(rows: Rows, order: Order) -> Applied:
    return rows.step(order, now=NOW)


def decided(rows: Rows, order: Order) -> tuple[partial[Written], int]:
    """Return the pending write of a driver that has read the order, and the fence it read."""
    quotes = {rows.venue.pk: rows.quote()}
    snapshot = build_order_view(order_pk=order.pk, data=MarketData(quotes), now=NOW)
    write = partial(
        decision_apply,
        order_pk=order.pk,
        worker_pk=rows.worker.pk,
        fence=snapshot.fence,
        version=snapshot.version,
        decision=decide(snapshot.view),
        quotes=snapshot.view.quotes,
        now=NOW,
    )
    return write, snapshot.fence


def intend_and_halt(rows: Rows) -> None:
    """Race a halt against an intent: a later halt covers the child, an earlier one leaves none."""
    order = rows.working()
    request = HaltRequest("stop", "desk")
    stop = partial(
        halt_set, person=rows.supervisor, request=request, phrase="HALT DESK", reason="a race", now=NOW
    )
    write, _ = decided(rows, order)
    written, _ = Meeting(write, stop, after='FROM "execution_halt"').run()
    assert written.applied is Applied.DONE
    (child,) = order.children.all()
    assert Halt.objects.get().children.filter(pk=child.pk).exists(), "a child slipped through"
    assert child.status == ChildStatus.CANCELLED
    check_order(order)


def intend_and_cancel(rows: Rows) -> None:
    """Race a cancel against an intent: the cancel waits, and the child is never submitted."""
    order = rows.working()
    cancel = partial(order_cancel, public_id=order.public_id, person=rows.trader, reason="", now=NOW)
    applied, _ = Meeting(partial(step, rows, order), cancel, after=PLACED).run()
    assert applied is Applied.DONE
    order.refresh_from_db()
    assert order.status == OrderStatus.CLOSING
    assert rows.submit_child(order.children.get()) is None
    check_order(order)


def intend_and_submit(rows: Rows) -> None:
    """Race a new child against a submit at the same account: they do not deadlock."""
    resting = rows.resting(submitted=False, key="resting")
    order = rows.working(key="other")
    submit = partial(rows.submit_child, resting)
    applied, submitted = Meeting(partial(step, rows, order), submit, after=GATE).run()
    assert applied is Applied.DONE
    assert submitted is not None


def decide_and_claim(rows: Rows) -> None:
    """Race a decision against a claim: a driver that read the order before the claim writes nothing after it."""
    order, other = rows.working(), make_worker("boot-2")
    late, fence = decided(rows, order)
    Worker.objects.filter(pk=rows.worker.pk).update(stopped_at=NOW)
    claim = partial(orders_claim, worker_pk=other.pk, most=5, patience=PATIENCE, now=NOW)
    claimed, written = Meeting(claim, late, after='UPDATE "execution_order"').run()
    assert claimed == [(order.pk, fence + 1)]
    assert written == Written(Applied.FENCED)
    order.refresh_from_db()
    assert order.owner_id == other.pk
    assert not order.children.exists()


def claim_and_claim(rows: Rows) -> None:
    """Race two engines that reach for the same order and account: each is one's, under one new fence."""
    order, fence = rows.submit(), rows.account.fence
    Worker.objects.filter(pk=rows.worker.pk).update(stopped_at=NOW)
    first, second = make_worker("boot-2"), make_worker("boot-3")
    for claim, table in (
        (lambda worker: accounts_claim(worker_pk=worker.pk, most=5), "account"),
        (lambda worker: orders_claim(worker_pk=worker.pk, most=5, patience=PATIENCE, now=NOW), "order"),
    ):
        after = f'UPDATE "execution_{table}"'
        won, lost = Meeting(partial(claim, first), partial(claim, second), after=after).run()
        assert (len(won), len(lost)) == (1, 0)
    rows.account.refresh_from_db()
    order.refresh_from_db()
    assert (rows.account.owner_id, rows.account.fence) == (first.pk, fence + 1)
    assert (order.owner_id, order.fence) == (first.pk, 1)


def renew_and_claim(rows: Rows) -> None:
    """Race a renewal against a claim: one that began while the lease ran keeps it while it is being written."""
    other, order = make_worker("boot-2"), rows.working()
    soon = database_now() + timedelta(seconds=0.4)
    Worker.objects.filter(pk=rows.worker.pk).update(lease_until=soon)

    def claim() -> list[Any]:
        time.sleep(0.5)
        return [
            *accounts_claim(worker_pk=other.pk, most=5),
            *orders_claim(worker_pk=other.pk, most=5, patience=PATIENCE, now=NOW),
        ]

    renew = partial(worker_renew, worker_pk=rows.worker.pk, lease=timedelta(seconds=60))
    renewed, claimed = Meeting(renew, claim, after='UPDATE "execution_worker"').run()
    order.refresh_from_db()
    assert renewed
    assert claimed == []
    assert order.owner_id == rows.worker.pk


def stop_and_stop(rows: Rows) -> None:
    """Race two workers that stop at once: one is the last, and it pulls the resting children."""
    other = make_worker("boot-2")
    stops = [partial(worker_stop, worker_pk=worker.pk) for worker in (rows.worker, other)]
    assert Meeting(stops[0], stops[1], after='"lease_until" > .* LIMIT 1').run() == (False, True)


def fill_and_report(rows: Rows) -> None:
    """Race a trade that comes before its order's id against the report with the id: they find each other."""
    child = rows.resting()
    trade = trade_of(child, "1", child.quantity)
    record = partial(fill_record, account_pk=rows.account.pk, trade=trade, now=NOW)
    report = report_of(child, VenueStatus.FILLED, child.quantity)
    told = partial(child_report, account_pk=rows.account.pk, report=report, now=NOW)
    Meeting(record, told, after='INSERT INTO "execution_fill"').run()
    settled_once(child)


def report_and_fill(rows: Rows) -> None:
    """Race the same with the report first."""
    child = rows.resting()
    report = report_of(child, VenueStatus.FILLED, child.quantity)
    told = partial(child_report, account_pk=rows.account.pk, report=report, now=NOW)
    trade = trade_of(child, "1", child.quantity)
    record = partial(fill_record, account_pk=rows.account.pk, trade=trade, now=NOW)
    Meeting(told, record, after='FROM "execution_fill"').run()
    settled_once(child)


def fill_and_fill(rows: Rows) -> None:
    """Race two sessions that learn of one trade, of which the child is known."""
    child = rows.resting()
    child_report(account_pk=rows.account.pk, report=open_report(child), now=NOW)
    trade = trade_of(child, "1", child.quantity)
    record = partial(fill_record, account_pk=rows.account.pk, trade=trade, now=NOW)
    assert Meeting(record, record, after='INSERT INTO "execution_fill"').run() == (True, False)
    settled_once(child)


def stray_and_stray(rows: Rows) -> None:
    """Race the same with a trade whose child nobody knows yet."""
    child = rows.resting()
    trade = trade_of(child, "1", child.quantity)
    record = partial(fill_record, account_pk=rows.account.pk, trade=trade, now=NOW)
    assert Meeting(record, record, after='INSERT INTO "execution_fill"').run() == (True, False)
    child_report(account_pk=rows.account.pk, report=open_report(child), now=NOW)
    settled_once(child)


def open_report(child: ChildOrder) -> OrderReport:
    return report_of(child, VenueStatus.OPEN, "0")


def settled_once(child: ChildOrder) -> None:
    (fill,) = Fill.objects.all()
    child.refresh_from_db()
    assert fill.child_id == child.pk
    assert child.is_settled
    assert child.filled == child.order.filled == fill.quantity
    check_order(child.order)


def submit_and_submit(rows: Rows) -> None:
    """Race one key from two tabs: it makes one order."""
    one, other = Meeting(rows.submit, rows.submit, after='INSERT INTO "execution_submission"').run()
    assert one.pk == other.pk
    assert Order.objects.count() == 1


def two_tabs(rows: Rows) -> None:
    """Race the same ticket from two tabs, with keys of their own: the second one must confirm."""

    def send(key: str) -> str:
        request = parse_order_request(rows.raw())
        confirmed = Confirmation(quantity="0.3", on_ticket=True)
        try:
            submit.order_submit(person=rows.trader, request=request, key=key, now=NOW, confirmed=confirmed)
        except Refused as refused:
            return refused.problems[0].field
        return "sent"

    sent = Meeting(partial(send, "one"), partial(send, "two"), after='INSERT INTO "execution_order"').run()
    assert sent[0] == "sent"
    assert sent[1] != "sent"
    assert Order.objects.count() == 1


def outcome(rows: Rows, person: User) -> str:
    try:
        rows.submit(key="one", person=person)
    except Refused as refused:
        return refused.problems[0].code
    return "sent"


def two_submits_and_one_limit(rows: Rows) -> None:
    """Race two traders who send at once what the limit of the desk takes once."""
    other = User.objects.create(username="other", role=Role.TRADER)
    rows.account.traders.add(other)
    bound(rows, "open_notional", 20_000)
    first, second = partial(outcome, rows, rows.trader), partial(outcome, rows, other)
    assert Meeting(first, second, after=RESERVES_READ).run() == ("sent", "limit_exceeded")
    assert Order.objects.count() == 1


def two_submits_and_one_balance(rows: Rows) -> None:
    """Race two traders who send at once what their account pays for once: the second sees what the first reserves."""
    other = User.objects.create(username="other", role=Role.TRADER)
    rows.account.traders.add(other)
    Balance.objects.filter(currency="USDT").update(free=20_000)

    first, second = partial(outcome, rows, rows.trader), partial(outcome, rows, other)
    assert Meeting(first, second, after=RESERVES_READ).run() == ("sent", "balance_reserved")
    assert Order.objects.count() == 1


def amend_and_intend(rows: Rows) -> None:
    """Race an amendment against a decision: one made for the old terms is not written after the new ones."""
    order = rows.working()
    late, _ = decided(rows, order)
    amend = partial(
        order_amend,
        public_id=order.public_id,
        person=rows.trader,
        changes={"quantity": "0.2"},
        terms_version=1,
        now=NOW,
    )
    _, written = Meeting(amend, late, after='INSERT INTO "execution_orderterms"').run()
    assert written == Written(Applied.STALE)
    assert not order.children.exists()
    check_order(order)


@dataclass(frozen=True)
class Guarded:
    race: Callable[[Rows], None]
    remove: Remove


RACES = [
    Guarded(intend_and_halt, no_gate),
    Guarded(intend_and_cancel, no_row_locks),
    Guarded(intend_and_submit, locks_that_keys_wait_for),
    Guarded(decide_and_claim, no_lock_of_the_order),
    Guarded(claim_and_claim, no_row_locks),
    Guarded(renew_and_claim, expiry_by_a_glance),
    Guarded(stop_and_stop, no_row_locks),
    Guarded(fill_and_report, no_lock_of_the_account),
    Guarded(report_and_fill, no_lock_of_the_account),
    Guarded(fill_and_fill, no_lock_of_the_order),
    Guarded(stray_and_stray, no_lock_of_the_account),
    Guarded(submit_and_submit, no_second_check_of_the_key),
    Guarded(two_tabs, no_row_locks),
    Guarded(two_submits_and_one_balance, no_gate_at_a_submit),
    Guarded(two_submits_and_one_limit, no_gate_at_a_submit),
    Guarded(amend_and_intend, no_lock_of_the_order),
]


def named(guarded: Guarded) -> str:
    return f"{guarded.race.__name__}-{guarded.remove.__name__}"


@pytest.mark.parametrize("guarded", RACES, ids=named)
def test_whoever_is_second_knows_of_the_first(guarded: Guarded, committed_rows: Rows) -> None:
    guarded.race(committed_rows)


@pytest.mark.parametrize("guarded", RACES, ids=named)
def test_without_its_guard_the_race_is_lost(
    guarded: Guarded, committed_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        guarded.remove(patched)
        with pytest.raises(AssertionError):
            guarded.race(committed_rows)
