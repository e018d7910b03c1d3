"""Market data over REST, and the other public calls."""

from __future__ import annotations

from typing import Any

from execution.paper.binance import dialect
from execution.paper.binance.parameters import limit, whole
from execution.paper.candles import INTERVALS
from execution.paper.exchange import SymbolMarket
from execution.paper.limits import ORDERS_PER_DAY
from execution.paper.refusals import Refusal, missing
from execution.paper.server import Call, Endpoint

API = "/api/v3"


def ping(_call: Call) -> Any:
    return {}


def time(call: Call) -> Any:
    return {"serverTime": call.exchange.now()}


def exchange_information(call: Call) -> Any:
    limits = call.server.limits
    return {
        "timezone": "UTC",
        "serverTime": call.exchange.now(),
        "rateLimits": [
            _rate("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute),
            _rate("ORDERS", "SECOND", 10, limits.orders_per_ten_seconds),
            _rate("ORDERS", "DAY", 1, ORDERS_PER_DAY),
        ],
        "exchangeFilters": [],
        "symbols": [dialect.symbol_information(symbol) for symbol in _symbols(call)],
    }


def _rate(kind: str, interval: str, number: int, limit: int) -> dialect.Json:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _symbols(call: Call) -> list[SymbolMarket]:
    if name := call.parameters.get("symbol"):
        return [call.exchange.symbol(name)]
    if names := call.parameters.get("symbols"):
        return [call.exchange.symbol(name.strip('" ')) for name in names.strip("[]").split(",")]
    return call.exchange.listed


def _one_or_all(call: Call, answers: list[dialect.Json]) -> Any:
    return answers[0] if "symbol" in call.parameters else answers


def ticker_day(call: Call) -> Any:
    now = call.exchange.now()
    return _one_or_all(call, [dialect.ticker(symbol, now) for symbol in _symbols(call)])


def ticker_book(call: Call) -> Any:
    return _one_or_all(call, [dialect.book_ticker(symbol) for symbol in _symbols(call)])


def ticker_price(call: Call) -> Any:
    answers = [{"symbol": each.name, "price": dialect.text(each.last_price)} for each in _symbols(call)]
    return _one_or_all(call, answers)


def average_price(call: Call) -> Any:
    symbol = call.exchange.symbol(call.parameters.get("symbol"))
    return {"mins": 5, "price": dialect.text(symbol.average_price), "closeTime": call.exchange.now()}


def depth(call: Call) -> Any:
    symbol = call.exchange.symbol(call.parameters.get("symbol"))
    return dialect.depth(symbol, limit(call.parameters, 100, 5000))


def klines(call: Call) -> Any:
    symbol = call.exchange.symbol(call.parameters.get("symbol"))
    interval = call.parameters.get("interval")
    if not interval:
        raise missing("interval")
    if interval not in INTERVALS:
        raise Refusal(-1120, "Invalid interval.")
    seconds = INTERVALS[interval]
    start, end = whole(call.parameters, "startTime"), whole(call.parameters, "endTime")
    bars = symbol.candles.folded(
        seconds,
        # A candle belongs to the answer when it opens at or after the start.
        None if start is None else -(-start // 1000),
        None if end is None else end // 1000,
        limit(call.parameters, 500, 1000),
    )
    return [dialect.kline(bar, seconds) for bar in bars]


def trades(call: Call) -> Any:
    symbol = call.exchange.symbol(call.parameters.get("symbol"))
    recent = list(symbol.trades)[-limit(call.parameters, 500, 1000) :]
    return [dialect.public_trade(trade) for trade in recent]


def aggregate_trades(call: Call) -> Any:
    symbol = call.exchange.symbol(call.parameters.get("symbol"))
    from_id = whole(call.parameters, "fromId")
    start, end = whole(call.parameters, "startTime"), whole(call.parameters, "endTime")
    count = limit(call.parameters, 500, 1000)
    found = [
        trade
        for trade in symbol.trades
        if (from_id is None or trade.id >= from_id)
        and (start is None or trade.time >= start)
        and (end is None or trade.time <= end)
    ]
    ascending = from_id is not None or start is not None
    return [dialect.aggregate_trade(trade) for trade in (found[:count] if ascending else found[-count:])]


def depth_weight(parameters: dict[str, str]) -> int:
    """Return the request weight of a book with ``limit`` levels, as Binance documents it."""
    levels = int(parameters["limit"]) if parameters.get("limit", "").isdigit() else 100
    return 5 if levels <= 100 else 25 if levels <= 500 else 50 if levels <= 1000 else 250


ENDPOINTS = (
    Endpoint("GET", f"{API}/ping", "market", 1, ping),
    Endpoint("GET", f"{API}/time", "market", 1, time),
    Endpoint("GET", f"{API}/exchangeInfo", "market", 20, exchange_information),
    Endpoint("GET", f"{API}/ticker/24hr", "market", lambda p: 2 if "symbol" in p else 80, ticker_day),
    Endpoint("GET", f"{API}/ticker/bookTicker", "market", lambda p: 2 if "symbol" in p else 4, ticker_book),
    Endpoint("GET", f"{API}/ticker/price", "market", lambda p: 2 if "symbol" in p else 4, ticker_price),
    Endpoint("GET", f"{API}/avgPrice", "market", 2, average_price),
    Endpoint("GET", f"{API}/depth", "market", depth_weight, depth),
    Endpoint("GET", f"{API}/klines", "market", 2, klines),
    Endpoint("GET", f"{API}/trades", "market", 25, trades),
    Endpoint("GET", f"{API}/aggTrades", "market", 4, aggregate_trades),
)
