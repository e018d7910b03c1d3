"""The coinbase dialect's websockets: what each channel tells, numbers, heartbeats and the end of quiet ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.paper.coinbase_client import Clock, place
from tests.paper.running import SYMBOL, Paper, eventually, running

D = Decimal
PRODUCT = "BTC-USDT"


class Socket:
    """A connection as it is on the wire, with all that came on it."""

    def __init__(self, wire: aiohttp.ClientWebSocketResponse, client: Any) -> None:
        self.messages: list[dict[str, Any]] = []
        self.task = asyncio.create_task(self._read())
        self._wire = wire
        self._client = client

    async def _read(self) -> None:
        await asyncio.sleep(0)
        async for message in self._wire:
            self.messages.append(message.json())

    async def say(self, channel: str, *products: str, act: str = "subscribe", **more: Any) -> None:
        token = self._client.create_auth_token(self._client.seconds())
        body = {"type": act, "channel": channel, "product_ids": list(products), "jwt": token, **more}
        await self._wire.send_json(body)

    def events(self, channel: str) -> list[dict[str, Any]]:
        return [event for each in self.messages if each.get("channel") == channel for event in each["events"]]

    def orders(self) -> list[dict[str, Any]]:
        return [order for event in self.events("user") for order in event["orders"]]

    def states(self, client_id: str) -> list[str]:
        return [each["status"] for each in self.orders() if each["client_order_id"] == client_id]

    @property
    def numbers(self) -> list[int]:
        return [each["sequence_num"] for each in self.messages]

    async def until(self, look: Callable[[], Any]) -> Any:
        async def seen() -> Any:
            return look()

        return await eventually(seen)


@asynccontextmanager
async def connected(paper: Paper, client: Any) -> AsyncIterator[Socket]:
    async with paper.session.ws_connect(f"{paper.url}/advanced-trade-ws") as wire:
        socket = Socket(wire, client)
        yield socket
        socket.task.cancel()


async def test_the_user_channel_begins_with_the_open_orders_in_batches_of_fifty(tmp_path: Path) -> None:
    async with running(tmp_path / "paper", weight_per_minute=600_000, orders_per_ten_seconds=1000) as paper:
        client = await paper.coinbase()
        bid, _ = await paper.quote()
        for number in range(60):
            await place(client, f"resting-{number}", bid - 100 - number, "0.001")
        async with connected(paper, client) as socket:
            await socket.say("user")
            await socket.until(lambda: len(socket.orders()) == 60)
            batches = socket.events("user")
            assert [(each["type"], len(each["orders"])) for each in batches] == [
                ("snapshot", 50),
                ("snapshot", 10),
            ]
            assert len({each["order_id"] for each in socket.orders()}) == 60
            assert socket.messages[0]["events"] == [{"subscriptions": {"user": ["user"]}}]


async def test_orders_are_told_with_cumulative_figures_and_without_trades(
    paper: Paper, coinbase_first: Any
) -> None:
    bid, ask = await paper.quote()
    inside = bid + D("0.01")
    async with connected(paper, coinbase_first) as socket:
        await socket.say("user")
        await socket.until(lambda: socket.events("user"))
        await place(coinbase_first, "maker", inside, "0.03")
        for quantity in ("0.01", "0.02"):
            await paper.taker("sell", quantity, str(inside))
        await socket.until(lambda: socket.states("maker")[-1:] == ["FILLED"])
        told = [each for each in socket.orders() if each["client_order_id"] == "maker"]
        assert [(each["status"], each["cumulative_quantity"], each["leaves_quantity"]) for each in told] == [
            ("PENDING", "0", "0.03"),
            ("OPEN", "0", "0.03"),
            ("OPEN", "0.01", "0.02"),
            ("FILLED", "0.03", "0"),
        ]
        assert D(told[-1]["total_fees"]) == 3 * D(told[-2]["total_fees"]) > 0
        assert {key for event in socket.events("user") for key in event} == {"type", "orders"}
        rests = await place(coinbase_first, "rests", bid - 100)
        await coinbase_first.cancel_order(rests["id"])
        await socket.until(lambda: socket.states("rests")[-1:] == ["CANCELLED"])
        assert socket.states("rests") == ["PENDING", "OPEN", "CANCEL_QUEUED", "CANCELLED"]
        await place(coinbase_first, "taker", ask, timeInForce="IOC")
        await socket.until(lambda: socket.states("taker") == ["PENDING", "OPEN", "FILLED"])


async def test_each_connection_numbers_its_messages_and_a_lost_one_leaves_its_number_out(
    paper: Paper, coinbase_first: Any
) -> None:
    bid, _ = await paper.quote()
    async with connected(paper, coinbase_first) as one, connected(paper, coinbase_first) as other:
        await one.say("user")
        await one.say("ticker", PRODUCT)
        await other.say("user", PRODUCT)
        await one.until(lambda: one.events("ticker") and one.events("user") and other.events("user"))
        assert (one.numbers, other.numbers) == (list(range(len(one.numbers))), [0, 1])
        await paper.fault("stream", "lost_events", key="first")
        await place(coinbase_first, "lost", bid - 100)
        await other.until(lambda: other.states("lost") == ["OPEN"])
        assert other.numbers == [0, 1, 3], "the message of PENDING is lost"
        await paper.fault("stream", "duplicate_events", key="first")
        await place(coinbase_first, "twice", bid - 100)
        await other.until(lambda: other.states("twice") == ["PENDING", "PENDING", "OPEN"])


@pytest.mark.parametrize(("with_heartbeats", "is_closed"), [(False, True), (True, False)])
async def test_a_quiet_connection_ends_after_a_minute_or_so_unless_it_has_heartbeats(
    tmp_path: Path, with_heartbeats: bool, is_closed: bool
) -> None:
    clock = Clock()
    async with running(tmp_path / "paper", clock=clock) as paper:
        client = await paper.coinbase()
        async with connected(paper, client) as socket:
            await socket.say("user")
            if with_heartbeats:
                await socket.say("heartbeats")
                await socket.until(lambda: len(socket.events("heartbeats")) > 1)
            await socket.until(lambda: socket.events("user"))
            clock.ahead = 59
            await asyncio.sleep(0.3)
            assert not socket.task.done()
            # Heartbeats come in the meantime, as they would within half a minute.
            before = len(socket.events("heartbeats"))
            if with_heartbeats:
                await socket.until(lambda: len(socket.events("heartbeats")) > before)
            clock.ahead = 92 if is_closed else 110
            if is_closed:
                await socket.until(socket.task.done)
            else:
                await socket.until(lambda: len(socket.events("heartbeats")) > before + 1)
                assert not socket.task.done()
                counters = [each["heartbeat_counter"] for each in socket.events("heartbeats")]
                assert counters == list(range(len(counters)))


async def test_a_subscription_with_a_wrong_token_or_to_what_there_is_not_is_refused(
    paper: Paper, coinbase_first: Any
) -> None:
    async with connected(paper, coinbase_first) as socket:
        await socket.say("user", jwt="nobody's")
        await socket.say("level2", "DOGE-USDT")
        await socket.say("level2")
        await socket.say("candles", PRODUCT)
        await socket.say("user", act="sing")
        await socket.until(lambda: len(socket.messages) == 5)
        assert {each["type"] for each in socket.messages} == {"error"}
        assert socket.messages[0]["message"] == "authentication failure"
        assert "DOGE-USDT" in socket.messages[1]["message"]
        await socket.say("user")
        await socket.until(lambda: socket.events("user"))


async def test_the_book_of_the_stream_is_the_book(paper: Paper, coinbase_first: Any) -> None:
    """Through ccxt: a snapshot and what changed since, and the ticker beside it."""
    bid, _ = await paper.quote()
    await coinbase_first.watch_order_book(SYMBOL)
    ticker = await coinbase_first.watch_ticker(SYMBOL)
    assert ticker["bid"] == float(bid)
    await place(coinbase_first, "inside", bid + D("0.01"), "0.5")
    await paper.taker("sell", "0.2", str(bid + D("0.01")))

    async def same() -> bool:
        told, asked = coinbase_first.orderbooks[SYMBOL], await coinbase_first.fetch_order_book(SYMBOL)
        await asyncio.sleep(0.2)  # ten calls a second
        return bool([*told["bids"]] == asked["bids"] and [*told["asks"]] == asked["asks"])

    await eventually(same)
    assert coinbase_first.orderbooks[SYMBOL]["bids"][0] == [float(bid + D("0.01")), 0.3]
    assert coinbase_first.tickers[SYMBOL]["bidVolume"] == 0.3


async def test_trades_come_together_each_quarter_of_a_second_with_the_makers_side(
    paper: Paper, coinbase_first: Any
) -> None:
    bid, ask = await paper.quote()
    await paper.taker("buy", "0.001", str(ask))
    async with connected(paper, coinbase_first) as socket:
        await socket.say("market_trades", PRODUCT, "ETH-USDT")
        await socket.until(lambda: len(socket.events("market_trades")) == 2)
        assert [each["trade_id"] for each in socket.events("market_trades")[0]["trades"]] == ["1"]
        begun = time.monotonic()
        while time.monotonic() - begun < 1:
            await paper.taker("sell", "0.0001", str(bid))
            await asyncio.sleep(0.02)

        def batches() -> list[list[dict[str, Any]]]:
            return [each["trades"] for each in socket.events("market_trades") if each["type"] == "update"]

        await socket.until(lambda: batches() and sum(map(len, batches())) >= 20)
        assert len(batches()) <= (time.monotonic() - begun) / 0.25 + 1
        assert {trade["side"] for batch in batches() for trade in batch} == {"BUY"}
        newest_first = [[int(trade["trade_id"]) for trade in batch] for batch in batches()]
        assert all(ids == sorted(ids, reverse=True) for ids in newest_first)
        told = sorted(number for ids in newest_first for number in ids)
        assert told == list(range(2, 2 + len(told)))


async def test_what_is_not_subscribed_to_any_more_is_not_told(paper: Paper, coinbase_first: Any) -> None:
    bid, _ = await paper.quote()
    async with connected(paper, coinbase_first) as socket:
        for channel in ("user", "level2"):
            await socket.say(channel, PRODUCT)
            await socket.say(channel, PRODUCT, act="unsubscribe")
        await socket.until(lambda: socket.events("subscriptions")[-1:] == [{"subscriptions": {}}])
        await socket.until(lambda: len(socket.events("subscriptions")) == 4)
        known = len(socket.messages)
        await place(coinbase_first, "unheard", bid - 100)
        await asyncio.sleep(0.3)
        assert len(socket.messages) == known


async def test_cut_and_silent_streams_lose_what_would_have_been_sent(
    paper: Paper, coinbase_first: Any
) -> None:
    bid, _ = await paper.quote()
    async with connected(paper, coinbase_first) as socket:
        await socket.say("user")
        await socket.until(lambda: socket.events("user"))
        await paper.control("POST", "streams/cut", silent_seconds=0.5)
        await place(coinbase_first, "unheard", bid - 100)
        await asyncio.sleep(0.6)
        await place(coinbase_first, "heard", bid - 100)
        await socket.until(lambda: socket.states("heard") == ["PENDING", "OPEN"])
        assert socket.states("unheard") == []
        await paper.control("POST", "streams/cut")
        await socket.until(socket.task.done)
