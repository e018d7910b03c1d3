"""Market streams through the unmodified classes of ccxt: the trouble of one symbol is no other symbol's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from execution.core.market_data.feeds import Feed, FeedState, MarketEvent
from execution.venues import market_streams
from execution.venues.market_gateway import CcxtMarketGateway, open_market_gateway
from tests.venues.stub import EXCHANGES, exchange_info, now, options_for, options_of
from tests.venues.test_streams import Reader

BTC, ETH = "BTC/USDT", "ETH/USDT"


@dataclass
class PublicExchange:
    """The public side of an exchange, played by hand; ``react`` answers what is sent to its websockets."""

    answers: dict[str, Any]
    react: Callable[[web.WebSocketResponse, dict[str, Any]], Awaitable[None]]
    base: str = ""
    asked: list[str] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    subscribed: list[tuple[str, web.WebSocketResponse]] = field(default_factory=list)

    async def rest(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        self.asked.append(f"{request.path}?{request.query_string}")
        if request.path.endswith("/time"):
            moment = int(now().timestamp() * 1000)
            return web.json_response({"serverTime": moment, "code": "0", "data": [{"ts": str(moment)}]})
        answer = self.answers[request.path]
        return web.json_response(answer(request) if callable(answer) else answer)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.data != "ping":
                self.sent.append(asked := json.loads(message.data))
                self.subscribed.append((message.data, socket))
                await self.react(socket, asked)
        return socket

    async def publish(self, channel: str, *events: dict[str, Any]) -> None:
        """Send to the sockets that have subscribed to the channel."""
        for socket in {id(socket): socket for text, socket in self.subscribed if channel in text}.values():
            for event in events:
                if not socket.closed:
                    await socket.send_json(event)


@asynccontextmanager
async def serving(exchange: PublicExchange) -> AsyncIterator[PublicExchange]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", exchange.rest)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    exchange.base = "http://{}:{}".format(*runner.addresses[0][:2])
    try:
        yield exchange
    finally:
        await runner.cleanup()


@asynccontextmanager
async def watching(
    exchange_id: str, options: dict[str, Any], symbols: list[str]
) -> AsyncIterator[tuple[CcxtMarketGateway, Reader, Any]]:
    gateway = open_market_gateway(exchange_id=exchange_id, options=options, clock=now)
    await gateway.open()
    stream = gateway.watch_market(symbols)
    reader = Reader(stream.events())
    try:
        yield gateway, reader, stream
    finally:
        await reader.stop()
        await gateway.close()


def quoted(reader: Reader, symbol: str) -> list[MarketEvent]:
    return [event for event in reader.events if event.symbol == symbol and event.quote is not None]


def states(reader: Reader, symbol: str, feed: Feed) -> list[FeedState]:
    return [
        c.state for event in reader.events if event.symbol == symbol for c in event.changes if c.feed is feed
    ]


# --- binance -----------------------------------------------------------------------------------------


async def confirm_binance(socket: web.WebSocketResponse, asked: dict[str, Any]) -> None:
    await socket.send_json({"result": None, "id": asked["id"]})


def ticker(name: str, bid: str, ask: str) -> dict[str, Any]:
    return {"u": 1, "s": name, "b": bid, "B": "2", "a": ask, "A": "3"}


def depth(first: int, last: int, *bids: tuple[str, str]) -> dict[str, Any]:
    return {
        "e": "depthUpdate",
        "E": last,
        "s": "BTCUSDT",
        "U": first,
        "u": last,
        "b": list(map(list, bids)),
        "a": [],
    }


def binance(**answers: Any) -> PublicExchange:
    info = exchange_info()
    info["symbols"].append(info["symbols"][0] | {"symbol": "ETHUSDT", "baseAsset": "ETH"})
    return PublicExchange({"/api/v3/exchangeInfo": info, **answers}, confirm_binance)


async def test_a_symbol_that_is_not_listed_is_said_to_be_so_and_the_others_stream_on() -> None:
    """T8."""
    async with (
        serving(binance()) as exchange,
        watching("binance", options_for(exchange.base), [BTC, "NOPE/USDT", ETH]) as (_, reader, _),
    ):
        await reader.until(lambda _: len(exchange.sent) >= 2)
        await exchange.publish(
            "bookTicker", ticker("BTCUSDT", "49999", "50001"), ticker("ETHUSDT", "2999", "3001")
        )
        await reader.until(lambda r: quoted(r, BTC) and quoted(r, ETH))
        for feed in Feed:
            assert states(reader, "NOPE/USDT", feed) == [FeedState.NOT_LISTED]
        assert len(exchange.sockets) == 2, "nothing was connected anew"


async def test_a_quote_without_asks_is_one_sided_and_the_others_stream_on() -> None:
    """T9: binance writes zeros where a side is empty."""
    async with (
        serving(binance()) as exchange,
        watching("binance", options_for(exchange.base), [BTC, ETH]) as (_, reader, _),
    ):
        await reader.until(lambda _: len(exchange.sent) >= 2)
        await exchange.publish(
            "bookTicker", ticker("BTCUSDT", "49999", "0.00"), ticker("ETHUSDT", "2999", "3001")
        )
        await reader.until(lambda r: quoted(r, ETH) and states(r, BTC, Feed.QUOTES))
        assert states(reader, BTC, Feed.QUOTES) == [FeedState.ONE_SIDED]
        assert not quoted(reader, BTC)
        await exchange.publish("bookTicker", ticker("BTCUSDT", "49999", "50001"))
        await reader.until(lambda r: quoted(r, BTC))
        assert len(exchange.sockets) == 2, "nothing was connected anew"


async def test_a_book_with_a_gap_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_streams, "GAP_FIRST", 0.01)
    snapshots = iter(range(10, 1000, 90))

    def snapshot(_: web.Request) -> dict[str, Any]:
        return {"lastUpdateId": next(snapshots), "bids": [["49999", "1"]], "asks": [["50001", "2"]]}

    async with (
        serving(binance(**{"/api/v3/depth": snapshot})) as exchange,
        watching("binance", options_for(exchange.base), [BTC]) as (_, reader, stream),
    ):
        stream.want_books({BTC})

        def books() -> list[MarketEvent]:
            return [event for event in reader.events if event.book is not None]

        await reader.until(lambda _: any("btcusdt@depth" in str(asked["params"]) for asked in exchange.sent))
        await reader.until(lambda _: any("depth" in path for path in exchange.asked))
        await exchange.publish("@depth", depth(11, 12, ("49998", "4")))
        told = ((Decimal(49999), Decimal(1)), (Decimal(49998), Decimal(4)))
        await reader.until(lambda _: books() and books()[-1].book.bids == told)  # type: ignore[union-attr]
        await exchange.publish("@depth", depth(15, 16, ("49997", "4")))
        await reader.until(lambda r: states(r, BTC, Feed.BOOK))
        assert states(reader, BTC, Feed.BOOK) == [FeedState.STALE]
        await reader.until(lambda _: sum("depth" in path for path in exchange.asked) >= 2)
        await exchange.publish("@depth", depth(101, 102, ("49996", "4")))
        again = ((Decimal(49999), Decimal(1)), (Decimal(49996), Decimal(4)))
        await reader.until(lambda _: books()[-1].book.bids == again)  # type: ignore[union-attr]
        assert len(exchange.sockets) <= 4, "only the book was read anew"


async def test_a_book_that_is_not_wanted_any_more_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        serving(binance(**{"/api/v3/depth": {"lastUpdateId": 1, "bids": [], "asks": []}})) as exchange,
        watching("binance", options_for(exchange.base), [BTC]) as (_, reader, stream),
    ):
        stream.want_books({BTC})
        await reader.until(lambda _: any("btcusdt@depth" in str(asked["params"]) for asked in exchange.sent))
        stream.want_books(set())
        await reader.until(lambda _: any(asked["method"] == "UNSUBSCRIBE" for asked in exchange.sent))


async def test_missed_trades_are_paged_from_the_last_known_one() -> None:
    """A page holds a thousand: what is older is asked for by id."""
    moment = int(now().timestamp() * 1000) - 5000

    def page(request: web.Request) -> list[dict[str, Any]]:
        first = int(request.query.get("fromId", 2401))
        return [
            {"a": n, "p": "50000", "q": "0.1", "f": n, "l": n, "T": moment + n, "m": True, "M": True}
            for n in range(first, min(first + 1000, 3401))
        ]

    async with (
        serving(binance(**{"/api/v3/aggTrades": page})) as exchange,
        watching("binance", options_for(exchange.base), [BTC]) as (gateway, _, _),
    ):
        newest = await gateway.missed_trades(BTC, None)
        assert [newest[0].trade_id, newest[-1].trade_id] == ["2401", "3400"]
        known = newest[0].__class__(
            BTC, Decimal(1), Decimal(1), newest[0].at - timedelta(seconds=9), trade_id="7"
        )
        found = await gateway.missed_trades(BTC, known)
        assert {trade.trade_id for trade in found} == {str(n) for n in range(7, 3401)}
        asked = len(exchange.asked)
        few = await gateway.missed_trades(BTC, newest[-20])
        assert [trade.trade_id for trade in few] == [str(n) for n in range(3381, 3401)]
        assert len(exchange.asked) == asked + 1, "a page that is not full is the last"


async def test_trades_are_of_our_clock_whatever_the_exchanges_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """T5: an exchange whose clock is three seconds behind."""
    behind = timedelta(seconds=3)

    async def server_time(request: web.Request) -> web.Response:
        return web.json_response({"serverTime": int((now() - behind).timestamp() * 1000)})

    exchange = binance()
    rest = exchange.rest

    async def dispatch(request: web.Request) -> web.StreamResponse:
        return await (server_time if request.path.endswith("/time") else rest)(request)

    exchange.rest = dispatch  # type: ignore[method-assign]
    async with (
        serving(exchange) as served,
        watching("binance", options_for(served.base), [BTC]) as (_, reader, _),
    ):
        await reader.until(lambda _: len(served.sent) >= 2)
        moment = now()
        stamp = int((moment - behind).timestamp() * 1000)
        await served.publish(
            "aggTrade",
            {
                "e": "aggTrade", "E": stamp, "s": "BTCUSDT", "a": 1, "p": "50000", "q": "1", "f": 1, "l": 1,
                "T": stamp, "m": True, "M": True,
            },
        )  # fmt: skip
        await reader.until(lambda r: r.trades)
        assert abs(reader.trades[0].at - moment) < timedelta(milliseconds=50)


# --- okx ---------------------------------------------------------------------------------------------


def okx(*refused: str) -> PublicExchange:
    async def react(socket: web.WebSocketResponse, asked: dict[str, Any]) -> None:
        for argument in asked["args"]:
            if argument["instId"] in refused:
                text = (
                    f"Wrong URL or channel:{argument['channel']},instId:{argument['instId']} doesn't exist."
                )
                await socket.send_json({"event": "error", "msg": text, "code": "60018", "connId": "a"})
            else:
                await socket.send_json({"event": asked["op"], "arg": argument, "connId": "a"})

    answers = {path.split()[1]: body for path, body in EXCHANGES["okx"].opening.items()}
    listed = answers["/api/v5/public/instruments"]
    ether = listed["data"][0] | {"instId": "ETH-USDT", "baseCcy": "ETH"}
    answers["/api/v5/public/instruments"] = listed | {"data": [*listed["data"], ether]}
    return PublicExchange(answers, react)


def bbo(name: str, bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    data = {"bids": bids, "asks": asks, "ts": str(int(now().timestamp() * 1000)), "seqId": 1}
    return {"arg": {"channel": "bbo-tbt", "instId": name}, "data": [data]}


BID, ASK = [["49999", "1", "0", "1"]], [["50001", "1", "0", "1"]]


async def test_okx_without_asks_is_one_sided_and_the_others_stream_on() -> None:
    """T9."""
    async with (
        serving(okx()) as exchange,
        watching("okx", options_of(EXCHANGES["okx"], exchange.base), [BTC, ETH]) as (_, reader, _),
    ):
        await reader.until(lambda _: len(exchange.sent) >= 2)
        await exchange.publish("bbo-tbt", bbo("BTC-USDT", BID, []), bbo("ETH-USDT", BID, ASK))
        await reader.until(lambda r: quoted(r, ETH) and states(r, BTC, Feed.QUOTES))
        assert states(reader, BTC, Feed.QUOTES) == [FeedState.ONE_SIDED]
        connected = len(exchange.sockets)
        await exchange.publish("bbo-tbt", bbo("BTC-USDT", BID, ASK))
        await reader.until(lambda r: quoted(r, BTC))
        assert len(exchange.sockets) == connected, "nothing was connected anew"


async def test_a_symbol_whose_subscription_is_refused_silences_no_other() -> None:
    """T8, later: listed when the desk started, refused by the stream."""
    async with (
        serving(okx("ETH-USDT")) as exchange,
        watching("okx", options_of(EXCHANGES["okx"], exchange.base), [BTC, ETH]) as (_, reader, _),
    ):
        await reader.until(lambda r: FeedState.FAILING in states(r, ETH, Feed.QUOTES))
        before = len(quoted(reader, BTC))
        for step in range(5):
            await exchange.publish("bbo-tbt", bbo("BTC-USDT", [[str(49_990 + step), "1", "0", "1"]], ASK))
        await reader.until(lambda r: len(quoted(r, BTC)) > before)


async def test_trades_that_okx_sums_up_are_counted_once_beside_its_list() -> None:
    moment = str(int(now().timestamp() * 1000))

    def single(number: int, size: str) -> dict[str, Any]:
        return {
            "instId": "BTC-USDT",
            "tradeId": str(number),
            "px": "50000",
            "sz": size,
            "side": "buy",
            "ts": moment,
        }

    exchange = okx()
    exchange.answers["/api/v5/market/trades"] = {
        "code": "0", "msg": "", "data": [single(105, "1"), single(104, "1"), single(103, "1"), single(102, "1")],
    }  # fmt: skip
    async with (
        serving(exchange) as served,
        watching("okx", options_of(EXCHANGES["okx"], served.base), [BTC]) as (gateway, reader, _),
    ):
        await reader.until(lambda _: len(served.sent) >= 2)
        summed = single(105, "3") | {"count": "3"}
        await served.publish("trades", {"arg": {"channel": "trades", "instId": "BTC-USDT"}, "data": [summed]})
        await reader.until(lambda r: r.trades)
        listed = await gateway.missed_trades(BTC, None)
        assert {trade.trade_id for trade in listed} == {"102", "105"}, (
            "103 and 104 are in what the stream told"
        )


async def test_a_stream_that_ended_is_forgotten_but_not_the_trades_that_it_summed_up() -> None:
    moment = str(int(now().timestamp() * 1000))
    single = {"instId": "BTC-USDT", "px": "50000", "sz": "1", "side": "buy", "ts": moment}
    exchange = okx()
    exchange.answers["/api/v5/market/trades"] = {
        "code": "0", "msg": "", "data": [single | {"tradeId": number} for number in ("105", "104", "102")],
    }  # fmt: skip
    async with (
        serving(exchange) as served,
        watching("okx", options_of(EXCHANGES["okx"], served.base), [BTC]) as (gateway, reader, stream),
    ):
        await reader.until(lambda _: len(served.sent) >= 2)
        summed = single | {"tradeId": "105", "sz": "3", "count": "3"}
        await served.publish("trades", {"arg": {"channel": "trades", "instId": "BTC-USDT"}, "data": [summed]})
        await reader.until(lambda r: r.trades)
        assert len(gateway._bells) == 1
        await reader.stop()
        assert not gateway._bells
        listed = await gateway.missed_trades(BTC, None)
        assert {trade.trade_id for trade in listed} == {"102", "105"}
        again = Reader(stream.events())
        await again.until(lambda _: len(gateway._bells) == 1)
        await gateway.close()
        await again.until(lambda r: r.task.done() and not gateway._bells)


async def test_quotes_of_several_symbols_come_in_one_request() -> None:
    def quotes(_: web.Request) -> list[dict[str, str]]:
        return [
            {"symbol": "BTCUSDT", "bidPrice": "1", "bidQty": "2", "askPrice": "3", "askQty": "4"},
            {"symbol": "ETHUSDT", "bidPrice": "1", "bidQty": "2", "askPrice": "0", "askQty": "0"},
        ]

    async with (
        serving(binance(**{"/api/v3/ticker/bookTicker": quotes})) as exchange,
        watching("binance", options_for(exchange.base), [BTC]) as (gateway, _, _),
    ):
        found = await gateway.quotes([BTC, ETH])
        assert {symbol: (quote.bid, quote.ask) for symbol, quote in found.items()} == {
            BTC: (Decimal(1), Decimal(3))
        }
        assert sum("bookTicker" in path for path in exchange.asked) == 1
