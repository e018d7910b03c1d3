"""The streams, over real websockets: each update once, reconnection announced, a clean end."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from execution.core.market_data.feeds import MarketEvent
from execution.core.types import Liquidity, OrderReport, Side, StreamEvent, Trade, VenueStatus
from execution.venues.gateway import CcxtGateway, open_gateway
from execution.venues.streams import Bell, Watchers
from tests.patience import PATIENCE
from tests.venues.stub import SYMBOL, exchange_info, now, options_for


@dataclass
class Streams:
    """The two websocket addresses of the binance dialect, played by hand."""

    base: str = ""
    users: list[web.WebSocketResponse] = field(default_factory=list)
    takers: list[tuple[str, web.WebSocketResponse]] = field(default_factory=list)
    subscriptions: int = 0
    refuse: bool = False

    async def private(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            asked = json.loads(message.data)
            if self.refuse:
                await socket.send_json(
                    {"id": asked["id"], "status": 401, "error": {"code": -2015, "msg": "no"}}
                )
                continue
            self.subscriptions += 1
            await socket.send_json({"id": asked["id"], "status": 200, "result": {"subscriptionId": 0}})
            self.users.append(socket)
        return socket

    async def public(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                asked = json.loads(message.data)
                await socket.send_json({"result": None, "id": asked["id"]})
                self.takers += [(stream, socket) for stream in asked["params"]]
        return socket

    async def tell(self, event: dict[str, Any]) -> None:
        await self.users[-1].send_json({"subscriptionId": 0, "event": event})

    async def publish(self, *events: dict[str, Any]) -> None:
        for event in events:
            stream = "btcusdt@aggTrade" if event.get("e") == "aggTrade" else "btcusdt@bookTicker"
            for subscribed, socket in self.takers:
                if subscribed == stream and not socket.closed:
                    await socket.send_json(event)


@asynccontextmanager
async def serving() -> AsyncIterator[Streams]:
    streams = Streams()

    async def info(request: web.Request) -> web.Response:
        return web.json_response(exchange_info())

    async def server_time(request: web.Request) -> web.Response:
        return web.json_response({"serverTime": int(now().timestamp() * 1000)})

    app = web.Application()
    app.router.add_get("/api/v3/exchangeInfo", info)
    app.router.add_get("/api/v3/time", server_time)
    app.router.add_get("/ws-api/v3", streams.private)
    app.router.add_get("/stream/{rest:.*}", streams.public)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    streams.base = "http://{}:{}".format(*runner.addresses[0][:2])
    yield streams
    await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[Streams]:
    async with serving() as streams:
        yield streams


@pytest.fixture
async def gateway(server: Streams) -> AsyncIterator[CcxtGateway]:
    gateway = open_gateway(
        exchange_id="binance",
        options=options_for(server.base),
        api_key="the-api-key",
        secret="the-secret",
        clock=now,
    )
    await gateway.open()
    yield gateway
    await gateway.close()


def execution(**changes: Any) -> dict[str, Any]:
    report = {
        "e": "executionReport", "E": 1700000000000, "s": "BTCUSDT", "c": "qtestparent010001", "S": "BUY",
        "o": "LIMIT", "f": "GTC", "q": "0.01000000", "p": "49000.00000000", "C": "", "x": "NEW", "X": "NEW",
        "i": 28, "l": "0.00000000", "z": "0.00000000", "L": "0.00000000", "n": "0", "N": None,
        "T": 1700000000000, "t": -1, "w": True, "m": False, "O": 1700000000000, "Z": "0.00000000",
    }  # fmt: skip
    return report | changes


def fill(trade_id: int, quantity: str, filled: str, **changes: Any) -> dict[str, Any]:
    return execution(
        **(
            {
                "x": "TRADE", "X": "PARTIALLY_FILLED", "l": quantity, "z": filled, "L": "49000.00000000",
                "n": "0.00000001", "N": "BNB", "t": trade_id, "m": True,
            }
            | changes
        )
    )  # fmt: skip


class Reader:
    """Collects a stream in the background."""

    def __init__(self, stream: Any) -> None:
        self.events: list[Any] = []
        self.task = asyncio.create_task(self._run(stream))

    async def _run(self, stream: Any) -> None:
        async with aclosing(stream) as events:
            async for event in events:
                self.events.append(event)

    async def until(self, condition: Any, seconds: float = 10) -> None:
        async with asyncio.timeout(seconds * PATIENCE):
            while not condition(self):  # noqa: ASYNC110  # conditions of many kinds
                await asyncio.sleep(0.01)

    @property
    def resumed(self) -> int:
        return sum(event.resumed for event in self.events if isinstance(event, StreamEvent))

    @property
    def reports(self) -> list[OrderReport]:
        return [report for event in self.events for report in event.reports]

    @property
    def trades(self) -> list[Trade]:
        return [trade for event in self.events for trade in event.trades]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.fixture
async def account(gateway: CcxtGateway) -> AsyncIterator[Reader]:
    reader = Reader(gateway.watch_account([SYMBOL]))
    await reader.until(lambda r: r.resumed == 1)
    yield reader
    await reader.stop()


async def test_each_update_comes_once_and_as_it_was(server: Streams, account: Reader) -> None:
    await server.tell(execution())
    for number in range(1, 51):
        await server.tell(fill(number, "0.0001", f"{number * 0.0001:.4f}"))
    await account.until(lambda r: len(r.trades) == 50)
    assert [report.filled for report in account.reports] == [
        Decimal(f"{number * 0.0001:.4f}") for number in range(51)
    ]
    assert [trade.trade_id for trade in account.trades] == [str(number) for number in range(1, 51)]
    trade = account.trades[0]
    assert (trade.price, trade.quantity, trade.fee, trade.fee_currency, trade.liquidity) == (
        Decimal(49000), Decimal("0.0001"), Decimal("0.00000001"), "BNB", Liquidity.MAKER,
    )  # fmt: skip
    assert (trade.exchange_id, trade.client_id) == ("28", "qtestparent010001")


async def test_a_cancel_is_told_with_our_own_id(server: Streams, account: Reader) -> None:
    await server.tell(execution(x="CANCELED", X="CANCELED", c="the-cancels-own", C="qtestparent010001"))
    await account.until(lambda r: r.reports)
    assert account.reports[0].client_id == "qtestparent010001"
    assert account.reports[0].status is VenueStatus.CANCELLED


async def test_updates_in_a_burst_before_the_reader_wakes_are_all_kept(
    server: Streams, account: Reader
) -> None:
    await asyncio.gather(*(server.tell(execution(i=number, c=f"order{number}")) for number in range(300)))
    await account.until(lambda r: len(r.reports) == 300)
    assert {report.exchange_id for report in account.reports} == {str(number) for number in range(300)}


async def test_a_cut_is_followed_by_a_new_subscription_and_said(server: Streams, account: Reader) -> None:
    for cut in range(1, 4):
        await server.users[-1].close()
        await account.until(lambda r, cut=cut: r.resumed == cut + 1)
        await server.tell(execution(i=cut))
        await account.until(lambda r, cut=cut: len(r.reports) == cut)
    assert server.subscriptions == 4


async def test_a_suspect_stream_begins_anew_and_says_so(
    server: Streams, account: Reader, gateway: CcxtGateway
) -> None:
    gateway.reconnect_account("it did not tell of a fill")
    await account.until(lambda r: r.resumed == 2)
    assert [event.lost for event in account.events] == [False, True, False]
    assert server.subscriptions == 2
    assert server.users[0].closed
    await server.tell(execution())
    await account.until(lambda r: r.reports)
    assert server.subscriptions == 2, "once for each suspicion"


async def test_an_aborted_connection_is_a_cut_too(server: Streams, account: Reader) -> None:
    transport = server.users[-1]._req.transport  # type: ignore[union-attr]
    assert transport is not None
    transport.abort()
    await account.until(lambda r: r.resumed == 2)


async def test_the_exchange_ending_the_user_stream_is_a_cut(server: Streams, account: Reader) -> None:
    await server.tell({"e": "eventStreamTerminated", "E": 1})
    await account.until(lambda r: r.resumed == 2)


async def test_a_message_that_breaks_the_reading_is_a_cut_and_not_silence(
    server: Streams, account: Reader
) -> None:
    await server.users[-1].send_str('{"half": ')
    await account.until(lambda r: r.resumed == 2)
    await server.tell(execution())
    await account.until(lambda r: r.reports)


async def test_a_report_that_cannot_be_read_asks_for_a_read(server: Streams, account: Reader) -> None:
    await server.tell(fill(1, "0", "0.004"))
    await account.until(lambda r: r.resumed == 2)
    assert server.subscriptions == 1


async def test_a_refused_subscription_is_tried_again(
    server: Streams, gateway: CcxtGateway, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuse = True
    reader = Reader(gateway.watch_account([SYMBOL]))
    await asyncio.sleep(0.8)
    assert set(reader.events) <= {StreamEvent(lost=True)}
    server.refuse = False
    await reader.until(lambda r: r.resumed == 1)
    await reader.stop()
    assert "account stream of binance ended" in caplog.text
    assert "the-secret" not in caplog.text
    assert "the-api-key" not in caplog.text


async def test_closing_the_gateway_ends_its_streams(gateway: CcxtGateway, account: Reader) -> None:
    await gateway.close()
    await asyncio.wait_for(account.task, 2)


async def test_a_second_reader_after_the_first_gets_everything_again(
    server: Streams, gateway: CcxtGateway, account: Reader
) -> None:
    await account.stop()
    again = Reader(gateway.watch_account([SYMBOL]))
    await again.until(lambda r: r.resumed == 1)
    await server.tell(execution())
    await again.until(lambda r: r.reports)
    await again.stop()


def book(bid: str, ask: str) -> dict[str, Any]:
    return {"u": 1, "s": "BTCUSDT", "b": bid, "B": "2.5", "a": ask, "A": "3.5"}


def trade(number: int) -> dict[str, Any]:
    return {
        "e": "aggTrade", "E": 1700000000000, "s": "BTCUSDT", "a": number, "p": "49000.1", "q": "0.0001",
        "f": number, "l": number, "T": 1700000000000, "m": True, "M": True,
    }  # fmt: skip


def prints(reader: Reader) -> int:
    return len(reader.trades)


async def test_quotes_and_public_trades_come_coalesced_and_complete(
    server: Streams, gateway: CcxtGateway
) -> None:
    reader = Reader(gateway.watch_market([SYMBOL]).events())
    await reader.until(lambda _: len(server.takers) >= 2)
    await server.publish(*(trade(number) for number in range(200)), book("48999.9", "49000.1"))
    await reader.until(lambda r: prints(r) == 200 and any(event.quote for event in r.events))
    event: MarketEvent = [event for event in reader.events if event.quote][-1]
    assert event.symbol == SYMBOL
    assert event.quote is not None
    assert (event.quote.bid, event.quote.ask) == (Decimal("48999.9"), Decimal("49000.1"))
    assert (event.quote.bid_size, event.quote.ask_size) == (Decimal("2.5"), Decimal("3.5"))
    assert reader.trades[0].quantity == Decimal("0.0001")
    assert [made.trade_id for made in reader.trades] == [str(number) for number in range(200)]
    assert {made.side for made in reader.trades} == {Side.SELL}, "the buyer was the maker"
    await reader.stop()


async def test_the_market_stream_comes_back_after_a_cut(server: Streams, gateway: CcxtGateway) -> None:
    reader = Reader(gateway.watch_market([SYMBOL]).events())
    await reader.until(lambda _: len(server.takers) >= 2)
    before = len(server.takers)
    for socket in {id(socket): socket for _, socket in server.takers}.values():
        await socket.close()
    await reader.until(lambda _: len(server.takers) >= before + 2)
    await server.publish(book("48999.9", "49000.1"), trade(1))
    await reader.until(lambda r: prints(r) == 1 and any(event.quote for event in r.events))
    await reader.stop()


def test_nothing_is_left_behind(caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder) -> None:
    """Streams cut, refused and cancelled: no task destroyed, no exception unretrieved, no socket open."""

    async def run() -> None:
        async with serving() as streams:
            gateway = open_gateway(
                exchange_id="binance", options=options_for(streams.base), api_key="k", secret="s", clock=now
            )
            await gateway.open()
            account, market = (
                Reader(gateway.watch_account([SYMBOL])),
                Reader(gateway.watch_market([SYMBOL]).events()),
            )
            await account.until(lambda r: r.resumed == 1)
            streams.refuse = True
            await streams.users[-1].close()
            await asyncio.sleep(0.8)
            await market.stop()
            await gateway.close()
            await asyncio.wait_for(account.task, 2)

    gc.collect()  # what tests before this one left is theirs
    recwarn.clear()
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
        gc.collect()
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert not [str(warning.message) for warning in recwarn if "unclosed" in str(warning.message).lower()]


@pytest.mark.parametrize("by", ["end", "run", "bell"])
async def test_a_cancel_in_the_moment_in_which_a_wait_ends_is_not_lost(by: str) -> None:
    """An engine that stops cancels its sessions. One that went on kept the engine from ever ending."""
    over, bell = asyncio.Event(), Bell()

    class Socket:
        async def close(self) -> None:
            await over.wait()

    client = SimpleNamespace(clients={"wss://exchange": Socket()})
    watchers = Watchers(client, bell)
    watchers._sockets.add("wss://exchange")
    waits: dict[str, Callable[[], Awaitable[None]]] = {
        "end": watchers.end,
        "run": lambda: watchers.run(over.wait, 60),
        "bell": lambda: bell.wait(60),
    }

    async def session() -> None:
        await waits[by]()
        await asyncio.sleep(60)

    task = asyncio.create_task(session())
    await asyncio.sleep(0.01)
    over.set()
    bell.ring()
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=5)
    task.cancel()
    assert done
    assert task.cancelled()
