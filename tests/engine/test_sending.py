"""Sending: within the lease and within what the row says, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from execution.core.states import ChildStatus
from execution.core.types import (
    Accepted,
    CancelConfirmed,
    CancelOutcome,
    ChildRequest,
    CreateOutcome,
    OrderRef,
    OrderReport,
    TimeInForce,
    VenueStatus,
)
from execution.engine import order_submitter
from execution.engine.order_submitter import OrderSubmitter
from execution.models import Account, ChildOrder
from execution.selectors.decisions.sessions import unsettled_children
from execution.services.children.children import child_report, child_submit
from execution.venues.protocol import VenueReadFailed
from tests.engine.desk import Desk, ScriptedExchange, StillClock, at_once
from tests.factories import NOW, SYMBOL, D, Rows, calm_quote


@pytest.fixture
def desk(rows: Rows) -> Desk:
    desk = Desk(rows)
    desk.parts.quotes.put_quote(rows.venue.pk, SYMBOL, calm_quote(NOW))
    return desk


def submitter(desk: Desk) -> OrderSubmitter:
    account, venue = desk.rows.account.pk, desk.rows.venue.pk
    return OrderSubmitter(desk.parts, desk.exchange, account_pk=account, fence=1, venue_pk=venue)


def send(desk: Desk) -> ChildOrder:
    """Have the first child of an order sent."""
    child = desk.rows.resting(submitted=False)
    sender = submitter(desk)
    (seen,) = unsettled_children(desk.rows.account.pk)
    at_once(sender._create(seen))
    child.refresh_from_db()
    return child


def test_a_child_is_sent_as_its_row_says(desk: Desk) -> None:
    child = send(desk)
    assert [request.client_id for request in desk.exchange.created] == [child.client_id]
    assert child.status == ChildStatus.UNKNOWN, "this exchange never answers"


def test_a_child_that_was_given_too_late_is_not_sent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_submitter, "child_submit", after(desk, 1.1, child_submit))
    child = send(desk)
    assert desk.exchange.created == [], "it would leave after its last possible send"
    assert (child.status, child.submitted_at) == (ChildStatus.PENDING_SUBMIT, None), "the same row goes later"


def test_with_too_short_a_lease_nothing_is_submitted(desk: Desk) -> None:
    desk.lease.seconds = 0.9
    child = desk.rows.resting(submitted=False)
    sender = submitter(desk)
    at_once(sender._round())
    assert not sender.is_under_way(child.pk), "each try would cost a place in the rate limit"


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_database_that_goes_away_while_it_gives_a_child_gives_it_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    def submitted_unheard(**arguments: Any) -> Any:
        if is_committed:
            child_submit(**arguments)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(order_submitter, "child_submit", submitted_unheard)
    child = send(desk)
    assert desk.exchange.created == [], "nobody said that it may leave"
    assert (child.status, child.submitted_at) == (ChildStatus.PENDING_SUBMIT, None), (
        "it certainly has not left"
    )


def after(desk: Desk, seconds: float, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` at a database that takes its time."""

    def slow(**arguments: Any) -> Any:
        result = function(**arguments)
        desk.clock.pass_by(seconds)
        return result

    return slow


@pytest.mark.parametrize("is_answered", [True, False])
async def test_who_stops_waits_for_what_it_has_sent_until_it_can_arrive_no_more(
    monkeypatch: pytest.MonkeyPatch, is_answered: bool
) -> None:
    longest = timedelta(seconds=5 if is_answered else 0.05)
    monkeypatch.setattr(order_submitter, "LONGEST_ARRIVAL", longest)
    context: Any = SimpleNamespace(poke_order=lambda _: None, clock=StillClock())
    sender = OrderSubmitter(context, ScriptedExchange(), account_pk=1, fence=1, venue_pk=1)
    child = SimpleNamespace(pk=7, order_pk=1, ref=SimpleNamespace(client_id="seven"))
    answer = asyncio.Event()
    sender._spawn(child, answer.wait())  # type: ignore[arg-type]
    stopping = asyncio.create_task(sender.let_arrive())
    await asyncio.sleep(0.01)
    assert not stopping.done(), "it may still reach the book"
    if is_answered:
        answer.set()
    await asyncio.wait_for(stopping, 2)
    assert sender.is_under_way(7) is not is_answered
    await sender.let_arrive()
    answer.set()


# --- the last gate -------------------------------------------------------------------------------


def test_a_child_that_was_held_back_is_dropped_and_costs_no_place(desk: Desk) -> None:
    """R4: a child was sent at the price of minutes ago, because the exchange had asked for a pause."""
    child = desk.rows.resting(submitted=False)
    sender = submitter(desk)
    (seen,) = unsettled_children(desk.rows.account.pk)
    desk.clock.pass_by(45)
    desk.parts.quotes.put_quote(desk.rows.venue.pk, SYMBOL, calm_quote(desk.clock.now()))
    at_once(sender._create(seen))
    child.refresh_from_db()
    assert (child.status, child.is_settled) == (ChildStatus.CANCELLED, True)
    assert child.reason == "not sent: it has waited 45.0 s, and after 2 s it is decided anew"
    assert (desk.exchange.created, desk.exchange.places) == ([], 0)


def test_a_child_waits_for_its_account_without_spending_the_rate_limit(desk: Desk) -> None:
    child = desk.rows.resting(submitted=False)
    Account.objects.update(doubted_at=NOW + timedelta(hours=1))
    sender = submitter(desk)
    (seen,) = unsettled_children(desk.rows.account.pk)
    for _ in range(5):
        at_once(sender._create(seen))
    child.refresh_from_db()
    assert child.status == ChildStatus.PENDING_SUBMIT
    assert desk.exchange.places == 0, "an account's own polls need them"


def test_what_was_sent_keeps_its_place(desk: Desk) -> None:
    send(desk)
    assert desk.exchange.places == 1


# --- answers with ids only -----------------------------------------------------------------------


class SaysIdsOnly(ScriptedExchange):
    """An exchange that answers a create with its id, and tells what became of it when it is asked again."""

    finds = 0

    async def create(self, request: ChildRequest, *, valid_for: timedelta) -> CreateOutcome:
        self.created.append(request)
        return Accepted(OrderReport(request.symbol, request.client_id, "X1", None, None))

    async def find(self, ref: OrderRef) -> OrderReport | None:
        self.finds += 1
        assert ref.exchange_id == "X1"
        if self.finds == 1:
            raise VenueReadFailed("503")
        status = VenueStatus.OPEN if self.finds == 2 else VenueStatus.CANCELLED
        return OrderReport(ref.symbol, ref.client_id, "X1", status, D(0))


@pytest.mark.parametrize(("kind", "finds"), [(TimeInForce.IOC, 3), (TimeInForce.POST_ONLY, 0)])
def test_an_immediate_child_is_looked_up_where_the_answer_has_only_its_ids(
    desk: Desk, kind: TimeInForce, finds: int
) -> None:
    """R9: fifteen seconds after its answer such a child was still open, and nobody looked."""
    desk.exchange = exchange = SaysIdsOnly()
    child = desk.rows.resting(submitted=False)
    ChildOrder.objects.update(time_in_force=kind)
    (seen,) = unsettled_children(desk.rows.account.pk)
    at_once(submitter(desk)._create(seen))
    child.refresh_from_db()
    assert exchange.finds == finds
    assert child.status == (ChildStatus.CANCELLED if finds else ChildStatus.OPEN)
    assert desk.clock.now() - NOW <= timedelta(seconds=1)


def test_what_the_stream_has_told_of_an_immediate_child_is_not_asked_for(desk: Desk) -> None:
    """Forty crosses that end together would ask for a hundred look-ups, and the polls would wait behind them."""
    desk.exchange = exchange = SaysIdsOnly()
    child = desk.rows.resting(submitted=False)
    ChildOrder.objects.update(time_in_force=TimeInForce.IOC)
    (seen,) = unsettled_children(desk.rows.account.pk)
    sleep = desk.clock.sleep

    async def told(seconds: float) -> None:
        await sleep(seconds)
        report = OrderReport(child.symbol, child.client_id, "X1", VenueStatus.FILLED, child.quantity)
        child_report(account_pk=child.account_id, report=report, now=desk.clock.now())

    desk.clock.sleep = told  # type: ignore[method-assign]
    at_once(submitter(desk)._create(seen))
    child.refresh_from_db()
    assert (exchange.finds, child.status, child.is_settled) == (0, ChildStatus.FILLED, False)


def test_a_cancel_without_a_figure_is_looked_up_unless_the_stream_tells_its_end(desk: Desk) -> None:
    class OnlyConfirms(SaysIdsOnly):
        async def cancel(self, ref: OrderRef) -> CancelOutcome:
            return CancelConfirmed(OrderReport(ref.symbol, ref.client_id, "X1", None, None))

    desk.exchange = exchange = OnlyConfirms()
    child = desk.rows.resting()
    report = OrderReport(child.symbol, child.client_id, "X1", VenueStatus.CANCELLED, D("0.03"))
    ChildOrder.objects.update(exchange_id="X1")
    (seen,) = unsettled_children(desk.rows.account.pk)
    at_once(submitter(desk)._cancel(seen))
    assert exchange.finds == 1
    child_report(account_pk=child.account_id, report=report, now=NOW)
    at_once(submitter(desk)._cancel(seen))
    assert exchange.finds == 1, "it is over"
