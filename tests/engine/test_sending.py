"""Sending: within the lease and within what the row says, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from execution.core.states import ChildStatus
from execution.engine import order_submitter
from execution.engine.order_submitter import Sender
from execution.models import ChildOrder
from execution.selectors.decisions.sessions import unsettled_children
from execution.services.children.children import child_take
from tests.engine.desk import Desk, ScriptedExchange, StillClock, at_once
from tests.factories import Rows
from tests.fixtures import redis_url, rows

__all__ = ["redis_url", "rows"]


@pytest.fixture
def desk(rows: Rows) -> Desk:
    return Desk(rows)


def send(desk: Desk) -> ChildOrder:
    """Have the first child of an order sent."""
    child = desk.rows.resting(taken=False)
    sender = Sender(desk.parts, desk.exchange, desk.rows.account.pk, 1)
    (seen,) = unsettled_children(desk.rows.account.pk)
    at_once(sender._create(seen))
    child.refresh_from_db()
    return child


def test_a_child_is_sent_as_its_row_says(desk: Desk) -> None:
    child = send(desk)
    assert [request.client_id for request in desk.exchange.created] == [child.client_id]
    assert child.status == ChildStatus.UNKNOWN, "this exchange never answers"


def test_a_child_that_was_given_too_late_is_not_sent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_submitter, "child_take", after(desk, 1.1, child_take))
    child = send(desk)
    assert desk.exchange.created == [], "it would leave after its last possible send"
    assert (child.status, child.taken_at) == (ChildStatus.INTENDED, None), "the same row goes later"


def test_with_too_short_a_lease_nothing_is_taken(desk: Desk) -> None:
    desk.lease.seconds = 0.9
    child = desk.rows.resting(taken=False)
    sender = Sender(desk.parts, desk.exchange, desk.rows.account.pk, 1)
    at_once(sender._round())
    assert not sender.is_under_way(child.pk), "each try would cost a place in the rate limit"


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_database_that_goes_away_while_it_gives_a_child_gives_it_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    def taken_unheard(**arguments: Any) -> Any:
        if is_committed:
            child_take(**arguments)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(order_submitter, "child_take", taken_unheard)
    child = send(desk)
    assert desk.exchange.created == [], "nobody said that it may leave"
    assert (child.status, child.taken_at) == (ChildStatus.INTENDED, None), "it certainly has not left"


def after(desk: Desk, seconds: float, function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, at a database that takes its time."""

    def slow(**arguments: Any) -> Any:
        result = function(**arguments)
        desk.clock.pass_by(seconds)
        return result

    return slow


@pytest.mark.parametrize("is_answered", [True, False])
async def test_who_stops_waits_for_what_it_has_sent_until_it_can_arrive_no_more(
    monkeypatch: pytest.MonkeyPatch, is_answered: bool
) -> None:
    monkeypatch.setattr(order_submitter, "ARRIVAL", 5.0 if is_answered else 0.05)
    sender = Sender(SimpleNamespace(poke_order=lambda _: None, clock=StillClock()), ScriptedExchange(), 1, 1)  # type: ignore[arg-type]
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
