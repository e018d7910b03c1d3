"""Polls: whatever was sent is settled by them, whoever failed to record its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from execution.core.states import ChildStatus
from execution.core.types import Liquidity, OrderReport, Side, Trade, VenueStatus
from execution.engine import symbol_poll
from execution.engine.account_reconciler import AccountReconciler
from execution.engine.all_trades import TRADES_EVERY
from execution.engine.poll_needs import UNSETTLED
from execution.models import ChildOrder
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from tests.engine.desk import Desk, at_once
from tests.factories import NOW, D, Rows, report_of, trade_of

C = ChildStatus


@pytest.fixture
def desk(rows: Rows) -> Desk:
    return Desk(rows)


def reconciler_of(
    desk: Desk,
    *,
    is_under_way: Callable[[int], bool] = lambda _: False,
    is_unlisted: Callable[[str], bool] = lambda _: False,
) -> AccountReconciler:
    return AccountReconciler(
        desk.parts,
        desk.exchange,
        account_pk=desk.rows.account.pk,
        fence=1,
        marks=frozenset({"test"}),
        is_under_way=is_under_way,
        is_unlisted=is_unlisted,
    )


def look_for(desk: Desk, reconciler: AccountReconciler, seconds: int) -> None:
    """Poll every 1.5 s."""
    for _ in range(int(seconds / UNSETTLED)):
        at_once(reconciler.poll())
        desk.clock.pass_by(UNSETTLED)


def status_of(child: ChildOrder) -> str:
    child.refresh_from_db()
    return child.status


def test_a_child_whose_answer_nobody_recorded_is_settled_under_the_same_fence(desk: Desk) -> None:
    child = desk.rows.resting()
    look_for(desk, reconciler_of(desk), 30)
    assert status_of(child) == C.ABSENT


def test_a_request_under_way_is_not_taken_for_lost(desk: Desk) -> None:
    child = desk.rows.resting()
    look_for(desk, reconciler_of(desk, is_under_way=lambda _: True), 6)
    assert status_of(child) == C.SUBMITTED


def test_an_order_without_a_client_id_hides_no_child(desk: Desk) -> None:
    child = desk.rows.resting()
    stranger = OrderReport(child.symbol, None, "77", VenueStatus.OPEN, D(0))
    desk.exchange.orders = [stranger]
    look_for(desk, reconciler_of(desk), 30)
    assert status_of(child) == C.ABSENT


def test_a_trade_of_an_older_order_of_somebody_else_does_not_leave_a_child_unknown(desk: Desk) -> None:
    child = desk.rows.resting()
    desk.exchange.listed = [trade_of(child, "9", "0.1", exchange_id="88")]
    look_for(desk, reconciler_of(desk), 30)
    assert status_of(child) == C.UNKNOWN, "a trade that nobody can explain may be the child's"
    desk.exchange.found = {"88": OrderReport(child.symbol, "by-hand", "88", VenueStatus.FILLED, D("0.1"))}
    look_for(desk, reconciler_of(desk), 30)
    assert status_of(child) == C.ABSENT


def test_a_trade_is_recorded_again_only_while_something_of_it_is_unknown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = desk.rows.resting()
    at_once(
        desk.parts.database.run(
            child_report, account_pk=child.account_id, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW
        )
    )
    recorded: list[str] = []

    def record(*, trade: Trade, **rest: Any) -> bool:
        recorded.append(trade.trade_id)
        return fill_record(trade=trade, **rest)

    monkeypatch.setattr(symbol_poll, "fill_record", record)
    bare = trade_of(child, "1", "0.01")
    whole = trade_of(child, "2", "0.01", fee=D("0.1"), fee_currency="USDT", liquidity=Liquidity.MAKER)
    desk.exchange.listed = [bare, whole]
    reconciler = reconciler_of(desk)
    at_once(reconciler.poll())
    desk.clock.pass_by(TRADES_EVERY.total_seconds())
    at_once(reconciler.poll())
    assert recorded == ["1", "2", "1"], "its fee may still come"
    desk.exchange.listed = [
        replace(bare, fee=D("0.1"), fee_currency="USDT", liquidity=Liquidity.MAKER), replace(whole, side=Side.SELL)
    ]  # fmt: skip
    for _ in range(2):
        desk.clock.pass_by(TRADES_EVERY.total_seconds())
        at_once(reconciler.poll())
    assert recorded[3:] == ["1", "2"], "the other side of an id is another trade; then everything is known"
    assert child.fills.get(trade_id="1").fee == D("0.1")


@pytest.mark.django_db(transaction=True)
def test_a_child_that_turns_unsettled_is_polled_soon(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # the loop runs in the test's own thread
    child = desk.rows.resting()
    reconciler = reconciler_of(desk)
    reconciler.stream_is_healthy = True
    resting = report_of(child, VenueStatus.OPEN, "0")
    child_report(account_pk=desk.rows.account.pk, report=resting, now=desk.clock.now())
    desk.exchange.orders = [resting]
    polls = asyncio.run(asyncio.wait_for(two_polls(desk, reconciler, child), 10))
    assert polls[1] - polls[0] <= timedelta(seconds=UNSETTLED)


async def two_polls(desk: Desk, reconciler: AccountReconciler, child: ChildOrder) -> list[datetime]:
    """Return the times of two polls. After the first one the child's fate is unknown."""
    polls: list[datetime] = []
    task = asyncio.create_task(reconciler.run())
    try:
        while len(polls) < 2 and not task.done():
            await asyncio.sleep(0)
            if len(desk.exchange.polled_at) > len(polls):
                polls.append(desk.clock.now())
                ChildOrder.objects.filter(pk=child.pk).update(status=ChildStatus.UNKNOWN)
    finally:
        task.cancel()
        connections.close_all()
    return polls


def test_an_open_order_with_our_mark_and_no_child_is_shown_with_the_account(desk: Desk) -> None:
    child = desk.rows.resting()
    orphan = OrderReport(child.symbol, "qtestzzzzzzzz0009", "99", VenueStatus.OPEN, D(0))
    desk.exchange.orders = [orphan]
    at_once(reconciler_of(desk).poll())
    desk.rows.account.refresh_from_db()
    assert "qtestzzzzzzzz0009" in desk.rows.account.error
    desk.exchange.orders = []
    at_once(reconciler_of(desk).poll())
    desk.rows.account.refresh_from_db()
    assert desk.rows.account.error == ""
