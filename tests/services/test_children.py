"""Children: taken at most once, every outcome recorded, facts in any order, absence only by evidence."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from execution.core.guarantees import GUARANTEES, UNKNOWN
from execution.core.guarantees.promise import Guarantees
from execution.core.states import ChildStatus
from execution.core.types import Accepted, CancelConfirmed, NotSent, Rejected, Unknown, VenueStatus
from execution.models import Account, ChildOrder, Order
from execution.selectors.decisions.sessions import known_exchange_orders
from execution.services.accounts.sessions import children_pull
from execution.services.children.absence import NotFoundObservation, child_not_found
from execution.services.children.children import (
    child_cancelled,
    child_mark_unknown,
    child_outcome,
    child_report,
    children_recover,
)
from execution.services.children.fills import fill_record
from execution.services.orders.orders import order_cancel, order_pause
from tests.factories import BUDGET, NOW, D, Rows, report_of, trade_of
from tests.invariants import check_final, check_order

C, V = ChildStatus, VenueStatus
SECOND = timedelta(seconds=1)


def facts(child: ChildOrder) -> tuple[str, Decimal | None, Decimal, bool]:
    child.refresh_from_db()
    check_order(child.order)
    return child.status, child.reported_filled, child.filled, child.is_settled


def accept(child: ChildOrder) -> None:
    outcome = Accepted(report_of(child, V.OPEN, "0"))
    child_outcome(child_pk=child.pk, outcome=outcome, now=NOW)


# --- taking ---------------------------------------------------------------------------------------


def test_a_child_is_taken_once_and_exactly_as_its_row_says(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    taken = rows.submit_child(child)
    assert taken is not None
    request = taken.request
    assert (request.client_id, request.price, request.quantity) == (
        child.client_id,
        child.price,
        child.quantity,
    )
    assert rows.submit_child(child) is None, "a second sender gets nothing"
    child.refresh_from_db()
    assert child.last_possible_send_at == NOW + BUDGET


def test_another_fence_or_worker_takes_nothing(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    assert rows.submit_child(child, fence=0) is None
    assert rows.submit_child(child, fence=2) is None
    Account.objects.update(owner=None)
    assert rows.submit_child(child) is None
    child.refresh_from_db()
    assert (child.status, child.submitted_at) == (C.PENDING_SUBMIT, None), (
        "it is left for the one who holds the account"
    )


@pytest.mark.parametrize("verb", [order_pause, order_cancel])
def test_a_child_of_an_order_that_was_stopped_is_dropped(rows: Rows, verb: type) -> None:
    child = rows.resting(submitted=False)
    verb(public_id=child.order.public_id, person=rows.trader, reason="", now=NOW)
    assert rows.submit_child(child) is None
    assert facts(child) == (C.CANCELLED, D(0), D(0), True)


def test_a_child_of_an_order_whose_time_is_over_is_dropped(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    assert rows.submit_child(child, now=NOW + timedelta(minutes=3)) is None
    assert facts(child) == (C.CANCELLED, D(0), D(0), True)


def test_a_closed_account_sends_nothing(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    Account.objects.update(is_active=False)
    assert rows.submit_child(child) is None
    assert facts(child) == (C.CANCELLED, D(0), D(0), True), "it would wait for ever"


def test_a_child_that_another_session_took_is_not_given_back_by_the_first(rows: Rows) -> None:
    child = rows.resting()
    not_sent = NotSent("the lease ran out")
    child_outcome(child_pk=child.pk, outcome=not_sent, now=NOW, fence=1)
    Account.objects.update(fence=2, reconciled_fence=2)
    assert rows.submit_child(child) is not None
    # The first session's database lost its answer, and the fact is recorded again.
    child_outcome(child_pk=child.pk, outcome=not_sent, now=NOW, fence=1)
    assert rows.submit_child(child) is None, "it would be sent twice"


# --- outcomes -------------------------------------------------------------------------------------


def test_an_accepted_child_is_open_and_its_listed_trades_are_recorded(rows: Rows) -> None:
    child = rows.resting()
    trades = (trade_of(child, "1", "0.04", exchange_id=None),)
    outcome = Accepted(report_of(child, V.OPEN, "0.04"), trades)
    for _ in range(2):
        child_outcome(child_pk=child.pk, outcome=outcome, now=NOW)
    assert facts(child) == (C.PARTLY_FILLED, D("0.04"), D("0.04"), False)
    assert child.exchange_id == "X1"
    assert child.fills.get().exchange_order_id == "X1"


def test_a_rejected_child_is_settled_with_the_refusals_name_first(rows: Rows) -> None:
    child = rows.resting()
    for _ in range(2):  # recording it twice is once
        child_outcome(child_pk=child.pk, outcome=Rejected("InvalidOrder", "too small"), now=NOW)
    assert facts(child) == (C.REJECTED, D(0), D(0), True)
    assert child.reason == "InvalidOrder: too small"


@pytest.mark.parametrize("outcome", [Rejected("InvalidOrder", "?"), NotSent("?"), Unknown("?")])
@pytest.mark.parametrize(
    ("status", "filled"), [(V.OPEN, "0.03"), (V.CANCELLED, "0.03"), (V.FILLED, "0.1"), (V.EXPIRED, "0")]
)
def test_an_answer_that_contradicts_what_the_stream_has_shown_changes_nothing(
    rows: Rows, status: VenueStatus, filled: str, outcome: Rejected | NotSent | Unknown
) -> None:
    child = rows.resting()
    child_report(account_pk=rows.account.pk, report=report_of(child, status, filled), now=NOW)
    before = facts(child)
    child_outcome(child_pk=child.pk, outcome=outcome, now=NOW)
    assert facts(child) == before


def test_a_child_that_was_not_sent_may_be_taken_again_under_the_same_id(rows: Rows) -> None:
    child = rows.resting()
    child_outcome(child_pk=child.pk, outcome=NotSent("connection refused", SECOND), now=NOW)
    assert facts(child) == (C.PENDING_SUBMIT, None, D(0), False)
    assert (child.submitted_at, child.send_not_before) == (None, NOW + SECOND)
    taken = rows.submit_child(child, now=NOW + SECOND)
    assert taken is not None
    assert taken.request.client_id == child.client_id


def test_a_child_that_was_not_sent_and_is_not_wanted_any_more_ends(rows: Rows) -> None:
    child = rows.resting()
    children_pull(account_pk=rows.account.pk, reason="stop", now=NOW)
    assert facts(child)[0] == C.CANCELLING
    child_outcome(child_pk=child.pk, outcome=NotSent("connection refused"), now=NOW)
    assert facts(child) == (C.CANCELLED, D(0), D(0), True)


def test_an_unknown_child_stays_reserved(rows: Rows) -> None:
    child = rows.resting()
    child_outcome(child_pk=child.pk, outcome=Unknown("timed out"), now=NOW)
    assert facts(child) == (C.UNKNOWN, None, D(0), False)
    assert child.reason == "unknown: timed out"


def test_an_unknown_child_is_found_again_by_its_client_id(rows: Rows) -> None:
    child = rows.resting()
    child_mark_unknown(child_pk=child.pk, message="timed out", now=NOW)
    child_report(account_pk=rows.account.pk, report=report_of(child, V.OPEN, "0"), now=NOW)
    assert facts(child)[0] == C.OPEN


@pytest.mark.parametrize("first", ["report", "fill"])
def test_a_child_whose_cancel_was_wanted_before_it_was_lost_is_cancelled_when_found(
    rows: Rows, first: str
) -> None:
    child = rows.resting()
    children_pull(account_pk=rows.account.pk, reason="stop", now=NOW)
    child_mark_unknown(child_pk=child.pk, message="timed out", now=NOW)
    if first == "report":
        child_report(account_pk=rows.account.pk, report=report_of(child, V.OPEN, "0"), now=NOW)
    else:
        trade = trade_of(child, "1", "0.01", client_id=child.client_id)
        fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)
    assert facts(child)[0] == C.CANCELLING


# --- reports and cancels --------------------------------------------------------------------------


def test_a_report_of_a_stranger_is_none_of_ours(rows: Rows) -> None:
    child = rows.resting()
    report = report_of(child, V.OPEN, "0", client_id="somebody", exchange_id="Y1")
    assert child_report(account_pk=rows.account.pk, report=report, now=NOW) is None
    assert facts(child)[0] == C.SUBMITTED


def test_an_exchange_id_is_one_symbols_own(rows: Rows) -> None:
    """Binance numbers the orders of each symbol from one."""
    child = rows.resting()
    accept(child)
    other = report_of(child, V.FILLED, "0.1", symbol="ETH/USDT", client_id=None)
    assert child_report(account_pk=rows.account.pk, report=other, now=NOW) is None
    trade = trade_of(child, "1", "0.1", symbol="ETH/USDT")
    fill_record(account_pk=rows.account.pk, trade=trade, now=NOW)
    assert facts(child) == (C.OPEN, D(0), D(0), False)


def test_the_same_report_again_is_no_news(rows: Rows) -> None:
    child = rows.resting()
    accept(child)
    report = report_of(child, V.OPEN, "0.02")
    assert child_report(account_pk=rows.account.pk, report=report, now=NOW) == child.order_id
    version = Order.objects.get().version
    assert child_report(account_pk=rows.account.pk, report=report, now=NOW) is None
    assert Order.objects.get().version == version


def test_a_confirmed_cancel_settles_once_its_trades_are_known(rows: Rows) -> None:
    child = rows.resting()
    accept(child)
    confirmed = CancelConfirmed(report_of(child, V.CANCELLED, "0.04"))
    assert child_cancelled(child_pk=child.pk, outcome=confirmed, now=NOW)
    assert facts(child) == (C.CANCELLED, D("0.04"), D(0), False)
    fill_record(account_pk=rows.account.pk, trade=trade_of(child, "1", "0.04"), now=NOW)
    assert facts(child) == (C.CANCELLED, D("0.04"), D("0.04"), True)


def test_a_confirmed_cancel_without_a_figure_asks_for_one(rows: Rows) -> None:
    child = rows.resting()
    accept(child)
    confirmed = CancelConfirmed(report_of(child, V.CANCELLED, None))
    assert not child_cancelled(child_pk=child.pk, outcome=confirmed, now=NOW)
    assert not facts(child)[3]


def test_a_confirmed_cancel_that_names_no_state_asks_how_the_order_ended(rows: Rows) -> None:
    child = rows.resting()
    accept(child)
    confirmed = CancelConfirmed(report_of(child, None, None))
    assert not child_cancelled(child_pk=child.pk, outcome=confirmed, now=NOW)
    assert not facts(child)[3]


def test_pulling_drops_what_has_not_left_and_cancels_what_has(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    assert children_pull(account_pk=rows.account.pk, reason="the desk stops", now=NOW) == 1
    assert facts(child) == (C.CANCELLED, D(0), D(0), True)
    assert children_pull(account_pk=rows.account.pk, reason="the desk stops", now=NOW) == 0


# --- recovery and evidence ------------------------------------------------------------------------


@pytest.mark.parametrize("fence", [1, 2], ids=["of the same fence, started again", "of a new holder"])
def test_a_session_that_begins_makes_unanswered_children_unknown(rows: Rows, fence: int) -> None:
    child = rows.resting()
    assert children_recover(account_pk=rows.account.pk, account_fence=0, now=NOW) == [], "a later one's"
    assert children_recover(account_pk=rows.account.pk, account_fence=fence, now=NOW) == [child.client_id]
    assert facts(child)[0] == C.UNKNOWN
    assert children_recover(account_pk=rows.account.pk, account_fence=fence, now=NOW) == []


def test_a_new_holder_leaves_what_was_answered_or_never_taken(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    assert children_recover(account_pk=rows.account.pk, account_fence=9, now=NOW) == []
    rows.submit_child(child)
    accept(child)
    assert children_recover(account_pk=rows.account.pk, account_fence=9, now=NOW) == []


def poll_all(
    child: ChildOrder,
    begun: datetime,
    *,
    window: datetime = NOW - 30 * SECOND,
    at: Guarantees = GUARANTEES["binance"],
) -> bool:
    polls = [NotFoundObservation(kind, begun, window) for kind in ("open_orders", "closed_orders", "trades")]
    return child_not_found(child_pk=child.pk, polls=polls, guarantees=at, now=begun)


def lost(rows: Rows) -> ChildOrder:
    child = rows.resting()
    child_mark_unknown(child_pk=child.pk, message="timed out", now=NOW)
    return child


def test_three_late_polls_of_each_kind_prove_absence(rows: Rows) -> None:
    child = lost(rows)
    # Sent at 1 s at the latest, valid for 1 s, listed within 5 s: polls count from 7 s on.
    results = [poll_all(child, NOW + second * SECOND) for second in (1, 3, 5, 7, 9)]
    assert results == [False] * 5
    assert poll_all(child, NOW + 10.9 * SECOND) is False, "two seconds apart"
    assert poll_all(child, NOW + 11 * SECOND) is True
    assert facts(child) == (C.ABSENT, D(0), D(0), True)


@pytest.mark.parametrize(
    ("exchange", "counts", "proven"),
    [
        # R1: a signature of coinbase is good for two minutes, and an order was taken 60 s after it was sent.
        ("coinbase", 126, 130),
        # Its deadline is 2.5 s ahead, and an order may be listed a minute later.
        ("kraken", 63.5, 67.5),
        ("gate", 12, 16),
    ],
)
def test_absence_waits_for_what_bounds_a_create_at_its_exchange(
    rows: Rows, exchange: str, counts: float, proven: float
) -> None:
    child = lost(rows)
    guarantees = GUARANTEES[exchange]
    early = [poll_all(child, NOW + (counts - before) * SECOND, at=guarantees) for before in (6, 4, 2)]
    late = [poll_all(child, NOW + second * SECOND, at=guarantees) for second in (counts, counts + 2, proven)]
    assert (early, late) == ([False] * 3, [False, False, True])


@pytest.mark.parametrize("hours", [1, 24 * 400])
def test_nothing_proves_an_absence_where_nothing_bounds_a_create_or_trades_are_forgotten(
    rows: Rows, hours: int
) -> None:
    child = lost(rows)
    guarantees = UNKNOWN if hours == 1 else GUARANTEES["okx"]
    begun = NOW + timedelta(hours=hours)
    assert not any(poll_all(child, begun + second * SECOND, at=guarantees) for second in range(0, 60, 2))
    assert facts(child)[0] == C.UNKNOWN


def test_two_kinds_of_polls_prove_nothing(rows: Rows) -> None:
    child = lost(rows)
    for second in range(7, 60, 2):
        begun = NOW + second * SECOND
        polls = [NotFoundObservation(kind, begun, NOW - SECOND) for kind in ("open_orders", "closed_orders")]
        assert not child_not_found(
            child_pk=child.pk, polls=polls, guarantees=GUARANTEES["binance"], now=begun
        )
    assert facts(child)[0] == C.UNKNOWN


def test_polls_over_too_short_a_window_prove_nothing(rows: Rows) -> None:
    child = lost(rows)
    assert not any(poll_all(child, NOW + second * SECOND, window=NOW) for second in range(7, 60, 2))


def test_a_child_that_is_known_gathers_no_evidence(rows: Rows) -> None:
    child = rows.resting()
    accept(child)
    assert not any(poll_all(child, NOW + second * SECOND) for second in range(7, 60, 2))
    assert facts(child)[0] == C.OPEN


def test_an_absent_child_that_appears_is_cancelled_and_pauses_its_order_for_a_person(rows: Rows) -> None:
    child = lost(rows)
    for second in (7, 9, 11):
        poll_all(child, NOW + second * SECOND)
    child_report(account_pk=rows.account.pk, report=report_of(child, V.OPEN, "0.01"), now=NOW)
    assert facts(child)[0] == C.CANCELLING
    order = Order.objects.get()
    assert (order.status, order.needs_person) == ("paused", True)
    assert order.journal.filter(kind="alert").exists()
    fill_record(account_pk=rows.account.pk, trade=trade_of(child, "1", "0.01"), now=NOW)
    child_report(account_pk=rows.account.pk, report=report_of(child, V.CANCELLED, "0.01"), now=NOW)
    assert facts(child) == (C.CANCELLED, D("0.01"), D("0.01"), True)


def test_known_exchange_orders_are_those_of_children(rows: Rows) -> None:
    child = rows.resting()
    accept(child)
    assert known_exchange_orders(rows.account.pk, child.symbol, {"X1", "X2"}) == {"X1"}
    assert known_exchange_orders(rows.account.pk, "ETH/USDT", {"X1"}) == set(), "another order has that id"


def test_a_cancelled_order_ends_when_its_child_is_settled(rows: Rows) -> None:
    child = rows.resting()
    accept(child)
    order = order_cancel(public_id=child.order.public_id, person=rows.trader, reason="", now=NOW)
    rows.step(order, now=NOW)
    assert facts(child)[0] == C.CANCELLING
    child_cancelled(child_pk=child.pk, outcome=CancelConfirmed(report_of(child, V.CANCELLED, "0")), now=NOW)
    rows.step(order, now=NOW)
    check_final(order)
    assert Order.objects.get().status == "cancelled"
