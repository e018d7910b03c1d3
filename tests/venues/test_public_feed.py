"""Public books and trades for recordings: the real ccxt classes on a paper exchange."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from execution.core.addresses import LIVE, ONLY_LOOPBACK, Network
from execution.core.market_model.recording import SECOND, Event, RecordedBook, RecordedTrade
from execution.core.types import Side
from execution.venues import public_feed
from execution.venues.protocol import VenueReadFailed
from execution.venues.public_feed import LEVELS, PublicFeed, levels_of, open_feed
from execution.venues.values import AnswerError
from tests.acceptance.dialects import DIALECTS
from tests.paper.running import SYMBOL, Paper, running

SYMBOLS = (SYMBOL, "ETH/USDT")


def now() -> int:
    return time.time_ns() // 1000


def feed_of(base: str, dialect: str = "binance", clock: Callable[[], int] = now) -> PublicFeed:
    options = DIALECTS[dialect].options(base)
    return open_feed(exchange_id=dialect, options=options, network=ONLY_LOOPBACK, now=clock)


@asynccontextmanager
async def opened(paper: Paper, dialect: str = "binance", **more: Any) -> AsyncIterator[PublicFeed]:
    feed = feed_of(paper.url, dialect, **more)
    try:
        await feed.open(SYMBOLS)
        yield feed
    finally:
        await feed.close()


async def heard(feed: PublicFeed, until: Callable[[list[Event]], bool], seconds: float = 20) -> list[Event]:
    """Return everything that comes until it is enough."""
    events: list[Event] = []
    async with asyncio.timeout(seconds), aclosing(feed.watch()) as batches:
        async for batch in batches:
            events += batch
            if until(events):
                break
    return events


def books_of(events: list[Event], symbol: str = SYMBOL) -> list[RecordedBook]:
    return [event for event in events if isinstance(event, RecordedBook) and event.symbol == symbol]


def trades_of(events: list[Event], symbol: str = SYMBOL) -> list[RecordedTrade]:
    return [event for event in events if isinstance(event, RecordedTrade) and event.symbol == symbol]


@pytest.fixture
async def living(tmp_path: Path) -> AsyncIterator[Paper]:
    """Yield a paper exchange on which others trade."""
    async with running(tmp_path / "paper", frozen=False) as paper:
        yield paper


@pytest.mark.parametrize("dialect", ["binance", "okx"])
async def test_books_and_trades_come_numbered_with_their_times_and_exact_digits(
    living: Paper, dialect: str
) -> None:
    async with opened(living, dialect) as feed:
        markets = await feed.open(SYMBOLS)
        events = await heard(
            feed,
            lambda seen: all(len(trades_of(seen, each)) > 3 < len(books_of(seen, each)) for each in SYMBOLS),
        )
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [event.received for event in events] == sorted(event.received for event in events)
    for symbol in SYMBOLS:
        market = markets[symbol]
        for book in books_of(events, symbol):
            assert book.bids is not None
            assert book.asks is not None
            assert len(book.bids) == len(book.asks) == LEVELS
            assert not book.is_crossed
            assert not any(price % market.tick or size % market.lot for price, size in book.bids + book.asks)
        books = [(book.bids, book.asks) for book in books_of(events, symbol)]
        assert all(before != after for before, after in pairwise(books))
        trades = trades_of(events, symbol)
        assert len({trade.trade_id for trade in trades}) == len(trades)
        for trade in trades:
            assert trade.side in (Side.BUY, Side.SELL)
            assert trade.exchange_time is not None
            assert abs(trade.received - trade.exchange_time) < 5 * SECOND


async def test_the_trades_are_all_that_the_exchange_printed(living: Paper) -> None:
    async with opened(living) as feed:
        events = await heard(feed, lambda seen: len(trades_of(seen)) > 20)
        _, printed = await living.get("/api/v3/trades?symbol=BTCUSDT&limit=1000")
    trades = {int(str(trade.trade_id)): trade for trade in trades_of(events)}
    expected = {each["id"]: each for each in printed if min(trades) <= each["id"] <= max(trades)}
    assert trades.keys() == expected.keys()
    for number, trade in trades.items():
        assert (trade.price, trade.quantity) == tuple(
            Decimal(expected[number][name]) for name in ("price", "qty")
        )
        assert (trade.side is Side.SELL) == expected[number]["isBuyerMaker"]


async def test_a_stream_that_is_lost_makes_the_books_unknown_until_they_are_there_again(
    living: Paper,
) -> None:
    async with opened(living) as feed:
        cut = False

        def enough(seen: list[Event]) -> bool:
            nonlocal cut
            known = all(books_of(seen, each) for each in SYMBOLS)
            if known and not cut:
                cut = True
                asyncio.get_running_loop().create_task(living.control("POST", "streams/cut"))
            lost = [book for book in books_of(seen) if not book.is_known]
            return bool(lost) and books_of(seen)[-1].is_known and books_of(seen, "ETH/USDT")[-1].is_known

        events = await heard(feed, enough)
    for symbol in SYMBOLS:
        [lost] = [book for book in books_of(events, symbol) if not book.is_known]
        assert lost.note.startswith("the stream was lost: ")
        assert (lost.bids, lost.asks) == (None, None)


async def test_a_crossed_book_is_an_unknown_one_and_is_said_once(living: Paper) -> None:
    async with opened(living) as feed:
        crossed = {"bids": [[101.0, 1.0]], "asks": [[100.0, 1.0]], "timestamp": None, "nonce": None}
        for _ in range(2):
            feed._book(SYMBOL, crossed)
        [event] = feed._take()
    assert isinstance(event, RecordedBook)
    assert not event.is_known
    assert event.note == "the bid 101.0 is not below the ask 100.0"


async def test_a_trade_that_is_told_again_or_is_old_is_left_out(living: Paper) -> None:
    moment = 1_772_452_800 * SECOND
    async with opened(living, clock=lambda: moment) as feed:
        feed._seen[SYMBOL] = deque(maxlen=10)
        record = feed._trade_recorder(SYMBOL)
        raw = {"symbol": SYMBOL, "id": "7", "side": "buy", "price": "100.1", "amount": "0.5"}
        for _ in range(2):
            record({**raw, "timestamp": moment // 1000})
        record({**raw, "id": "6", "timestamp": moment // 1000 - 11_000})
        record({**raw, "id": "8", "timestamp": None, "price": None})
        record({**raw, "id": None, "timestamp": moment // 1000, "side": None})
        events = trades_of(feed._take())
    assert [(event.trade_id, event.side) for event in events] == [("7", Side.BUY), (None, None)]


async def test_a_taker_that_is_too_slow_is_told_that_the_book_is_unknown(
    living: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_feed, "MAX_PENDING", 3)
    async with opened(living) as feed:

        async def slowly(seen: list[Event]) -> bool:
            await asyncio.sleep(0.5)
            return any(not book.is_known for book in books_of(seen))

        events: list[Event] = []
        async with asyncio.timeout(20), aclosing(feed.watch()) as batches:
            async for batch in batches:
                events += batch
                if await slowly(events):
                    break
    [note, *_] = [book.note for book in books_of(events) if not book.is_known]
    assert "3 events wait to be written" in note


async def test_a_symbol_that_is_not_listed_is_named(living: Paper) -> None:
    feed = feed_of(living.url)
    with pytest.raises(ValueError, match="binance does not list NOPE/USDT, X/Y"):
        await feed.open((SYMBOL, "NOPE/USDT", "X/Y"))
    await feed.close()


async def test_a_venue_that_does_not_answer_is_a_failed_read() -> None:
    feed = feed_of("http://127.0.0.1:9")
    with pytest.raises(VenueReadFailed, match="the markets cannot be read"):
        await feed.open(SYMBOLS)
    await feed.close()


@pytest.mark.parametrize(
    ("exchange", "options", "network", "reason"),
    [
        ("binance", {}, ONLY_LOOPBACK, "is refused in this paper installation"),
        ("okx", {"sandbox": True}, Network(LIVE), "sandbox"),
        ("binance", {"apiKey": "x"}, ONLY_LOOPBACK, "apiKey"),
        ("nowhere", {}, ONLY_LOOPBACK, "nowhere"),
    ],
)
def test_what_the_installation_may_not_reach_is_refused_before_anything_is_sent(
    exchange: str, options: dict[str, Any], network: Network, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        open_feed(exchange_id=exchange, options=options, network=network, now=now)


def test_levels_keep_the_digits_of_the_wire() -> None:
    assert levels_of([[64500.1, 0.1 + 0.2], [64500.0, 1e-8]]) == (
        (Decimal("64500.1"), Decimal("0.30000000000000004")),
        (Decimal("64500.0"), Decimal("1E-8")),
    )
    assert levels_of([]) == levels_of(None) == ()
    assert levels_of([[100.0, 1.0], [99.0, 0.0], [98.0, 1.0]]) == (
        (Decimal("100.0"), Decimal("1.0")),
        (Decimal("98.0"), Decimal("1.0")),
    )
    for level in ([0, 1], [1, -1], [None, 1], [1, "x"]):
        with pytest.raises(AnswerError):
            levels_of([level])
