"""An account session and its private stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from execution.core.types import StreamEvent, Trade
from execution.engine import account_session as sessions
from execution.engine.account_reconciler import AccountReconciler
from execution.engine.account_session import AccountSession
from execution.selectors.decisions.sessions import account_details
from tests.engine.desk import Desk, at_once
from tests.factories import NOW, Rows, trade_of


@pytest.mark.parametrize(
    ("news", "is_healthy"),
    [
        ([StreamEvent(resumed=True)], True),
        ([StreamEvent(resumed=True), StreamEvent(lost=True)], False),
        ([StreamEvent(resumed=True), StreamEvent(lost=True), StreamEvent(resumed=True)], True),
    ],
)
def test_a_stream_that_was_cut_is_suspect_until_it_is_back(
    rows: Rows, news: list[StreamEvent], is_healthy: bool
) -> None:
    desk = Desk(rows)
    details = account_details(rows.account.pk)
    assert details is not None
    session = AccountSession(desk.parts, rows.account.pk, 1, lambda _: desk.exchange)
    session._details, session._gateway = details, desk.exchange
    session._reconciler = AccountReconciler(
        desk.parts,
        desk.exchange,
        account_pk=rows.account.pk,
        fence=1,
        marks=details.marks,
        is_under_way=lambda _: False,
    )
    for event in news:
        at_once(session._heed(event, NOW))
    assert session._reconciler.stream_is_healthy is is_healthy


class SlowDatabase:
    """Takes no fact before ``opens``; notes who asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.opens = asyncio.Event()

    async def retry_until_committed(
        self, function: Any, *, trades: Sequence[Trade], **_fact: Any
    ) -> list[int]:
        self.asked += [trade.trade_id for trade in trades]
        await self.opens.wait()
        return [7]


def test_what_a_stream_says_next_does_not_wait_until_the_last_is_recorded_but_is_bounded(rows: Rows) -> None:
    desk, details = Desk(rows), account_details(rows.account.pk)
    child = rows.resting()
    assert details is not None
    told = [str(number) for number in range(sessions.EVENTS_AT_ONCE + 3)]
    desk.exchange.news = [StreamEvent(trades=(trade_of(child, number, "0.001"),)) for number in told]
    given = details
    reconciler = AccountReconciler(
        desk.parts,
        desk.exchange,
        account_pk=rows.account.pk,
        fence=1,
        marks=given.marks,
        is_under_way=lambda _: False,
    )

    async def run() -> None:
        database = SlowDatabase()
        parts = replace(desk.parts, database=database)  # type: ignore[arg-type]
        session = AccountSession(parts, rows.account.pk, 1, lambda _: desk.exchange)
        session._details, session._gateway = given, desk.exchange
        session._reconciler = reconciler
        listening = asyncio.create_task(session._listen())
        for _ in range(50):
            await asyncio.sleep(0)
        assert database.asked == told[: sessions.EVENTS_AT_ONCE]
        assert not listening.done()
        database.opens.set()
        await listening
        assert database.asked == told
        assert desk.poked == [7] * len(told)

    asyncio.run(run())
