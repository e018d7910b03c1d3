"""One-minute candles of a market session: made of its trades, published while somebody looks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from execution.core.market_data.candles import KnownCandles
from execution.core.market_data.feeds import MarketEvent
from execution.core.types import PublicTrade
from execution.engine.market_board import MarketBoard
from execution.engine.market_candles import MarketCandles
from execution.engine.market_part import WatchedMarket
from tests.engine.desk import Desk, ScriptedMarketStream
from tests.factories import NOW, SYMBOL, D, Rows


def trade(seconds: int) -> PublicTrade:
    return PublicTrade(SYMBOL, D(60_000), D(1), NOW + timedelta(seconds=seconds), trade_id=str(seconds))


def test_candles_are_published_while_somebody_looks(rows: Rows) -> None:
    desk, told = Desk(rows), list[KnownCandles]()
    context = replace(desk.parts, publish_candles=lambda _venue, _symbol, found: told.append(found))
    board, venue_pk = MarketBoard(context, rows.venue.pk), rows.venue.pk
    market = WatchedMarket(context, desk.exchange, ScriptedMarketStream(), board, venue_pk, (SYMBOL,))
    candles = MarketCandles(market)
    now = context.clock.now()
    seconds = int((now - NOW).total_seconds())
    candles.take(MarketEvent(SYMBOL, trades=(trade(seconds - 130),), interrupted=True))
    candles.take(MarketEvent(SYMBOL, trades=(trade(seconds - 60), trade(seconds - 5))))

    async def once() -> None:
        task = asyncio.ensure_future(candles.run())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(once())
    assert told == [], "nobody looks"
    context.quotes.want_book(venue_pk, SYMBOL, now)
    asyncio.run(once())
    assert sum(bar.volume for bar in told[0].candles) == D(2), (
        "the minute in which the stream began is not told"
    )
    assert told[0].known[0].start == NOW + timedelta(seconds=seconds - 130)
    candles.take(MarketEvent(SYMBOL, trades=(trade(seconds - 1),), interrupted=True))
    asyncio.run(once())
    assert len(told[-1].known) == 2
