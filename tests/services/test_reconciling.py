"""No child before the account was reconciled; orphans, differences, and what a person does about an unknown child."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from execution.core.problems import Refused
from execution.core.states import ChildStatus
from execution.core.types import MarketStatus, OrderReport, Side, Unknown, VenueStatus
from execution.models import Account, AuditEntry, ChildOrder, Difference
from execution.selectors.decisions.blocks import account_block, child_block
from execution.services.accounts.sessions import account_doubted, account_poll_taken, account_reconciled
from execution.services.children.children import child_cancel_request, child_outcome, child_report
from execution.services.children.fills import fill_record
from execution.services.children.reconciliation import (
    Found,
    absent_phrase,
    attach_answered,
    differences_record,
    orphan_adopt,
    unknown_absent,
    unknown_attach,
    unknown_cancel,
    unknown_poll,
)
from execution.services.records.locking import order_locked
from tests.factories import LIMITS, NOW, D, Rows, report_of, trade_of

LATER = NOW + timedelta(seconds=30)


def unknown(rows: Rows) -> ChildOrder:
    child = rows.resting()
    child_outcome(child_pk=child.pk, outcome=Unknown("no answer"), now=NOW)
    child.refresh_from_db()
    assert child.status == ChildStatus.UNKNOWN
    return child


def orphan(parent: str, sequence: str = "0009", **changes: Any) -> OrderReport:
    fields = {"side": Side.BUY, "quantity": D("0.1"), "price": D(59000)} | changes
    return OrderReport("BTC/USDT", f"qtest{parent}{sequence}", "X9", VenueStatus.OPEN, D(0), **fields)  # type: ignore[arg-type]


# --- no child before a complete poll ---------------------------------------------------------------


def test_a_new_holder_creates_nothing_before_its_own_complete_poll(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    Account.objects.update(fence=2)
    rows.account.refresh_from_db()
    assert "is not reconciled" in account_block(rows.account, "BTC/USDT")
    assert rows.submit_child(child, fence=2) is None
    child.refresh_from_db()
    assert child.status == ChildStatus.PENDING_SUBMIT, "it waits; it is not dropped"
    assert not account_reconciled(account_pk=rows.account.pk, fence=1, until=NOW), "an earlier holder's poll"
    assert rows.submit_child(child, fence=2) is None
    assert account_reconciled(account_pk=rows.account.pk, fence=2, until=NOW)
    assert rows.submit_child(child, fence=2) is not None


def test_that_a_market_is_not_listed_any_more_stands_before_that_it_cannot_be_read(rows: Rows) -> None:
    Account.objects.update(fence=2)
    rows.account.refresh_from_db()
    gone = replace(LIMITS, status=MarketStatus.NOT_LISTED)
    assert child_block(rows.account, gone, Side.BUY) == "BTC/USDT is no longer listed"
    halted = replace(LIMITS, status=MarketStatus.HALTED, status_word="BREAK")
    assert "is not reconciled" in child_block(rows.account, halted, Side.BUY)


def test_a_poll_that_began_before_the_doubt_does_not_end_it(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    account_doubted(account_pk=rows.account.pk, fence=1, now=NOW + timedelta(seconds=2))
    account_reconciled(account_pk=rows.account.pk, fence=1, until=NOW + timedelta(seconds=1))
    assert rows.submit_child(child) is None
    account_reconciled(account_pk=rows.account.pk, fence=1, until=NOW + timedelta(seconds=3))
    assert rows.submit_child(child) is not None


def test_a_stale_holder_doubts_nothing(rows: Rows) -> None:
    account_doubted(account_pk=rows.account.pk, fence=0, now=LATER)
    rows.account.refresh_from_db()
    assert account_block(rows.account, "BTC/USDT") == ""


def test_doubt_blocks_no_cancel(rows: Rows) -> None:
    child = rows.resting()
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW)
    account_doubted(account_pk=rows.account.pk, fence=1, now=LATER)
    child.refresh_from_db()
    child_cancel_request(child=child, order=order_locked(child.order_id), reason="drill", now=LATER)
    assert child.status == ChildStatus.CANCELLING


# --- orphans ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "status"), [("adopt", "open"), ("cancel", "cancelling")])
def test_an_orphan_of_a_known_order_is_taken_into_its_books(rows: Rows, policy: str, status: str) -> None:
    order = rows.working()
    report = orphan(order.public_id)
    assert orphan_adopt(account_pk=rows.account.pk, report=report, policy=policy, now=NOW)  # type: ignore[arg-type]
    child = ChildOrder.objects.get(client_id=report.client_id)
    assert (child.order, child.status, child.sequence) == (order, status, 9)
    fill_record(account_pk=rows.account.pk, trade=trade_of(child, "1", "0.1", exchange_id="X9"), now=NOW)
    order.refresh_from_db()
    assert order.filled == D("0.1")
    assert order.next_sequence == 10
    assert order.needs_person
    assert AuditEntry.objects.filter(kind="orphan_adopted").count() == 1


def test_an_orphan_that_the_order_has_no_room_for_is_cancelled_and_pauses_it(rows: Rows) -> None:
    order = rows.working()
    report = orphan(order.public_id, quantity=D("5"))
    assert orphan_adopt(account_pk=rows.account.pk, report=report, policy="adopt", now=NOW)
    order.refresh_from_db()
    assert ChildOrder.objects.get(client_id=report.client_id).status == ChildStatus.CANCELLING
    assert order.status == "paused"


def test_an_orphan_whose_number_is_taken_since_gets_another(rows: Rows) -> None:
    order = rows.resting().order
    # The same number under a former mark, as after a restored backup.
    former = replace(orphan(order.public_id, quantity=D("0.001")), client_id=f"qold1{order.public_id}0001")
    assert orphan_adopt(account_pk=rows.account.pk, report=former, policy="adopt", now=NOW)
    sequences = list(order.children.values_list("sequence", flat=True))
    assert sorted(sequences) == [1, 2]


@pytest.mark.parametrize("changes", [{"side": Side.SELL}, {"quantity": None}])
def test_an_orphan_that_is_not_its_orders_kind_belongs_to_none(rows: Rows, changes: dict[str, Any]) -> None:
    order = rows.working()
    report = orphan(order.public_id, **changes)
    assert not orphan_adopt(account_pk=rows.account.pk, report=report, policy="adopt", now=NOW)
    assert not orphan_adopt(account_pk=rows.account.pk, report=orphan("nobody00"), policy="adopt", now=NOW)


# --- differences -----------------------------------------------------------------------------------


def keep(rows: Rows, found: Sequence[Found], seconds: int, symbols: Sequence[str] = ("BTC/USDT",)) -> int:
    at = NOW + timedelta(seconds=seconds)
    return differences_record(account_pk=rows.account.pk, differences=found, symbols=symbols, now=at)


def test_a_difference_is_one_row_until_a_poll_finds_it_no_more(rows: Rows) -> None:
    foreign = Found("foreign", "BTC/USDT", "77", {"price": "1"})
    assert keep(rows, [foreign], 0) == 1
    assert keep(rows, [Found("foreign", "BTC/USDT", "77", {"price": "2"})], 5) == 1
    row = Difference.objects.get()
    assert row.opened_at == NOW
    assert row.last_seen_at == NOW + timedelta(seconds=5)
    assert row.evidence == {"price": "2"}
    assert keep(rows, [], 6, ["ETH/USDT"]) == 1, "its symbol was not polled"
    assert keep(rows, [], 7) == 0
    row.refresh_from_db()
    assert row.resolved_at == NOW + timedelta(seconds=7)
    assert keep(rows, [foreign], 8) == 1
    assert Difference.objects.count() == 2


def test_a_trade_without_a_child_stays_listed_when_the_window_has_passed_it(rows: Rows) -> None:
    assert keep(rows, [Found("lost_trade", "BTC/USDT", "5")], 0) == 1
    assert keep(rows, [], 60) == 1
    assert keep(rows, [], 24 * 3600) == 0


# --- an unknown child and a person -----------------------------------------------------------------


def test_only_a_supervisor_settles_an_unknown_child(rows: Rows) -> None:
    child = unknown(rows)
    with pytest.raises(Refused, match="Only a supervisor"):
        unknown_poll(client_id=child.client_id, person=rows.trader, now=LATER)


def test_a_wanted_poll_is_taken_once(rows: Rows) -> None:
    unknown_poll(client_id=unknown(rows).client_id, person=rows.supervisor, now=LATER)
    assert account_poll_taken(account_pk=rows.account.pk)
    assert not account_poll_taken(account_pk=rows.account.pk)


def test_a_wanted_cancel_happens_as_soon_as_the_order_shows(rows: Rows) -> None:
    child = unknown(rows)
    unknown_cancel(client_id=child.client_id, person=rows.supervisor, reason="no longer needed", now=LATER)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=LATER)
    child.refresh_from_db()
    assert child.status == ChildStatus.CANCELLING


def test_absence_without_proof_wants_the_phrase_the_time_and_no_trace_of_it(rows: Rows) -> None:
    child = unknown(rows)
    ask = {"client_id": child.client_id, "person": rows.supervisor, "reason": "the exchange said so"}
    phrase = absent_phrase(child.client_id)
    with pytest.raises(Refused, match="Type ABSENT"):
        unknown_absent(**ask, phrase="absent", now=LATER)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="may still arrive until"):
        unknown_absent(**ask, phrase=phrase, now=NOW)  # type: ignore[arg-type]
    fill_record(
        account_pk=rows.account.pk, trade=trade_of(child, "1", "0.01", client_id=child.client_id), now=NOW
    )
    ChildOrder.objects.filter(pk=child.pk).update(status=ChildStatus.UNKNOWN)
    with pytest.raises(Refused, match="is not absent"):
        unknown_absent(**ask, phrase=phrase, now=LATER)  # type: ignore[arg-type]


def test_a_child_marked_absent_that_appears_is_cancelled_and_pauses_its_order(rows: Rows) -> None:
    child = unknown(rows)
    unknown_absent(
        client_id=child.client_id,
        person=rows.supervisor,
        phrase=absent_phrase(child.client_id),
        reason="the exchange's support said so",
        now=LATER,
    )
    child.refresh_from_db()
    assert child.status == ChildStatus.ABSENT
    assert child.is_settled
    assert AuditEntry.objects.get(kind="unknown_absent").actor == "supervisor:supervisor"
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=LATER)
    child.refresh_from_db()
    child.order.refresh_from_db()
    assert child.status == ChildStatus.CANCELLING
    assert child.order.status == "paused"


def test_an_order_id_that_a_person_found_counts_when_the_exchange_shows_the_same_order(rows: Rows) -> None:
    child = unknown(rows)
    shown = OrderReport(
        child.symbol, None, "77", VenueStatus.OPEN, D(0), Side(child.side), child.quantity, child.price
    )
    for report, answer in [
        (None, "shows no such order"),
        (OrderReport(child.symbol, "by-hand", "77", VenueStatus.OPEN, D(0)), "client id is by-hand"),
        (OrderReport(child.symbol, None, "77", VenueStatus.OPEN, D(0), Side.SELL, D(1)), "it is a sell"),
        (shown, "it is this order"),
    ]:
        unknown_attach(
            client_id=child.client_id, exchange_id="77", person=rows.supervisor, reason="seen", now=LATER
        )
        assert attach_answered(child_pk=child.pk, report=report, now=LATER) is (report is shown)
        child.refresh_from_db()
        assert answer in child.attach["answer"]
    assert (child.status, child.exchange_id) == (ChildStatus.OPEN, "77")
