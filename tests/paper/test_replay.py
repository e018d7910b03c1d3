"""The paper exchange that plays a recording: the same market again, with our orders in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import ccxt
import pytest

from execution.core.market_model.recording import SECOND, Event, RecordedBook, RecordedTrade, book_at
from execution.core.problems import Refused
from execution.core.types import Side
from execution.paper.cli import main
from execution.paper.exchange import Exchange
from execution.paper.profiles import ALONE
from execution.paper.records import PublicTrade
from execution.paper.replay import open_replay
from execution.paper.store import Store
from execution.recordings.folder import Recording
from tests.paper.running import Paper, eventually, running
from tests.recordings.made import BEGAN, MARKET, SYMBOL, book, rules, trade, written

STEP = 0.1
SECONDS = 60
#: Where the replay's clock stands when it begins: not where the recording did.
NOW = 1_800_000_000.0


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[Store]]:
    opened: list[Store] = []
    yield opened
    for store in opened:
        store.close()


def exchange_at(path: Path, stores: list[Store], clock: Clock, **more: Any) -> Exchange:
    path.mkdir()
    stores.append(Store(path / "paper.sqlite3"))
    exchange = Exchange(
        stores[-1], more.pop("profile", ALONE), seed=7, clock=clock, history_minutes=90, **more
    )
    exchange.open_books()
    return exchange


def lived(exchange: Exchange, clock: Clock) -> list[Event]:
    """Return a minute of a generated market as a recorder sees it: each trade, and the book after each step."""
    market, number = exchange.symbols["BTCUSDT"], 0
    events: list[Event] = []
    trades: list[PublicTrade] = []
    exchange.listeners.append(lambda _news: trades.extend(market.fresh_trades))
    for _ in range(round(SECONDS / STEP)):
        clock.now += STEP
        trades.clear()
        exchange.advance()
        at = round((clock.now - BEGAN / SECOND) * SECOND) + BEGAN
        for each in trades:
            number += 1
            side = Side.SELL if each.buyer_is_maker else Side.BUY
            events.append(
                RecordedTrade(number, SYMBOL, at, str(each.id), side, each.price, each.quantity, at)
            )
        number += 1
        bids, asks = (tuple(market.book.levels(side, 20)) for side in Side)
        events.append(RecordedBook(number, SYMBOL, at, bids, asks))
    return events


def test_a_minute_that_is_replayed_has_the_same_trades_and_the_same_book_at_a_hundred_moments(
    tmp_path: Path, stores: list[Store]
) -> None:
    clock = Clock(BEGAN / SECOND)
    source = exchange_at(tmp_path / "source", stores, clock)
    events = lived(source, clock)
    market = source.symbols["BTCUSDT"].market
    folder = written(tmp_path / "recording", events, rules(market))

    clock = Clock(NOW)
    replay, profile = open_replay(folder, speed=1, seed=7, symbol=None, start=None, profile=ALONE)
    again = exchange_at(tmp_path / "replay", stores, clock, profile=profile, source=replay)
    played = again.symbols["BTCUSDT"]
    first, last = events[0].received, events[-1].received
    random = Random(17)
    moments = sorted(random.randrange(first, last) for _ in range(100))
    for moment in moments:
        while NOW + (moment - first) / SECOND > clock.now + 1:
            clock.now += 1
            again.advance()
        clock.now = NOW + (moment - first) / SECOND
        again.advance()
        expected = book_at(events, moment)
        assert expected is not None
        for side in Side:
            assert tuple(played.book.levels(side)) == expected.levels(side)
    clock.now += SECONDS
    for _ in range(SECONDS):
        again.advance()
        clock.now += 1
    recorded = [event for event in events if isinstance(event, RecordedTrade)]
    assert len(recorded) > 100
    replayed = list(played.trades)[-len(recorded) :]
    assert [(each.price, each.quantity, each.buyer_is_maker) for each in replayed] == [
        (each.price, each.quantity, each.side is Side.SELL) for each in recorded
    ]
    assert sum(bar.volume for bar in played.candles.folded(60, int(NOW), None, 10)) == sum(
        each.quantity for each in recorded
    )


# --- with orders, over the wire --------------------------------------------------------------------

PLAYED: list[Event] = [
    book(1, 0, [(99.9, 5), (99.8, 9)], [(100.1, 5), (100.2, 9)]),
    trade(2, 1, Side.SELL, 99.9, 2),
    book(3, 1.1, [(99.9, 3), (99.8, 9)], [(100.1, 5), (100.2, 9)]),
    trade(4, 2, Side.BUY, 100.1, 1),
    trade(5, 2, Side.SELL, 99.9, 4),
    book(6, 600, [(99.9, 3)], [(100.1, 5)]),
]


@asynccontextmanager
async def replaying(folder: Path, events: list[Event], **options: Any) -> AsyncIterator[Paper]:
    """Yield a paper exchange that stands at the recording's first moment, until it is released."""
    path = written(folder / "recording", events)
    speed = options.pop("speed", 1.0)
    source, profile = open_replay(path, speed=speed, seed=7, symbol=None, start=None, profile=ALONE)
    async with running(folder / "paper", source=source, profile=profile, **options) as paper:
        yield paper


async def let_go(paper: Paper) -> None:
    await paper.control("POST", "market", symbol=SYMBOL, freeze=False)


async def state(paper: Paper) -> Any:
    return (await paper.control("GET", "status"))["replay"]["symbols"][SYMBOL]


@pytest.mark.parametrize("dialect", ["binance", "okx"])
async def test_an_order_takes_from_the_recorded_book_and_rests_in_its_queue(
    tmp_path: Path, dialect: str
) -> None:
    async with replaying(tmp_path, PLAYED, speed=10.0) as paper:
        client: Any = await (paper.client() if dialect == "binance" else paper.okx())
        assert client.markets[SYMBOL]["precision"] == {**client.markets[SYMBOL]["precision"], "price": 0.1}
        taken = await client.create_order(SYMBOL, "limit", "buy", 6, 100.2)
        await client.create_order(SYMBOL, "limit", "buy", 2, 99.9, {"clientOrderId": "rests"})
        await let_go(paper)
        order = await eventually(lambda: filled(paper, "rests"))
        ledger = await paper.ledger()
    prices = [trade["price"] for trade in ledger["trades"] if str(trade["order_id"]) == taken["id"]]
    assert prices == ["100.1", "100.2"], "five at the touch, one behind it"
    assert order["executed"] == "1", "five stood before it, two and four were sold"
    [maker] = [trade for trade in ledger["trades"] if trade["client_id"] == "rests"]
    assert (maker["is_maker"], maker["fee"]) == (True, "0.00020000"), "the recorded fees"


async def filled(paper: Paper, client_id: str) -> Any:
    order = await paper.order(client_id)
    return order if order["executed"] != "0" else None


async def test_trades_of_others_are_printed_with_their_sides(tmp_path: Path) -> None:
    async with replaying(tmp_path, PLAYED, speed=20.0) as paper:
        client = await paper.client()
        await let_go(paper)
        trades = await eventually(lambda: three_trades(client))
        assert [(each["side"], each["price"], each["amount"]) for each in trades] == [
            ("sell", 99.9, 2.0),
            ("buy", 100.1, 1.0),
            ("sell", 99.9, 4.0),
        ]


async def three_trades(client: Any) -> Any:
    trades = await client.fetch_trades(SYMBOL)
    return trades if len(trades) == 3 else None


async def test_the_end_withdraws_the_others_refuses_orders_and_is_shown(tmp_path: Path) -> None:
    events: list[Event] = [*PLAYED[:-1], book(6, 2.5, [(99.9, 3)], [(100.1, 5)])]
    async with replaying(tmp_path, events, speed=10.0) as paper:
        client = await paper.client()
        await client.create_order(SYMBOL, "limit", "buy", 2, 99.8, {"clientOrderId": "rests"})
        assert (await state(paper))["state"] == "playing"
        await let_go(paper)
        await eventually(lambda: has_ended(paper))
        quote = await client.fetch_order_book(SYMBOL)
        assert (quote["bids"], quote["asks"]) == ([[99.8, 2.0]], []), "ours alone"
        with pytest.raises(ccxt.ExchangeError, match=r"Market is closed"):
            await client.create_order(SYMBOL, "limit", "buy", 2, 99.8)
        await client.cancel_order(None, SYMBOL, {"clientOrderId": "rests"})
        replay = (await paper.control("GET", "status"))["replay"]
    assert (replay["is_over"], replay["speed"], replay["venue"]) == (True, 10.0, "alpha")
    shown = replay["symbols"][SYMBOL]
    assert (shown["state"], shown["books"], shown["trades"]) == ("ended", 3, 3)


async def has_ended(paper: Paper) -> bool:
    return bool((await state(paper))["state"] == "ended")


async def test_an_unknown_book_is_an_empty_one_with_its_reason(tmp_path: Path) -> None:
    events: list[Event] = [
        PLAYED[0],
        book(2, 0.5, None, None, note="the stream was lost"),
        book(3, 60, [], []),
    ]
    async with replaying(tmp_path, events, speed=10.0) as paper:
        client = await paper.client()
        await let_go(paper)
        shown = await eventually(lambda: in_gap(paper))
        assert shown["note"] == "the stream was lost"
        found = await client.fetch_order_book(SYMBOL)
        assert (found["bids"], found["asks"]) == ([], [])


async def in_gap(paper: Paper) -> Any:
    shown = await state(paper)
    return shown if shown["state"] == "gap" else None


async def test_while_it_is_frozen_the_recording_waits(tmp_path: Path) -> None:
    async with replaying(tmp_path, PLAYED, speed=10.0) as paper:
        before = await state(paper)
        await asyncio.sleep(0.3)
        assert await state(paper) == before
        await let_go(paper)
        await eventually(lambda: has_moved(paper, before))


async def has_moved(paper: Paper, before: Any) -> bool:
    return bool(await state(paper) != before)


async def test_a_recorded_market_cannot_jump(tmp_path: Path) -> None:
    async with replaying(tmp_path, PLAYED) as paper:
        status, answer = await jump(paper)
    assert status == 400
    assert "cannot jump" in answer


async def jump(paper: Paper) -> tuple[int, str]:
    headers = {"X-Paper-Control": paper._token}
    body = {"symbol": SYMBOL, "mid": "120"}
    async with paper.session.post(f"{paper.url}/_paper/market", headers=headers, json=body) as answer:
        return answer.status, await answer.text()


async def test_made_up_markets_say_that_nothing_is_replayed(paper: Paper) -> None:
    assert (await paper.control("GET", "status"))["replay"] is None


# --- what cannot be played -------------------------------------------------------------------------


def test_what_cannot_be_played_is_refused_with_its_reason(tmp_path: Path) -> None:
    def replayed(path: Path, **more: Any) -> None:
        given = {"speed": 1.0, "seed": 7, "symbol": None, "start": None, "profile": ALONE, **more}
        open_replay(path, **given)

    folder = written(tmp_path / "recording", PLAYED)
    for speed in (0.0, 0.05, 101.0, -1.0):
        with pytest.raises(Refused, match=r"It must be 0.1 to 100"):
            replayed(folder, speed=speed)
    with pytest.raises(Refused, match="--symbol and --from are for candles"):
        replayed(folder, symbol=SYMBOL)
    with pytest.raises(Refused, match="is no recording"):
        replayed(tmp_path)
    with pytest.raises(Refused, match="--symbol BASE/QUOTE must"):
        replayed(tmp_path / "candles.csv")
    empty = written(tmp_path / "empty", [book(1, 0, None, None, note="never there")])
    with pytest.raises(Refused, match="neither a book with both sides nor a trade of BTC/USDT"):
        replayed(empty)
    fine = replace(MARKET, tick=Decimal("1e-9"))
    with pytest.raises(Refused, match=r"The tick of BTC/USDT is 0.000000001"):
        replayed(written(tmp_path / "fine", PLAYED, rules(fine)))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--speed", "2"], "--speed needs --replay"),
        (["--symbol", "BTC/USDT"], "--symbol needs --replay"),
        (["--from", "2023-03-17T12:00Z"], "--from needs --replay"),
        (["--from", "2023-03-17T12:00"], "has no time zone"),
        (["--from", "noon"], "is no time such as"),
        (["--replay", "nowhere", "--profile", "alpha"], "not allowed with argument"),
        (["--replay", "nowhere", "--symbol", "BTC/USDT"], "nowhere cannot be read"),
    ],
)
def test_the_command_line_refuses_what_does_not_belong_together(
    arguments: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--folder", str(tmp_path), "--port", "0", *arguments])
    assert stopped.value.code == 2
    assert reason in capsys.readouterr().err


async def test_the_recordings_book_is_what_the_recording_says_after_a_restart_too(tmp_path: Path) -> None:
    """It begins anew; an order that rests is there before the others are."""
    path = written(tmp_path / "recording", PLAYED)
    for attempt in range(2):
        source, profile = open_replay(path, speed=1, seed=7, symbol=None, start=None, profile=ALONE)
        async with running(tmp_path / "paper", source=source, profile=profile) as paper:
            client = await paper.client()
            if not attempt:
                await client.create_order(SYMBOL, "limit", "buy", 2, 99.9, {"clientOrderId": "rests"})
            found = await client.fetch_order_book(SYMBOL)
            assert (found["bids"][0], found["asks"][0]) == ([99.9, 7.0], [100.1, 5.0])
            assert (await state(paper))["position"] == "2026-03-02T12:00:00.000000+00:00"
    assert len(list(Recording(path).events(SYMBOL))) == len(PLAYED)
