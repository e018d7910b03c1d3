"""A small exchange of canned answers: real HTTP on loopback, so that ccxt and aiohttp are the real ones."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import ccxt.pro
from aiohttp import web

from execution.core.types import ChildRequest, OrderRef, OrderType, Side, TimeInForce
from execution.venues.gateway import CcxtGateway, open_gateway
from execution.venues.rate_limit import WindowCount
from tests.venues.answers import CLIENT_ID, Exchange
from tests.venues.answers.first import BYBIT, COINBASE, KRAKEN, OKX
from tests.venues.answers.second import BITGET, GATE, KUCOIN

SYMBOL = "BTC/USDT"
VALID = timedelta(seconds=2)
EXCHANGES = {one.id: one for one in (BYBIT, OKX, KRAKEN, COINBASE, KUCOIN, GATE, BITGET)}
OURS = OrderRef(CLIENT_ID, SYMBOL)
Handler = Callable[[web.Request, dict[str, str]], Awaitable[web.StreamResponse]]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Seen:
    method: str
    path: str
    params: dict[str, str]
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Stub:
    """Answers by ``"POST order"`` and its kin; everything that came is in ``seen``."""

    base: str = ""
    #: What the paths of answers leave out.
    prefix: str = ""
    answers: dict[str, Handler] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    runner: web.AppRunner | None = None

    def answer(self, what: str, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if text.startswith("<") else "application/json"

        async def handler(request: web.Request, params: dict[str, str]) -> web.StreamResponse:
            return web.Response(text=text, status=status, headers=headers, content_type=kind)

        self.answers[what] = handler

    def last(self, what: str) -> dict[str, str]:
        method, path = what.split()
        return [seen.params for seen in self.seen if (seen.method, seen.path) == (method, path)][-1]

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        raw = body or request.rel_url.raw_query_string
        params = dict(parse_qsl(raw))
        path = request.path.removeprefix(self.prefix)
        self.seen.append(Seen(request.method, path, params, body, dict(request.headers)))
        handler = self.answers.get(f"{request.method} {path}")
        if handler is None:
            return web.json_response({"code": -1, "msg": f"no answer for {path}"}, status=404)
        return await handler(request, params)

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None


def exchange_info(**changes: Any) -> dict[str, Any]:
    market = {
        "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
        "baseAssetPrecision": 8, "quotePrecision": 8, "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"], "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False, "permissions": ["SPOT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000",
             "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000",
             "stepSize": "0.00001000"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
        ],
    }  # fmt: skip
    return {"timezone": "UTC", "serverTime": 0, "rateLimits": [], "symbols": [market | changes]}


def options_for(base: str) -> dict[str, Any]:
    """Return a venue's options for a binance dialect at ``base``."""
    websocket = base.replace("http://", "ws://")
    return {
        "timeout_on_exit": 10,  # milliseconds; ccxt waits 250 for encrypted connections
        "urls": {
            "api": {
                "public": f"{base}/api/v3",
                "private": f"{base}/api/v3",
                "sapi": f"{base}/sapi/v1",
                "ws": {"spot": f"{websocket}/stream/ws", "ws-api": {"spot": f"{websocket}/ws-api/v3"}},
            }
        },
    }


def limit_order(**changes: Any) -> ChildRequest:
    fields: dict[str, Any] = {
        "client_id": "qtestparent010001",
        "symbol": SYMBOL,
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "quantity": Decimal("0.01"),
        "price": Decimal("49000"),
        "time_in_force": TimeInForce.GTC,
    }
    return ChildRequest(**(fields | changes))


@asynccontextmanager
async def serving() -> AsyncIterator[Stub]:
    """Yield a stub that listens on a free port of loopback and answers nothing yet."""
    stub = Stub()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stub.dispatch)
    stub.runner = web.AppRunner(app, shutdown_timeout=0.1)
    await stub.runner.setup()
    site = web.TCPSite(stub.runner, "127.0.0.1", 0)
    await site.start()
    host, port = stub.runner.addresses[0][:2]
    stub.base = f"http://{host}:{port}"
    try:
        yield stub
    finally:
        await stub.stop()


async def server_time(request: web.Request, params: dict[str, str]) -> web.StreamResponse:
    return web.json_response({"serverTime": int(now().timestamp() * 1000)})


async def settle() -> None:
    await asyncio.sleep(0.05)


# --- seven exchanges, each with one gateway for all tests of a module ------------------------------


@functools.cache
def addresses_of(exchange_id: str) -> Any:
    return getattr(ccxt.pro, exchange_id)().urls["api"]


def options_of(exchange: Exchange, base: str) -> dict[str, Any]:
    """Return options with every address of the exchange on the stub, with the path that it has in reality."""

    def at_stub(address: Any) -> Any:
        if isinstance(address, Mapping):
            return {name: at_stub(value) for name, value in address.items()}
        path = str(address).split("://", 1)[1].partition("/")[2]
        return f"{base}/{path}" if path else base

    return {"timeout_on_exit": 10, "urls": {"api": at_stub(addresses_of(exchange.id))}}


def forget_limits(gateway: CcxtGateway) -> None:
    """Forget earlier calls and pauses, so that no call waits for them."""
    calls = gateway.budget.calls
    calls._held_until = calls._closed_until = 0
    calls._count = WindowCount(2)


def lift_limits(gateway: CcxtGateway) -> None:
    """Let as many calls go at once as a test makes."""
    gateway.budget.calls.budget = float("inf")


class StubbedVenue:
    """One gateway at one exchange, both kept for all tests of that exchange."""

    def __init__(self, exchange: Exchange, stub: Stub, gateway: CcxtGateway) -> None:
        self.exchange = exchange
        self.stub = stub
        self.gateway = gateway
        self.ref = replace(OURS, exchange_id=exchange.order_id)

    def forget(self) -> None:
        self.stub.answers.clear()
        self.stub.seen.clear()
        self.answers(self.exchange.opening)
        forget_limits(self.gateway)

    def answers(self, answers: Mapping[str, Any]) -> None:
        for what, body in answers.items():
            self.stub.answer(what, body)

    def without_clock(self) -> None:
        """Stop the gateway's requests for the exchange's time, which the stub does not tell."""
        self.gateway._time._due = float("inf")

    @property
    def asked(self) -> list[str]:
        return [f"{seen.method} {seen.path}" for seen in self.stub.seen]


@asynccontextmanager
async def opened_venue(exchange_id: str) -> AsyncIterator[StubbedVenue]:
    """Open one of ``EXCHANGES`` on a stub, with an open gateway."""
    exchange = EXCHANGES[exchange_id]
    async with serving() as stub:
        gateway = open_gateway(
            exchange_id=exchange.id,
            options=options_of(exchange, stub.base),
            api_key="the-api-key",
            secret="dGhlLXNlY3JldDEy",
            passphrase="the-passphrase",
            clock=now,
            timeout=2,
        )
        venue = StubbedVenue(exchange, stub, gateway)
        venue.answers(exchange.opening)
        venue.without_clock()
        await gateway.open()
        lift_limits(gateway)
        venue.without_clock()
        yield venue
        await gateway.close()
