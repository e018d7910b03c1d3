"""Market data over okx's REST, and the other public calls."""

from __future__ import annotations

from typing import Any

from execution.paper.candles import INTERVALS
from execution.paper.okx import dialect, refusals
from execution.paper.okx.parameters import MAX_ROWS, instrument, limit, whole
from execution.paper.server import Call, Endpoint

API = "/api/v5"
MAX_CANDLES = 300

#: The seconds of each bar by its name. Okx's bars of six hours and more begin at midnight in Hong Kong, unless their
#: name ends in ``utc``.
BARS = {
    **{name: seconds for name, seconds in INTERVALS.items() if name.endswith("m")},
    "1H": INTERVALS["1h"],
    "2H": 2 * INTERVALS["1h"],
    "4H": INTERVALS["4h"],
    "6Hutc": 6 * INTERVALS["1h"],
    "12Hutc": 12 * INTERVALS["1h"],
    "1Dutc": INTERVALS["1d"],
}


def time(call: Call) -> Any:
    return [{"ts": str(call.exchange.now())}]


def instruments(call: Call) -> Any:
    """Return the spot instruments. The exchange lists no other ones."""
    kind = call.parameters.get("instType")
    if not kind:
        raise refusals.empty("instType")
    if kind != "SPOT":
        return []
    if call.parameters.get("instId"):
        return [dialect.instrument(instrument(call.parameters, call.exchange))]
    return [dialect.instrument(symbol) for symbol in call.exchange.listed]


def ticker(call: Call) -> Any:
    return [dialect.ticker(instrument(call.parameters, call.exchange), call.exchange.now())]


def tickers(call: Call) -> Any:
    if call.parameters.get("instType") != "SPOT":
        return []
    return [dialect.ticker(symbol, call.exchange.now()) for symbol in call.exchange.listed]


def books(call: Call) -> Any:
    symbol = instrument(call.parameters, call.exchange)
    levels = limit(call.parameters, 1, dialect.MAX_LEVELS, name="sz")
    return [{**dialect.book(symbol, levels, call.exchange.now()), "seqId": symbol.book.sequence}]


def trades(call: Call) -> Any:
    """Return the trades, newest first."""
    symbol = instrument(call.parameters, call.exchange)
    recent = list(symbol.trades)[-limit(call.parameters, 100, 500) :]
    return [dialect.public_trade(trade, symbol.market) for trade in reversed(recent)]


def candles(call: Call) -> Any:
    """Return the bars that opened after ``before`` and before ``after`` (milliseconds), newest first."""
    symbol = instrument(call.parameters, call.exchange)
    bar = call.parameters.get("bar") or "1m"
    if bar not in BARS:
        raise refusals.wrong("bar")
    seconds = BARS[bar]
    before, after = whole(call.parameters, "before"), whole(call.parameters, "after")
    count = limit(call.parameters, MAX_ROWS, MAX_CANDLES)
    # Of a range the newest are shown, and without its end those up to now.
    start = None if before is None else before // 1000 + 1
    end = None if after is None else (after - 1) // 1000
    if start is not None and end is not None:
        count = max(count, (end - start) // seconds + 1)
    found = symbol.candles.folded(seconds, start if end is not None else None, end, count)
    chosen = [each for each in found if start is None or each.start >= start]
    chosen = chosen[-limit(call.parameters, MAX_ROWS, MAX_CANDLES) :]
    now = call.exchange.now() // 1000
    return [dialect.candle(each, is_finished=each.start + seconds <= now) for each in reversed(chosen)]


ENDPOINTS = (
    Endpoint("GET", f"{API}/public/time", "market", 10, time),
    Endpoint("GET", f"{API}/public/instruments", "market", 20, instruments),
    Endpoint("GET", f"{API}/market/ticker", "market", 20, ticker),
    Endpoint("GET", f"{API}/market/tickers", "market", 20, tickers),
    Endpoint("GET", f"{API}/market/books", "market", 40, books),
    Endpoint("GET", f"{API}/market/trades", "market", 100, trades),
    Endpoint("GET", f"{API}/market/candles", "market", 40, candles),
    Endpoint("GET", f"{API}/market/history-candles", "market", 20, candles),
)
