"""Leases, claims and fences: one owner each, and what a dead worker held goes on elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from execution.core.types import VenueStatus
from execution.models import Account, Installation, Order, Worker
from execution.selectors.decisions.sessions import account_details
from execution.services.accounts.sessions import account_reconciled
from execution.services.children.children import child_report
from execution.services.desk.housekeeping import workers_drop
from execution.services.engine.workers import (
    AWAY_AFTER,
    accounts_claim,
    database_now,
    markets_claim,
    orders_claim,
    owned,
    pause_if_away,
    worker_release,
    worker_renew,
    worker_stop,
)
from execution.services.orders.orders import order_cancel, order_pause
from tests.factories import NOW, Rows, make_account, make_worker, report_of
from tests.invariants import check_order

LEASE = timedelta(minutes=5)
NO_PATIENCE = timedelta(0)


def expire(worker: Worker) -> None:
    Worker.objects.filter(pk=worker.pk).update(lease_until=database_now() - timedelta(seconds=1))


def claim(worker: Worker, *, patience: timedelta = NO_PATIENCE, most: int = 50) -> list[tuple[int, int]]:
    return orders_claim(worker_pk=worker.pk, most=most, patience=patience, now=NOW)


def test_the_databases_clock_is_utc_and_goes_on(rows: Rows) -> None:
    first = database_now()
    assert first.utcoffset() == timedelta(0)
    assert database_now() >= first


def test_a_boot_id_is_used_once(rows: Rows) -> None:
    with pytest.raises(IntegrityError):
        make_worker("boot-1")


def test_a_lease_that_runs_is_renewed_and_one_that_is_over_is_not(rows: Rows) -> None:
    assert worker_renew(worker_pk=rows.worker.pk, lease=LEASE)
    expire(rows.worker)
    assert not worker_renew(worker_pk=rows.worker.pk, lease=LEASE)


def test_a_stopped_worker_renews_nothing_and_knows_whether_it_was_the_last(rows: Rows) -> None:
    other = make_worker("boot-2")
    assert not worker_stop(worker_pk=rows.worker.pk)
    assert not worker_renew(worker_pk=rows.worker.pk, lease=LEASE)
    assert worker_stop(worker_pk=other.pk)


def test_two_workers_never_own_the_same_order_or_account(rows: Rows) -> None:
    orders = [rows.submit(key=str(number)) for number in range(6)]
    for number in range(3):
        make_account(rows.venue, f"more-{number}", rows.trader)
    other = make_worker("boot-2")
    for _ in range(4):
        for worker in (rows.worker, other):
            claim(worker, most=1)
            accounts_claim(worker_pk=worker.pk, most=1)
    mine, theirs = owned(worker_pk=rows.worker.pk), owned(worker_pk=other.pk)
    assert not set(mine.orders) & set(theirs.orders)
    assert not set(mine.accounts) & set(theirs.accounts)
    assert len(mine.accounts) + len(theirs.accounts) == 4
    assert {fence for fence, _ in {**mine.orders, **theirs.orders}.values()} == {1}, "each was claimed once"
    assert len(mine.orders) + len(theirs.orders) <= len(orders)


def test_one_worker_watches_a_venues_markets_and_another_when_its_lease_is_over(rows: Rows) -> None:
    other = make_worker("boot-2")
    for worker in (rows.worker, other):
        accounts_claim(worker_pk=worker.pk, most=9)
    holder, rest = (rows.worker, other) if owned(worker_pk=rows.worker.pk).accounts else (other, rows.worker)
    assert markets_claim(worker_pk=rest.pk) == [], "it holds no account there"
    assert markets_claim(worker_pk=holder.pk) == [rows.venue.pk]
    assert owned(worker_pk=holder.pk).markets == {rows.venue.pk: 1}
    assert markets_claim(worker_pk=holder.pk) == []
    worker_release(worker_pk=holder.pk)
    worker_stop(worker_pk=holder.pk)
    accounts_claim(worker_pk=rest.pk, most=9)
    assert markets_claim(worker_pk=rest.pk) == [rows.venue.pk]
    assert owned(worker_pk=rest.pk).markets == {rows.venue.pk: 2}


def test_an_account_without_a_key_is_claimed_by_nobody(rows: Rows) -> None:
    keyless = make_account(rows.venue, "keyless")
    keyless.credentials.update(state="refused")
    closed = make_account(rows.venue, "closed")
    Account.objects.filter(pk=closed.pk).update(is_active=False)
    assert accounts_claim(worker_pk=rows.worker.pk, most=9) == []


def test_an_expired_lease_is_claimed_and_the_fence_rises(rows: Rows) -> None:
    order = rows.claim(rows.submit())
    other = make_worker("boot-2")
    assert claim(other) == []
    assert accounts_claim(worker_pk=other.pk, most=9) == []
    expire(rows.worker)
    assert [account.fence for account in accounts_claim(worker_pk=other.pk, most=9)] == [2]
    assert claim(other) == [(order.pk, 2)]
    order.refresh_from_db()
    assert order.owner_id == other.pk
    assert rows.step(order, now=NOW) == "fenced"


def test_what_a_worker_releases_is_claimed_at_once(rows: Rows) -> None:
    order = rows.claim(rows.submit())
    other = make_worker("boot-2")
    worker_release(worker_pk=rows.worker.pk)
    assert [account.fence for account in accounts_claim(worker_pk=other.pk, most=9)] == [2]
    assert claim(other) == [(order.pk, 2)]


def test_a_stopped_workers_rows_are_free(rows: Rows) -> None:
    order = rows.claim(rows.submit())
    other = make_worker("boot-2")
    worker_stop(worker_pk=rows.worker.pk)
    accounts_claim(worker_pk=other.pk, most=9)
    assert claim(other) == [(order.pk, 2)]


def test_an_order_is_left_to_its_accounts_holder_for_a_while(rows: Rows) -> None:
    order = rows.submit()
    other = make_worker("boot-2")
    assert claim(other, patience=timedelta(seconds=2)) == []
    Order.objects.update(due_at=NOW - timedelta(seconds=2))
    assert claim(other, patience=timedelta(seconds=2)) == [(order.pk, 1)]


def test_an_order_whose_account_nobody_holds_is_driven_all_the_same_so_that_it_ends(rows: Rows) -> None:
    order = rows.submit()
    Account.objects.update(owner=None)
    patience = timedelta(seconds=2)
    assert claim(rows.worker, patience=patience) == []
    Order.objects.update(due_at=NOW - patience)
    assert claim(rows.worker, patience=patience) == [(order.pk, 1)]


def test_an_order_whose_account_nobody_can_hold_still_ends(rows: Rows) -> None:
    order = rows.submit()
    Account.objects.update(owner=None, is_active=False)
    assert accounts_claim(worker_pk=rows.worker.pk, most=9) == []
    assert claim(rows.worker) == [(order.pk, 1)]
    for _ in range(2):
        rows.step(order, now=NOW + timedelta(hours=1))
    order.refresh_from_db()
    assert order.status == "expired"


def test_a_cancel_makes_a_paused_order_due(rows: Rows) -> None:
    order = rows.working()
    order_pause(public_id=order.public_id, person=rows.trader, reason="", now=NOW)
    rows.step(order, now=NOW)
    Account.objects.update(owner=None, is_active=False)
    worker_release(worker_pk=rows.worker.pk)
    assert claim(rows.worker, patience=timedelta(seconds=2)) == [], "its end is what it waits for"
    order_cancel(public_id=order.public_id, person=rows.trader, reason="", now=NOW - timedelta(seconds=2))
    assert claim(rows.worker, patience=timedelta(seconds=2)) == [(order.pk, 2)]


def test_a_closed_account_is_served_until_its_last_child_is_settled(rows: Rows) -> None:
    child = rows.resting()
    Account.objects.update(is_active=False)
    assert set(owned(worker_pk=rows.worker.pk).accounts) == {rows.account.pk}
    assert account_details(rows.account.pk) is not None
    other = make_worker("boot-2")
    expire(rows.worker)
    assert [account.pk for account in accounts_claim(worker_pk=other.pk, most=9)] == [rows.account.pk]
    report = report_of(child, VenueStatus.CANCELLED, "0")
    child_report(account_pk=rows.account.pk, report=report, now=NOW)
    assert not owned(worker_pk=other.pk).accounts


@pytest.mark.django_db(transaction=True)
def test_a_poll_that_finds_nothing_free_takes_no_write_lock(rows: Rows) -> None:
    rows.claim(rows.submit())
    with CaptureQueriesContext(connection) as queries:
        assert accounts_claim(worker_pk=rows.worker.pk, most=9) == []
        assert claim(rows.worker) == []
    assert [query["sql"] for query in queries if query["sql"].startswith("BEGIN")] == []


def test_a_final_order_is_claimed_by_nobody(rows: Rows) -> None:
    rows.submit()
    Order.objects.update(status="completed")
    assert claim(rows.worker) == []


def test_a_mark_is_moved_only_under_the_fence(rows: Rows) -> None:
    assert not account_reconciled(account_pk=rows.account.pk, fence=0, until=NOW)
    assert account_reconciled(account_pk=rows.account.pk, fence=1, until=NOW + LEASE)
    assert Account.objects.get().reconciled_until == NOW + LEASE


# --- away -----------------------------------------------------------------------------------------


def away(rows: Rows, seconds: float) -> None:
    expire(rows.worker)
    Installation.objects.update(last_alive_at=database_now() - timedelta(seconds=seconds))


def test_after_a_minute_away_running_orders_come_back_paused(rows: Rows) -> None:
    working, waiting = rows.working(), rows.submit(key="2")
    away(rows, AWAY_AFTER.total_seconds() + 1)
    assert pause_if_away(now=NOW) == [working.public_id]
    working.refresh_from_db()
    waiting.refresh_from_db()
    assert (working.status, working.needs_person, waiting.status) == ("paused", True, "scheduled")
    assert "the desk was away for 61 s" in working.reason
    assert working.paused_at == pytest.approx(
        database_now() - timedelta(seconds=61), abs=timedelta(seconds=5)
    )
    check_order(working)
    assert pause_if_away(now=NOW) == [], "once"


def test_a_short_absence_or_another_worker_pauses_nothing(rows: Rows) -> None:
    rows.working()
    away(rows, AWAY_AFTER.total_seconds() - 10)
    assert pause_if_away(now=NOW) == []
    away(rows, 3600)
    make_worker("boot-2")
    assert pause_if_away(now=NOW) == []


def test_a_desk_that_never_ran_was_not_away(rows: Rows) -> None:
    rows.working()
    Worker.objects.update(stopped_at=NOW)
    assert pause_if_away(now=NOW) == []


def test_ended_workers_that_own_nothing_are_dropped(rows: Rows) -> None:
    gone = make_worker("boot-2", lease=-LEASE)
    expire(rows.worker)
    assert workers_drop(before=database_now(), pause=lambda: None) == 1
    assert not Worker.objects.filter(pk=gone.pk).exists()
    assert Worker.objects.filter(pk=rows.worker.pk).exists(), "it owns an account"


def test_running_workers_hold_alike_and_what_a_dead_one_leaves_is_taken(rows: Rows) -> None:
    for number in range(4):
        make_account(rows.venue, f"more {number}", rows.trader)
    Account.objects.update(owner=None)
    other = make_worker("other")
    assert len(accounts_claim(worker_pk=rows.worker.pk, most=20)) == 3
    assert accounts_claim(worker_pk=rows.worker.pk, most=20) == []
    assert len(accounts_claim(worker_pk=other.pk, most=20)) == 2
    Worker.objects.filter(pk=rows.worker.pk).update(lease_until=database_now())
    assert len(accounts_claim(worker_pk=other.pk, most=20)) == 3
