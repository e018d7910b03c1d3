"""The five-minute candle lists of eight exchanges: each exchange's reaction to the request of its ccxt class.

Where the bounds lie, which candles a list that is too long leaves out, and what is refused is as
docs/reference/exchanges.md says it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.venues.stub import Stub

Params = dict[str, str]
Bounds = Callable[[int, float, float], bool]
#: The openings of a market's candles in seconds, oldest first, to an answer; whether one lies in a window.
Lists = Callable[[Sequence[int], Params, Bounds], Any]
STEP = 300
BASE_VOLUME = "2.5"


def with_bounds(at: int, start: float, end: float) -> bool:
    return start <= at <= end


def without_bounds(at: int, start: float, end: float) -> bool:
    return start < at < end


def okx(openings: Sequence[int], params: Params, _: Bounds) -> Any:
    before, after = int(params["before"]) / 1000, int(params["after"]) / 1000
    found = [at for at in openings if without_bounds(at, before, after)][-int(params["limit"]) :]
    rows = [[str(at * 1000), "100", "110", "90", "105", BASE_VOLUME, "250", "250", "1"] for at in found]
    return {"code": "0", "msg": "", "data": rows[::-1]}


def coinbase(openings: Sequence[int], params: Params, is_in: Bounds) -> Any:
    start, end = int(params["start"]), int(params["end"])
    assert (end - start) // STEP <= 350, "the exchange refuses more"
    names = {"low": "90", "high": "110", "open": "100", "close": "105", "volume": BASE_VOLUME}
    return {"candles": [names | {"start": str(at)} for at in openings if is_in(at, start, end)][::-1]}


def kucoin(openings: Sequence[int], params: Params, is_in: Bounds) -> Any:
    start, end = int(params["startAt"]), int(params["endAt"])
    found = [at for at in openings if is_in(at, start, end)][-1500:]
    rows = [[str(at), "100", "105", "110", "90", BASE_VOLUME, "250"] for at in found]
    return {"code": "200000", "data": rows[::-1]}


def gate(openings: Sequence[int], params: Params, is_in: Bounds) -> Any:
    assert "limit" not in params, "the exchange refuses a limit beside a time"
    start, end = int(params["from"]), int(params["to"])
    assert (end - start) // STEP < 1000, "the exchange refuses more"
    rows = [[str(at), "250", "105", "110", "90", "100", BASE_VOLUME, "true"] for at in openings]
    return [row for row in rows if is_in(int(row[0]), start, end)]


def bitget(openings: Sequence[int], params: Params, is_in: Bounds) -> Any:
    start, end = int(params.get("startTime", 0)) / 1000, int(params["endTime"]) / 1000
    found = [at for at in openings if is_in(at, start, end)][-int(params["limit"]) :]
    rows = [[str(at * 1000), "100", "110", "90", "105", BASE_VOLUME, "250", "250"] for at in found]
    return {"code": "00000", "data": rows}


def bybit(openings: Sequence[int], params: Params, _: Bounds) -> Any:
    found = [at for at in openings if at * 1000 >= int(params["start"])][: int(params["limit"])]
    rows = [[str(at * 1000), "100", "110", "90", "105", BASE_VOLUME, "250"] for at in found]
    return {"retCode": 0, "retMsg": "OK", "result": {"list": rows[::-1]}}


def kraken(openings: Sequence[int], params: Params, _: Bounds) -> Any:
    found = [at for at in openings if at > int(params["since"])][-720:]
    rows = [[at, "100", "110", "90", "105", "104", BASE_VOLUME, 7] for at in found]
    return {"error": [], "result": {params["pair"]: rows, "last": found[-1] if found else 0}}


def binance(openings: Sequence[int], params: Params, _: Bounds) -> Any:
    found = [at for at in openings if at * 1000 >= int(params["startTime"])][: int(params["limit"])]
    return [[at * 1000, "100", "110", "90", "105", BASE_VOLUME, 0, "250", 7, "1", "1", "0"] for at in found]


@dataclass(frozen=True)
class Listing:
    """The place and form of an exchange's list of candles. Each row of the answer may be changed on its way."""

    paths: tuple[str, ...]
    lists: Lists
    #: Where the answer has its rows.
    rows_of: Callable[[Any], list[Any]]


LISTINGS: dict[str, Listing] = {
    "okx": Listing(
        ("GET /api/v5/market/candles", "GET /api/v5/market/history-candles"), okx, lambda got: got["data"]
    ),
    "coinbase": Listing(
        ("GET /api/v3/brokerage/market/products/BTC-USDT/candles",), coinbase, lambda got: got["candles"]
    ),
    "kucoin": Listing(("GET /api/v1/market/candles",), kucoin, lambda got: got["data"]),
    "gate": Listing(("GET /api/v4/spot/candlesticks",), gate, lambda got: got),
    "bitget": Listing(
        ("GET /api/v2/spot/market/candles", "GET /api/v2/spot/market/history-candles"),
        bitget,
        lambda got: got["data"],
    ),
    "bybit": Listing(("GET /v5/market/kline",), bybit, lambda got: got["result"]["list"]),
    "kraken": Listing(("GET /0/public/OHLC",), kraken, lambda got: next(iter(got["result"].values()))),
    "binance": Listing(("GET klines",), binance, lambda got: got),
}


@dataclass
class CandleMarket:
    """A market's candles on a stub, and what was asked of it."""

    openings: Sequence[int]
    #: Changes the rows of an answer in place.
    change: Callable[[list[Any]], None] = lambda rows: None
    #: Whether the bounds of a window belong to it, where nobody says so.
    is_in: Bounds = with_bounds
    asked: list[Params] = field(default_factory=list)

    def serve(self, stub: Stub, exchange_id: str) -> None:
        listing = LISTINGS[exchange_id]

        async def handler(request: web.Request, params: Params) -> web.StreamResponse:
            self.asked.append(params)
            answer = listing.lists(self.openings, params, self.is_in)
            self.change(listing.rows_of(answer))
            return web.json_response(answer)

        for path in listing.paths:
            stub.answers[path] = handler
