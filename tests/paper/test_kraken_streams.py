"""Kraken's websockets v2: executions with their numbers, books with their checksums, quotes and trades."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from execution.paper.kraken.encoding import checksum, encode
from tests.paper.running import SYMBOL, Paper, eventually, running
from tests.paper.test_kraken import place
from tests.patience import PATIENCE, slowness

D = Decimal


class Socket:
    """A websocket as a client has it, with every number as it was written."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.seen: list[Any] = []

    async def ask(self, method: str, number: int = 1, **parameters: Any) -> Any:
        """Send a request and return its answer; what comes before it is kept."""
        await self._socket.send_json({"method": method, "params": parameters, "req_id": number})
        return await self.until(lambda message: message.get("req_id") == number)

    async def next(self) -> Any:
        message = json.loads(await self._socket.receive_str(timeout=5 * PATIENCE), parse_float=Decimal)
        self.seen.append(message)
        return message

    async def until(self, fits: Any) -> Any:
        while not fits(message := await self.next()):
            pass
        return message

    async def of(self, channel: str) -> Any:
        return await self.until(lambda message: message.get("channel") == channel)

    async def executions(self, count: int) -> list[Any]:
        """Return the next entries of the private channel, each with its number."""
        found: list[Any] = []
        while len(found) < count:
            message = await self.of("executions")
            found += [{**each, "sequence": message["sequence"]} for each in message["data"]]
        return found


@asynccontextmanager
async def connected(paper: Paper, side: str) -> AsyncIterator[Socket]:
    address = paper.url.replace("http", "ws") + f"/kraken/{side}/v2"
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
        yield Socket(socket)


async def token(client: Any) -> str:
    return str((await client.private_post_getwebsocketstoken())["result"]["token"])


# --- executions -----------------------------------------------------------------------------------


async def test_only_the_first_message_of_an_order_holds_all_of_it(paper: Paper, kraken_first: Any) -> None:
    """As recordings of 2024 to 2026 show. Numbers go on from the snapshot's."""
    bid, _ = await paper.quote()
    async with connected(paper, "private") as socket:
        confirmed = await socket.ask("subscribe", channel="executions", token=await token(kraken_first))
        assert confirmed["result"] == {
            "channel": "executions", "maxratecount": 180, "snap_orders": True, "snap_trades": False,
        }  # fmt: skip
        snapshot = await socket.of("executions")
        assert (snapshot["type"], snapshot["data"], snapshot["sequence"]) == ("snapshot", [], 1)
        made = await place(kraken_first, "resting", str(bid - 100))
        await kraken_first.cancel_order(made["id"])
        pending, new, ended = await socket.executions(3)
    assert [each["exec_type"] for each in (pending, new, ended)] == ["pending_new", "new", "canceled"]
    assert [each["sequence"] for each in (pending, new, ended)] == [2, 3, 4]
    assert {(each["order_id"], each["cl_ord_id"]) for each in (pending, new, ended)} == {
        (made["id"], "resting")
    }
    assert (pending["symbol"], pending["order_qty"], pending["limit_price"]) == (SYMBOL, D("0.01"), bid - 100)
    assert not {"symbol", "order_qty", "limit_price"} & (set(new) | set(ended))
    assert (ended["cum_qty"], ended["reason"]) == (0, "User requested")


async def test_a_fill_is_told_with_its_fees_and_the_end_of_its_order_after_it(
    paper: Paper, kraken_first: Any
) -> None:
    bid, _ = await paper.quote()
    async with connected(paper, "private") as socket:
        await socket.ask("subscribe", channel="executions", token=await token(kraken_first))
        await place(kraken_first, "maker", str(bid + D("0.01")), "0.03", postOnly=True)
        for quantity in ("0.01", "0.02"):
            await paper.taker("sell", quantity, str(bid + D("0.01")))
        *_, first, second, ended = await socket.executions(5)
    assert [(each["exec_type"], each["order_status"]) for each in (first, second, ended)] == [
        ("trade", "partially_filled"), ("trade", "filled"), ("filled", "filled"),
    ]  # fmt: skip
    assert (first["last_qty"], first["last_price"], first["liquidity_ind"]) == (
        D("0.01"),
        bid + D("0.01"),
        "m",
    )
    assert first["fees"] == [{"asset": "USDT", "qty": first["cost"] * D("0.001")}]
    listed = await kraken_first.fetch_my_trades()
    assert [first["exec_id"], second["exec_id"]] == [trade["id"] for trade in listed]
    assert (ended["cum_qty"], ended["avg_price"]) == (D("0.03"), bid + D("0.01"))


async def test_a_snapshot_holds_open_orders_and_the_last_fills_if_they_are_wanted(
    paper: Paper, kraken_first: Any
) -> None:
    bid, ask = await paper.quote()
    await place(kraken_first, "resting", str(bid - 100))
    await place(kraken_first, "filled", str(ask))
    for asked, expected in (
        ({}, ["new"]),
        ({"snap_orders": False}, []),
        ({"snap_trades": True}, ["new", "trade"]),
        ({"snap_orders": False, "snap_trades": True}, ["trade"]),
    ):
        async with connected(paper, "private") as socket:
            await socket.ask("subscribe", channel="executions", token=await token(kraken_first), **asked)
            snapshot = await socket.of("executions")
            assert [each["exec_type"] for each in snapshot["data"]] == expected
            assert {each["symbol"] for each in snapshot["data"]} <= {SYMBOL}


async def test_a_token_is_good_for_fifteen_minutes_and_for_its_account(tmp_path: Path) -> None:
    ahead = {"seconds": 0.0}
    async with running(tmp_path, clock=lambda: time.time() + ahead["seconds"]) as paper:
        client = await paper.kraken()
        async with connected(paper, "private") as socket:
            good = await token(client)
            refused = await socket.ask("subscribe", channel="executions", token="another")
            assert (refused["success"], refused["error"]) == (False, "ESession:Invalid session")
            ahead["seconds"] = 901
            refused = await socket.ask("subscribe", 2, channel="executions", token=good)
            assert not refused["success"]
            await socket.ask("subscribe", 3, channel="executions", token=await token(client))
            second = await paper.kraken("second")
            await place(second, "others", "60000")
            await place(client, "mine", "60000")
            (pending,) = await socket.executions(1)
            assert pending["cl_ord_id"] == "mine"


async def test_a_lost_message_leaves_a_gap_in_the_numbers_and_a_second_copy_none(
    paper: Paper, kraken_first: Any
) -> None:
    async with connected(paper, "private") as socket:
        await socket.ask("subscribe", channel="executions", token=await token(kraken_first))
        await socket.of("executions")
        await paper.fault("stream", "lost_events")
        await place(kraken_first, "one", "60000")
        await paper.fault("stream", "duplicate_events")
        await place(kraken_first, "two", "60000")
        told = await socket.executions(4)
    assert [(each["sequence"], each["exec_type"]) for each in told] == [
        (3, "new"), (4, "pending_new"), (4, "pending_new"), (5, "new"),
    ]  # fmt: skip


async def test_ccxt_sees_orders_and_fills_and_connects_again_after_a_cut(
    paper: Paper, kraken_first: Any
) -> None:
    _, ask = await paper.quote()
    watching = asyncio.create_task(kraken_first.watch_my_trades())
    await asyncio.sleep(0.3)
    await place(kraken_first, "taker", str(ask))
    (trade,) = await asyncio.wait_for(watching, 5)
    assert (trade["price"], trade["amount"], trade["fee"]["currency"]) == (float(ask), 0.01, "USDT")
    await paper.control("POST", "streams/cut")
    await asyncio.sleep(0.3)
    await place(kraken_first, "resting", "60000")
    orders = await asyncio.wait_for(kraken_first.watch_orders(), 10)
    told = {(order["symbol"], order["status"], order["price"], order["amount"]) for order in orders}
    assert (SYMBOL, "open", 60000.0, 0.01) in told


# --- public channels ------------------------------------------------------------------------------


def kept(levels: dict[Decimal, Decimal], changes: Any, depth: int, *, is_bid: bool) -> dict[Decimal, Decimal]:
    """Return a side of a book as a client keeps it: changes applied, the best levels first, cut to the depth."""
    after = levels | {each["price"]: each["qty"] for each in changes}
    best = sorted((at for at, size in after.items() if size), reverse=is_bid)[:depth]
    return {at: after[at] for at in best}


@pytest.mark.parametrize("depth", [10, 25])
async def test_a_book_that_is_kept_from_its_messages_has_every_checksum_and_is_the_book(
    tmp_path: Path, depth: int
) -> None:
    async with running(tmp_path, frozen=False) as paper, connected(paper, "public") as socket:
        await socket.ask("subscribe", channel="book", symbol=[SYMBOL], depth=depth)
        asks: dict[Decimal, Decimal] = {}
        bids: dict[Decimal, Decimal] = {}
        for number in range(25):
            message = await socket.of("book")
            assert message["type"] == ("update" if number else "snapshot")
            (told,) = message["data"]
            asks = kept(asks, told["asks"], depth, is_bid=False)
            bids = kept(bids, told["bids"], depth, is_bid=True)
            assert told["checksum"] == checksum(asks.items(), bids.items())
        assert len(asks) == len(bids) == depth
        assert max(bids) < min(asks)


def test_a_checksum_is_that_of_krakens_guide() -> None:
    """The example of the guide spot-ws-book-v2 for its first levels: points and leading zeros go."""
    assert checksum([(D("45285.2"), D("0.00100000"))], []) == checksum([(D("452852"), D("100000"))], [])
    written = encode({"price": D("0.50"), "qty": D("0.00010000"), "none": None, "names": ["a"], "ok": True})
    assert written == '{"price":0.50,"qty":0.00010000,"none":null,"names":["a"],"ok":true}'


async def test_a_second_subscriber_stands_at_the_same_book(tmp_path: Path) -> None:
    async with (
        running(tmp_path, frozen=False) as paper,
        connected(paper, "public") as early,
        connected(paper, "public") as late,
    ):
        await early.ask("subscribe", channel="book", symbol=[SYMBOL])
        await asyncio.sleep(0.35)
        await late.ask("subscribe", channel="book", symbol=[SYMBOL])
        snapshot = (await late.of("book"))["data"][0]
        asks = kept({}, snapshot["asks"], 10, is_bid=False)
        bids = kept({}, snapshot["bids"], 10, is_bid=True)
        for _ in range(10):
            told = (await late.of("book"))["data"][0]
            asks = kept(asks, told["asks"], 10, is_bid=False)
            bids = kept(bids, told["bids"], 10, is_bid=True)
            assert told["checksum"] == checksum(asks.items(), bids.items())


async def test_ccxt_keeps_the_book_that_rest_shows(paper: Paper, kraken_first: Any) -> None:
    bid, _ = await paper.quote()
    await kraken_first.watch_order_book(SYMBOL, 100)
    await place(kraken_first, "inside", str(bid + D("0.01")), "0.5")
    await paper.taker("sell", "0.2", str(bid + D("0.01")))

    async def same() -> bool:
        told, asked = kraken_first.orderbooks[SYMBOL], await kraken_first.fetch_order_book(SYMBOL, 100)
        return all(
            [level[:2] for level in told[side]] == [level[:2] for level in asked[side]]
            for side in ("bids", "asks")
        )

    await eventually(same)
    best = (await kraken_first.watch_bids_asks([SYMBOL]))[SYMBOL]
    assert (best["bid"], best["bidVolume"]) == (float(bid + D("0.01")), 0.3)


async def test_quotes_come_with_each_best_price_or_with_trades(paper: Paper, kraken_first: Any) -> None:
    bid, _ = await paper.quote()
    async with connected(paper, "public") as socket:
        answer = await socket.ask("subscribe", channel="ticker", symbol=[SYMBOL], event_trigger="bbo")
        assert answer["result"]["event_trigger"] == "bbo"
        assert (await socket.of("ticker"))["type"] == "snapshot"
        assert (await socket.next())["channel"] == "heartbeat", "nothing has changed since the snapshot"
        await place(kraken_first, "inside", str(bid + D("0.01")), "0.5")
        (quote,) = (await socket.of("ticker"))["data"]
        assert (quote["bid"], quote["bid_qty"]) == (bid + D("0.01"), D("0.5"))
    async with connected(paper, "public") as socket:
        await socket.ask("subscribe", channel="ticker", symbol=[SYMBOL], snapshot=False)
        await place(kraken_first, "more", str(bid + D("0.01")), "0.5")
        await paper.taker("sell", "0.2", str(bid + D("0.01")))
        (quote,) = (await socket.of("ticker"))["data"]
        assert (quote["bid_qty"], quote["last"]) == (D("0.8"), bid + D("0.01"))


async def test_trades_follow_each_other_by_their_numbers(paper: Paper, kraken_first: Any) -> None:
    bid, ask = await paper.quote()
    async with connected(paper, "public") as socket:
        await socket.ask("subscribe", channel="trade", symbol=[SYMBOL])
        await place(kraken_first, "buying", str(ask))
        await place(kraken_first, "selling", str(bid), side="sell")
        told = [(await socket.of("trade"))["data"][0] for _ in range(2)]
        assert [(each["side"], each["price"]) for each in told] == [("buy", ask), ("sell", bid)]
        assert told[1]["trade_id"] == told[0]["trade_id"] + 1
    async with connected(paper, "public") as socket:
        await socket.ask("subscribe", channel="trade", symbol=[SYMBOL], snapshot=True)
        assert [each["trade_id"] for each in (await socket.of("trade"))["data"]] == [
            each["trade_id"] for each in told
        ]


async def test_a_quiet_subscriber_gets_a_heartbeat_each_second_and_pings_are_answered(paper: Paper) -> None:
    async with connected(paper, "public") as socket:
        assert (await socket.next())["data"][0]["system"] == "online"
        assert (await socket.ask("ping", 7))["method"] == "pong"
        await socket.ask("subscribe", channel="trade", symbol=[SYMBOL])
        begun = time.monotonic()
        for _ in range(2):
            assert await socket.next() == {"channel": "heartbeat"}
        assert 1.5 < time.monotonic() - begun < 4 * slowness()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"channel": "level3", "symbol": [SYMBOL]}, "Subscription name invalid"),
        ({"channel": "trade", "symbol": SYMBOL}, "Pair field must be an array"),
        ({"channel": "trade", "symbol": ["NO/SUCH"]}, "Currency pair not supported NO/SUCH"),
        ({"channel": "book", "symbol": [SYMBOL], "depth": 20}, "Subscription depth not supported"),
    ],
)
async def test_what_cannot_be_subscribed_to_is_refused(
    paper: Paper, parameters: dict[str, Any], words: str
) -> None:
    async with connected(paper, "public") as socket:
        answer = await socket.ask("subscribe", **parameters)
        assert (answer["success"], answer["error"]) == (False, words)


async def test_a_channel_that_is_left_says_nothing_more(paper: Paper, kraken_first: Any) -> None:
    _, ask = await paper.quote()
    async with connected(paper, "public") as socket:
        await socket.ask("subscribe", channel="trade", symbol=[SYMBOL])
        await socket.ask("unsubscribe", 2, channel="trade", symbol=[SYMBOL])
        await place(kraken_first, "buying", str(ask))
        await socket.ask("ping", 3)
        assert not [message for message in socket.seen if message.get("channel") == "trade"]
