"""A child that the exchange has shown and shows no more (R3): its trades and the guarantees end it, or a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from execution.core.guarantees import GUARANTEES
from execution.core.guarantees.promise import Guarantees
from execution.core.problems import Refused
from execution.core.reconcile import POLL_KINDS
from execution.core.states import ChildStatus
from execution.core.types import Unknown, VenueStatus
from execution.models import AuditEntry, ChildOrder, Venue
from execution.selectors.reconciliation import reconciliation
from execution.services.children.absence import NotFoundObservation, child_gone, child_not_found
from execution.services.children.children import child_cancel_request, child_outcome, child_report
from execution.services.children.fills import fill_record
from execution.services.children.reconciliation import ended_phrase, unknown_absent, unknown_ended
from tests.factories import NOW, D, Rows, report_of, trade_of
from tests.invariants import check_order

OKX = GUARANTEES["okx"]
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def shown(rows: Rows, filled: str = "0", trades: str = "") -> ChildOrder:
    """Return a child that the exchange has shown with ``filled``, and of which the desk has ``trades``."""
    child = rows.resting()
    child_report(account_pk=child.account_id, report=report_of(child, VenueStatus.OPEN, filled), now=NOW)
    if trades:
        fill_record(account_pk=child.account_id, trade=trade_of(child, "1", trades), now=NOW)
    child.refresh_from_db()
    assert child.status == ("open" if filled == "0" else "partly_filled")
    return child


def gone(child: ChildOrder, *seconds: float, guarantees: Guarantees = OKX) -> ChildStatus:
    """Return its status after polls that show it nowhere, begun so long after ``NOW``."""
    for at in (NOW + each * SECOND for each in seconds):
        child_gone(child_pk=child.pk, begun_at=at, guarantees=guarantees, now=at)
    child.refresh_from_db()
    return ChildStatus(child.status)


def not_found(
    child: ChildOrder, after: timedelta, guarantees: Guarantees = OKX, polls: int = 3
) -> ChildStatus:
    """Return its status after polls of all three lists that do not show it."""
    for number in range(polls):
        at = NOW + after + 2 * number * SECOND
        observed = [NotFoundObservation(kind, at, child.intended_at - HOUR) for kind in POLL_KINDS]
        child_not_found(child_pk=child.pk, polls=observed, guarantees=guarantees, now=at)
    child.refresh_from_db()
    return ChildStatus(child.status)


# --- from the book to unknown ----------------------------------------------------------------------


def test_three_polls_within_a_minute_that_show_it_nowhere_make_it_unknown(rows: Rows) -> None:
    child = shown(rows)
    assert gone(child, 60, 62) == ChildStatus.OPEN
    assert gone(child, 64) == ChildStatus.UNKNOWN
    assert "lists it no longer" in child.reason
    assert child.order.journal.filter(data__child_status="unknown").exists()
    check_order(child.order)


@pytest.mark.parametrize(
    "seconds",
    [(1, 2, 3), (60, 61, 61.5), (60, 130, 200), (60, 62, 123, 184)],
    ids=["before it has to be listed", "too close", "too far apart", "two of an hour ago"],
)
def test_other_polls_say_nothing(rows: Rows, seconds: tuple[float, ...]) -> None:
    assert gone(shown(rows), *seconds) == ChildStatus.OPEN


def test_a_cancel_that_waits_for_its_answer_is_no_exception(rows: Rows) -> None:
    child = shown(rows)
    child_cancel_request(child=child, order=child.order, reason="a person", now=NOW)
    assert gone(child, 60, 62, 64) == ChildStatus.UNKNOWN


def test_one_that_appears_again_is_open_as_before(rows: Rows) -> None:
    child = shown(rows)
    gone(child, 60, 62, 64)
    report = report_of(child, VenueStatus.OPEN, "0")
    child_report(account_pk=child.account_id, report=report, now=NOW + 70 * SECOND)
    child.refresh_from_db()
    assert child.status == ChildStatus.OPEN


# --- the end of it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("trades", ["", "0.04"])
def test_it_ends_with_its_trades_once_the_exchange_may_have_forgotten_it(rows: Rows, trades: str) -> None:
    """okx drops an order that was cancelled without a fill after two hours, gate any after a minute."""
    guarantees = OKX if not trades else replace(OKX, ended_kept=OKX.cancelled_kept)
    child = shown(rows, trades or "0", trades)
    gone(child, 60, 62, 64, guarantees=guarantees)
    assert not_found(child, HOUR, guarantees) == ChildStatus.UNKNOWN, "it ought to be found yet"
    assert not_found(child, 2 * HOUR + SECOND, guarantees) == ChildStatus.CANCELLED
    assert child.is_settled
    assert (child.filled, child.reported_filled) == (D(trades or "0"), D(trades or "0"))
    assert (
        child.reason == f"ended: the exchange tells of it no longer, and its trades add up to {trades or '0'}"
    )
    check_order(child.order)


def test_it_does_not_end_while_its_figure_tells_of_more_than_its_trades(rows: Rows) -> None:
    guarantees = replace(OKX, ended_kept=OKX.cancelled_kept)
    child = shown(rows, "0.05", "0.04")
    gone(child, 60, 62, 64, guarantees=guarantees)
    assert not_found(child, 3 * HOUR, guarantees) == ChildStatus.UNKNOWN
    fill_record(account_pk=child.account_id, trade=trade_of(child, "2", "0.01"), now=NOW + 4 * HOUR)
    assert gone(child, 14460, 14462, 14464, guarantees=guarantees) == ChildStatus.UNKNOWN, (
        "the trade showed it"
    )
    assert not_found(child, 5 * HOUR, guarantees) == ChildStatus.CANCELLED
    assert child.filled == D("0.05")


@pytest.mark.parametrize("exchange", ["binance", "coinbase", "kraken"])
def test_where_orders_are_kept_for_ever_or_nobody_knows_a_person_decides(rows: Rows, exchange: str) -> None:
    guarantees = GUARANTEES[exchange]
    child = shown(rows)
    gone(child, 120, 122, 124, guarantees=guarantees)
    assert not_found(child, timedelta(days=3), guarantees) == ChildStatus.UNKNOWN


def test_a_child_that_was_never_shown_is_absent_and_not_ended(rows: Rows) -> None:
    child = rows.resting()
    child_outcome(child_pk=child.pk, outcome=Unknown("no answer"), now=NOW)
    assert not_found(child, 3 * HOUR) == ChildStatus.ABSENT


def test_evidence_of_hours_ago_ends_nothing_without_a_poll_of_now_that_says_the_same(rows: Rows) -> None:
    child = shown(rows)
    gone(child, 60, 62, 64)
    assert not_found(child, HOUR) == ChildStatus.UNKNOWN
    at = NOW + 3 * HOUR
    without_trades = [NotFoundObservation(kind, at, NOW - HOUR) for kind in POLL_KINDS if kind != "trades"]
    child_not_found(child_pk=child.pk, polls=without_trades, guarantees=OKX, now=at)
    child.refresh_from_db()
    assert child.status == ChildStatus.UNKNOWN, "a trade may be its own"
    assert not_found(child, 3 * HOUR, polls=1) == ChildStatus.CANCELLED


# --- a person --------------------------------------------------------------------------------------


def row_of(rows: Rows, now: datetime) -> tuple[bool, Decimal, datetime | None]:
    (row,) = reconciliation(person=rows.supervisor, now=now)["unknown"]
    return row["was_shown"], D(row["filled"]), row["earliest_proof"]


def test_the_inbox_says_that_it_was_shown_what_filled_and_when_it_can_be_proven(rows: Rows) -> None:
    child = shown(rows)
    gone(child, 60, 62, 64)
    Venue.objects.update(exchange="coinbase")
    assert row_of(rows, NOW) == (True, D(0), None), "nobody knows how long coinbase keeps them"
    Venue.objects.update(exchange="okx")
    was_shown, filled, earliest = row_of(rows, NOW)
    assert (was_shown, filled) == (True, D(0))
    assert earliest is not None
    assert timedelta(0) <= earliest - (NOW + 2 * HOUR) <= 2 * SECOND


def ended(rows: Rows, child: ChildOrder, phrase: str | None = None) -> None:
    unknown_ended(
        client_id=child.client_id,
        person=rows.supervisor,
        phrase=ended_phrase(child.client_id) if phrase is None else phrase,
        reason="the exchange's own page shows it cancelled",
        now=NOW + HOUR,
    )
    child.refresh_from_db()


def test_a_supervisor_marks_it_as_ended_and_the_order_can_end(rows: Rows) -> None:
    child = shown(rows, "0.04", "0.04")
    gone(child, 60, 62, 64)
    ended(rows, child)
    assert (child.status, child.is_settled, child.filled) == ("cancelled", True, D("0.04"))
    assert "without proof" in child.reason
    assert AuditEntry.objects.filter(kind="unknown_ended", subject=child.client_id).exists()
    check_order(child.order)


@pytest.mark.parametrize(
    ("filled", "trades", "phrase", "code"),
    [
        ("0", "", "ENDED", "confirmation_phrase_wrong"),
        ("0.05", "0.04", None, "child_misses_trades"),
    ],
)
def test_what_a_person_may_not_end_stays_as_it_is(
    rows: Rows, filled: str, trades: str, phrase: str | None, code: str
) -> None:
    child = shown(rows, filled, trades)
    gone(child, 60, 62, 64)
    with pytest.raises(Refused) as refused:
        ended(rows, child, phrase)
    assert [problem.code for problem in refused.value.problems] == [code]
    child.refresh_from_db()
    assert child.status == ChildStatus.UNKNOWN


def test_one_that_was_never_shown_is_not_ended_and_one_that_was_is_not_absent(rows: Rows) -> None:
    child = rows.resting()
    child_outcome(child_pk=child.pk, outcome=Unknown("no answer"), now=NOW)
    with pytest.raises(Refused, match="never shown"):
        ended(rows, child)
    other = shown_beside(rows)
    gone(other, 60, 62, 64)
    with pytest.raises(Refused, match="not absent"):
        unknown_absent(
            client_id=other.client_id,
            person=rows.supervisor,
            phrase=f"ABSENT {other.client_id}",
            reason="a guess",
            now=NOW + HOUR,
        )


def shown_beside(rows: Rows) -> ChildOrder:
    child = rows.resting(key="key-2")
    child_report(
        account_pk=child.account_id, report=report_of(child, VenueStatus.OPEN, "0", exchange_id="X9"), now=NOW
    )
    child.refresh_from_db()
    return child
