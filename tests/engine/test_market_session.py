"""A market session's parts: books that are wanted, seconds that wait for nothing, streams that say nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from execution.core.market_data.feeds import Feed, FeedChange, FeedState, FeedStatus, MarketEvent
from execution.core.types import Book, PublicTrade, Quote
from execution.engine import market_samples
from execution.engine.market_board import MarketBoard
from execution.engine.market_part import WatchedMarket
from execution.engine.market_samples import MarketSamples
from execution.engine.market_session import MarketBooks
from execution.models import MarketSample
from execution.venues.protocol import VenueReadFailed
from tests.engine.desk import Desk, ScriptedExchange, ScriptedMarketStream, at_once
from tests.factories import NOW, SYMBOL, D, Rows

BOOK = Book(((D(59_999), D(1)),), ((D(60_001), D(1)),), NOW)
QUOTE = Quote(D(59_999), D(60_001), D(1), D(1), NOW)


def trade(number: int, at: datetime, quantity: str = "1") -> PublicTrade:
    return PublicTrade(SYMBOL, D(60_000), D(quantity), at, trade_id=str(number))


@dataclass
class ListingExchange(ScriptedExchange):
    """One whose lists of trades and quotes are given."""

    trades_listed: list[PublicTrade] = field(default_factory=list)
    quoted: Quote = QUOTE
    asked: int = 0
    asked_after: list[str | None] = field(default_factory=list)

    async def missed_trades(self, symbol: str, after: PublicTrade | None) -> list[PublicTrade]:
        self.asked += 1
        self.asked_after.append(None if after is None else after.trade_id)
        if symbol in self.failing:
            raise self.failing[symbol]
        return self.trades_listed

    async def quote(self, symbol: str) -> Quote:
        return self.quoted


@dataclass
class Session:
    """The parts of a market session that watches one symbol, on a clock that stands still."""

    rows: Rows

    def __post_init__(self) -> None:
        self.desk = Desk(self.rows, exchange=ListingExchange())
        self.stream = ScriptedMarketStream()
        self.told: list[tuple[str, dict[Feed, FeedStatus]]] = []
        venue_pk = self.rows.venue.pk
        publish: Callable[..., Any] = lambda _, symbol, feeds: self.told.append((symbol, dict(feeds)))  # noqa: E731
        context = replace(self.desk.parts, publish_feeds=publish)
        self.board = MarketBoard(context, venue_pk)
        self.exchange: ListingExchange = self.desk.exchange  # type: ignore[assignment]
        market = WatchedMarket(context, self.exchange, self.stream, self.board, venue_pk, (SYMBOL,))
        self.samples, self.books = MarketSamples(market), MarketBooks(market)
        self.samples._sampled = {SYMBOL}

    def state(self, feed: Feed) -> FeedState | None:
        return self.board.state(SYMBOL, feed)


@pytest.fixture
def session(rows: Rows) -> Session:
    return Session(rows)


def test_a_book_is_asked_for_once_at_a_time_and_a_failed_look_leaves_the_older_book(session: Session) -> None:
    quotes, venue = session.desk.parts.quotes, session.rows.venue.pk
    session.exchange.books[SYMBOL] = BOOK
    at_once(session.books._ask(SYMBOL))
    assert quotes.book(venue, SYMBOL) == BOOK
    session.desk.clock.pass_by(0.9)
    session.exchange.failing[SYMBOL] = VenueReadFailed("busy")
    with pytest.raises(VenueReadFailed):
        at_once(session.books._ask(SYMBOL))
    assert session.state(Feed.BOOK) is FeedState.STALE
    known = quotes.book(venue, SYMBOL)
    assert known is not None
    assert session.desk.clock.now() - known.at >= timedelta(seconds=0.9), "as old as it is"


def test_a_clock_that_steps_back_makes_no_quote_younger(session: Session) -> None:
    quotes, venue, clock = session.desk.parts.quotes, session.rows.venue.pk, session.desk.clock
    session.board.put_quote(SYMBOL, QUOTE)
    boot = clock.boot
    clock.pass_by(6)
    age = boot()
    clock.time -= timedelta(hours=1)
    clock.boot = lambda: age  # type: ignore[method-assign]
    known = quotes.quote(venue, SYMBOL)
    assert known is not None
    assert clock.now() - known.at == timedelta(seconds=6)


def test_one_sided_feeds_lose_their_quote_and_say_why_until_there_is_one_again(session: Session) -> None:
    quotes, venue = session.desk.parts.quotes, session.rows.venue.pk
    session.board.put_quote(SYMBOL, QUOTE)
    session.board.change(SYMBOL, FeedChange(Feed.QUOTES, FeedState.ONE_SIDED, "there are no asks"))
    assert quotes.quote(venue, SYMBOL) is None
    session.board.grew_old(SYMBOL, Feed.QUOTES, "no quote")
    assert session.told[-1][1][Feed.QUOTES] == FeedStatus(FeedState.ONE_SIDED, NOW, "there are no asks")
    session.board.put_quote(SYMBOL, QUOTE)
    assert session.state(Feed.QUOTES) is FeedState.LIVE


def test_a_stream_whose_quotes_stand_still_while_the_market_moves_is_begun_anew(session: Session) -> None:
    session.samples.put_quote(SYMBOL, QUOTE)
    for step in (1, 2):
        session.desk.clock.pass_by(2)
        session.exchange.quoted = replace(QUOTE, bid=QUOTE.bid - step)
        at_once(session.samples._ask_quote(SYMBOL))
    assert session.state(Feed.QUOTES) is FeedState.SILENT
    assert len(session.stream.reconnects) == 1
    since = session.told[-1][1][Feed.QUOTES].since
    for _ in range(3):  # the market moves on, and stands still once
        session.desk.clock.pass_by(2)
        at_once(session.samples._ask_quote(SYMBOL))
        assert session.state(Feed.QUOTES) is FeedState.SILENT
    assert session.told[-1][1][Feed.QUOTES].since == since, "it is silent all along"
    session.samples.put_quote(SYMBOL, QUOTE)
    assert session.state(Feed.QUOTES) is FeedState.LIVE


def test_a_quiet_market_is_compared_with_the_list_and_known(session: Session) -> None:
    first = trade(1, NOW)
    session.exchange.trades_listed = [trade(0, NOW - timedelta(seconds=1)), first]
    session.samples.take_trades(MarketEvent(SYMBOL, trades=(first,)))
    session.desk.clock.pass_by(10)
    assert session.samples._is_to_be_compared(SYMBOL)
    at_once(session.samples._compare(SYMBOL))
    assert session.state(Feed.TRADES) is FeedState.LIVE
    assert not session.stream.reconnects
    rows = session.samples._volumes[SYMBOL].rows(session.desk.clock.now())
    known = {row.second: row.volume for row in rows if row.volume is not None}
    assert known[NOW.replace(microsecond=0) + timedelta(seconds=5)] == 0, "nobody traded, and that is known"


def test_trades_that_the_stream_left_out_are_counted_and_it_is_begun_anew(session: Session) -> None:
    first = trade(1, NOW)
    session.samples.take_trades(MarketEvent(SYMBOL, trades=(first,)))
    session.desk.clock.pass_by(10)
    session.exchange.trades_listed = [first, trade(2, NOW + timedelta(seconds=4), "3")]
    at_once(session.samples._compare(SYMBOL))
    assert session.state(Feed.TRADES) is FeedState.SILENT
    assert session.stream.reconnects
    rows = session.samples._volumes[SYMBOL].rows(session.desk.clock.now())
    known = {row.second: row.volume for row in rows}
    assert known[NOW.replace(microsecond=0) + timedelta(seconds=4)] == 3


def test_what_an_interruption_has_missed_is_asked_for_from_the_last_trade_before_it(session: Session) -> None:
    """The stream goes on before anybody asks: its newest trade is behind the hole."""
    numbered = [trade(number, NOW + timedelta(seconds=number)) for number in range(8)]
    for event in (
        MarketEvent(SYMBOL, trades=tuple(numbered[:2])),
        MarketEvent(SYMBOL, interrupted=True),
        MarketEvent(SYMBOL, trades=(numbered[4],)),
        MarketEvent(SYMBOL, interrupted=True, trades=(numbered[6],)),
    ):
        session.samples.take_trades(event)
    session.desk.clock.pass_by(30)
    session.exchange.failing[SYMBOL] = VenueReadFailed("busy")
    with pytest.raises(VenueReadFailed):
        at_once(session.samples._compare(SYMBOL))
    del session.exchange.failing[SYMBOL]
    session.exchange.trades_listed = numbered[1:7]
    at_once(session.samples._compare(SYMBOL))
    assert session.exchange.asked_after == ["1", "1"]
    rows = session.samples._volumes[SYMBOL].rows(session.desk.clock.now())
    assert sum(row.volume for row in rows if row.volume is not None) == 7
    session.exchange.trades_listed = numbered[6:]
    at_once(session.samples._compare(SYMBOL))
    assert session.exchange.asked_after[-1] == "6", "the hole is mended"


def test_a_list_that_cannot_be_read_is_asked_again_after_growing_pauses(session: Session) -> None:
    session.exchange.failing[SYMBOL] = VenueReadFailed("busy")
    asked = []
    for second in range(60):
        if session.samples._is_to_be_compared(SYMBOL):
            with pytest.raises(VenueReadFailed):
                at_once(session.samples._compare(SYMBOL))
            asked.append(second)
        session.desk.clock.pass_by(1)
    assert asked == [0, 5, 15, 35]


async def test_a_quote_that_takes_long_keeps_no_second_waiting(
    rows: Rows, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T6: rows are written beside whatever waits for the network."""
    never = asyncio.Event()

    async def quote(symbol: str) -> Quote:
        await never.wait()
        return QUOTE

    session.exchange.quote = quote  # type: ignore[method-assign]
    written: list[list[MarketSample]] = []

    async def run(_: Any, *, samples: list[MarketSample]) -> None:
        written.append(samples)

    async def read(*_: Any, **__: Any) -> set[str]:
        return {SYMBOL}

    monkeypatch.setattr(session.desk.parts.database, "run", run)
    monkeypatch.setattr(session.desk.parts.database, "read", read)
    monkeypatch.setattr(market_samples, "symbols_with_orders", None)
    tasks = [asyncio.ensure_future(part()) for part in (session.samples.keep_quotes, session.samples.write)]
    for _ in range(400):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    session.samples.close()
    await asyncio.gather(*tasks, return_exceptions=True)
    seconds = [row.second for rows in written for row in rows]
    assert len(seconds) > 15
    assert all(later - earlier == timedelta(seconds=1) for earlier, later in pairwise(seconds))


def test_a_session_mends_what_was_traded_while_nobody_watched(session: Session) -> None:
    """Another engine's session has died a minute ago."""
    session.exchange.trades_listed = [trade(n, NOW - timedelta(seconds=90 - n), "2") for n in range(90)]
    session.desk.clock.pass_by(3)
    assert session.samples._is_to_be_compared(SYMBOL)
    at_once(session.samples._compare(SYMBOL))
    rows = session.samples._volumes[SYMBOL].rows(session.desk.clock.now())
    known = {row.second: row.volume for row in rows if row.volume is not None}
    assert known[NOW.replace(microsecond=0) - timedelta(seconds=30)] == 2
