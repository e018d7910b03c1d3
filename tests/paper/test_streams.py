"""Websockets through the real ccxt.pro class."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import pytest

from tests.paper.running import SYMBOL, Binance, Paper, eventually, running


@asynccontextmanager
async def watching(watch: Callable[[], Awaitable[Any]]) -> AsyncIterator[list[Any]]:
    """Collect the results of a watch method, flattened."""
    seen: list[Any] = []

    async def collect() -> None:
        while True:
            news = await watch()
            # ccxt updates what it has handed out in place: keep it as it was.
            seen.extend(copy.deepcopy(news if isinstance(news, list) else [news]))

    task = asyncio.create_task(collect())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def subscribed(client: Binance) -> None:
    """Wait until the user's stream is up: an order sent earlier would be missed."""
    await client.ensure_user_data_stream_ws_subscribe_signature("spot")


async def test_watch_orders_shows_each_step_of_an_order(paper: Paper, first: Binance) -> None:
    await subscribed(first)
    bid, _ = await paper.quote()
    steps: list[tuple[str, str, float]] = []
    async with watching(lambda: first.watch_orders(SYMBOL)) as seen:
        await first.create_order(SYMBOL, "limit", "buy", 0.2, float(bid) + 0.01, {"clientOrderId": "one"})
        await eventually(lambda: found(seen, "open"))
        await paper.taker("sell", "0.05")
        await eventually(lambda: found(seen, "open", 0.05))
        await first.cancel_order(None, SYMBOL, {"clientOrderId": "one"})
        last = await eventually(lambda: found(seen, "canceled"))
        steps = [(order["clientOrderId"], order["status"], order["filled"]) for order in seen]
    assert steps == [("one", "open", 0.0), ("one", "open", 0.05), ("one", "canceled", 0.05)]
    # On a cancel Binance gives the cancel's own id in c and the order's in C.
    assert last["info"]["C"] == "one"
    assert last["info"]["c"] not in ("", "one")


async def found(orders: list[Any], status: str, filled: float | None = None) -> Any:
    matching = [each for each in orders if each["status"] == status and filled in (None, each["filled"])]
    return matching[-1] if matching else None


async def test_watch_my_trades_agrees_with_the_ledger(paper: Paper, first: Binance) -> None:
    await subscribed(first)
    async with watching(lambda: first.watch_my_trades(SYMBOL)) as seen:
        await first.create_order(SYMBOL, "market", "buy", 1.2)
        kept = (await paper.ledger())["trades"]
        await eventually(lambda: as_many(seen, len(kept)))
    assert len(kept) > 1
    assert [trade["id"] for trade in seen] == [str(trade["id"]) for trade in kept]
    assert {trade["takerOrMaker"] for trade in seen} == {"taker"}


async def as_many(seen: list[Any], count: int) -> bool:
    return len(seen) >= count


async def test_watch_balance_hears_of_every_change(paper: Paper, first: Binance) -> None:
    await subscribed(first)
    async with watching(first.watch_balance) as seen:
        await asyncio.sleep(0.1)
        await first.create_order(SYMBOL, "limit", "buy", 0.2, 60_000)
        await eventually(lambda: as_many(seen, 1))
    assert seen[-1]["USDT"]["used"] == 12_000


async def test_watch_order_book_stays_equal_to_the_snapshot(tmp_path: Path) -> None:
    async with running(tmp_path / "paper", frozen=False) as paper:
        client = await paper.client()
        async with watching(lambda: client.watch_order_book(SYMBOL)) as seen:
            await eventually(lambda: as_many(seen, 10))
            for name in ("BTC/USDT", "ETH/USDT", "SOL/USDT"):
                await paper.control("POST", "market", symbol=name, freeze=True)
            snapshot = await client.fetch_order_book(SYMBOL, 1000)
            await eventually(lambda: caught_up(client, snapshot["nonce"]))
            book = client.orderbooks[SYMBOL]
            for side in ("bids", "asks"):
                assert [tuple(level) for level in book[side]] == [tuple(level) for level in snapshot[side]]


async def caught_up(client: Binance, nonce: int) -> bool:
    return bool(client.orderbooks[SYMBOL]["nonce"] >= nonce)


async def test_market_streams_tell_quotes_trades_and_tickers(tmp_path: Path) -> None:
    async with running(tmp_path / "paper", frozen=False) as paper:
        client = await paper.client()
        async with (
            watching(lambda: client.watch_bids_asks([SYMBOL])) as quotes,
            watching(lambda: client.watch_trades(SYMBOL)) as trades,
            watching(lambda: client.watch_ticker(SYMBOL)) as tickers,
            watching(lambda: client.watch_trades(SYMBOL, params={"name": "aggTrade"})) as aggregates,
        ):
            for seen in (quotes, trades, tickers, aggregates):
                await eventually(partial(as_many, seen, 1))
        quote = quotes[-1][SYMBOL]
        assert quote["bid"] < quote["ask"]
        assert trades[-1]["amount"] > 0
        assert tickers[-1]["quoteVolume"] > 0


async def test_streams_that_are_cut_raise_and_come_back(paper: Paper, first: Binance) -> None:
    await subscribed(first)
    waiting = asyncio.create_task(first.watch_orders(SYMBOL))
    await asyncio.sleep(0.1)
    assert (await paper.control("POST", "streams/cut"))["cut"] >= 1
    with pytest.raises(ccxt.NetworkError):
        await waiting
    await subscribed(first)
    async with watching(lambda: first.watch_orders(SYMBOL)) as seen:
        await asyncio.sleep(0.1)
        await first.create_order(SYMBOL, "limit", "buy", 0.2, 60_000)
        await eventually(lambda: as_many(seen, 1))


async def test_silent_streams_stay_open_and_lose_what_happens(paper: Paper, first: Binance) -> None:
    await subscribed(first)
    async with watching(lambda: first.watch_orders(SYMBOL)) as seen:
        await asyncio.sleep(0.1)
        await paper.control("POST", "streams/cut", silent_seconds=60)
        await first.create_order(SYMBOL, "limit", "buy", 0.2, 60_000, {"clientOrderId": "lost"})
        await paper.control("POST", "streams/cut", silent_seconds=0)
        await first.create_order(SYMBOL, "limit", "buy", 0.2, 60_000, {"clientOrderId": "seen"})
        await eventually(lambda: as_many(seen, 1))
    assert [order["clientOrderId"] for order in seen] == ["seen"]


@pytest.mark.parametrize(("kind", "copies"), [("duplicate_events", 2), ("lost_events", 0)])
async def test_events_of_the_user_s_stream_can_be_doubled_or_lost(
    paper: Paper, first: Binance, kind: str, copies: int
) -> None:
    await subscribed(first)
    await paper.fault("stream", kind, count=1)
    async with watching(lambda: first.watch_orders(SYMBOL)) as seen:
        await asyncio.sleep(0.1)
        for name in ("first", "second"):
            await first.create_order(SYMBOL, "limit", "buy", 0.2, 60_000, {"clientOrderId": name})
        await eventually(lambda: found_client_id(seen, "second"))
    assert [order["clientOrderId"] for order in seen].count("first") == copies


async def found_client_id(orders: list[Any], client_id: str) -> bool:
    return any(order["clientOrderId"] == client_id for order in orders)


async def test_a_wrong_signature_gets_no_user_stream(paper: Paper) -> None:
    parameters = {"apiKey": "first", "timestamp": int(time.time() * 1000), "signature": "guessed"}
    request = {"id": "1", "method": "userDataStream.subscribe.signature", "params": parameters}
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{paper.url}/ws-api/v3") as socket:
        await socket.send_json(request)
        answer = await socket.receive_json(timeout=5)
    assert (answer["status"], answer["error"]["code"]) == (400, -1022)
