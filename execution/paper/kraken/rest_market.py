"""Market data over kraken's REST, and the other public calls."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from execution.paper.kraken import dialect, refusals
from execution.paper.kraken.encoding import iso_time
from execution.paper.kraken.names import asset_id, pair_id
from execution.paper.kraken.parameters import pair, pairs, seconds, whole
from execution.paper.server import Call, Endpoint

PUBLIC = "/0/public"
MAX_LEVELS, MAX_TRADES, MAX_CANDLES = 500, 1000, 720
#: The lengths of candles in minutes.
INTERVALS = (1, 5, 15, 30, 60, 240, 1440)


def time(call: Call) -> Any:
    """Return the time in whole seconds."""
    now = int(call.exchange.clock())
    return {"unixtime": now, "rfc1123": format_datetime(datetime.fromtimestamp(now, UTC))}


def status(call: Call) -> Any:
    return {"status": "online", "timestamp": iso_time(call.exchange.now())}


def assets(call: Call) -> Any:
    markets = [symbol.market for symbol in call.exchange.listed]
    names = sorted({name for market in markets for name in (market.base, market.quote)})
    return {asset_id(name): dialect.asset(name) for name in names}


def asset_pairs(call: Call) -> Any:
    ledger = call.exchange.ledger
    listed = pairs(call.parameters, call.exchange)
    return {
        pair_id(symbol.market): dialect.pair(symbol, ledger.maker_fee, ledger.taker_fee) for symbol in listed
    }


def ticker(call: Call) -> Any:
    now = call.exchange.now()
    listed = pairs(call.parameters, call.exchange)
    return {pair_id(symbol.market): dialect.ticker(symbol, now) for symbol in listed}


def depth(call: Call) -> Any:
    symbol = pair(call.parameters, call.exchange)
    count = min(whole(call.parameters, "count") or 100, MAX_LEVELS)
    return {pair_id(symbol.market): dialect.book(symbol, count, call.exchange.now())}


def trades(call: Call) -> Any:
    """Return trades, oldest first: the last ones, or the first ones after ``since`` (seconds or nanoseconds)."""
    symbol = pair(call.parameters, call.exchange)
    count = min(whole(call.parameters, "count") or MAX_TRADES, MAX_TRADES)
    since = seconds(call.parameters, "since")
    if since is not None and since > 1e15:
        since /= 1_000_000_000
    found = [trade for trade in symbol.trades if since is None or trade.time > since]
    chosen = found[-count:] if since is None else found[:count]
    last = chosen[-1].time if chosen else call.exchange.now()
    shown = [dialect.public_trade(trade, symbol.market) for trade in chosen]
    return {pair_id(symbol.market): shown, "last": str(last * 1_000_000)}


def candles(call: Call) -> Any:
    """Return the candles that opened after ``since``, of the newest 720. The last one may still grow.

    Candles without trades are left out.
    """
    symbol = pair(call.parameters, call.exchange)
    minutes = whole(call.parameters, "interval") or 1
    if minutes not in INTERVALS:
        raise refusals.wrong("interval")
    since = (seconds(call.parameters, "since") or 0) / 1000
    bars = symbol.candles.folded(minutes * 60, None, None, MAX_CANDLES)
    shown = [bar for bar in bars if bar.start > since and bar.trades]
    last = bars[-2].start if len(bars) > 1 else 0
    return {pair_id(symbol.market): [dialect.candle(bar, symbol.market) for bar in shown], "last": last}


ENDPOINTS = (
    Endpoint("GET", f"{PUBLIC}/Time", "market", 0, time),
    Endpoint("GET", f"{PUBLIC}/SystemStatus", "market", 0, status),
    Endpoint("GET", f"{PUBLIC}/Assets", "market", 0, assets),
    Endpoint("GET", f"{PUBLIC}/AssetPairs", "market", 0, asset_pairs),
    Endpoint("GET", f"{PUBLIC}/Ticker", "market", 0, ticker),
    Endpoint("GET", f"{PUBLIC}/Depth", "market", 0, depth),
    Endpoint("GET", f"{PUBLIC}/Trades", "market", 0, trades),
    Endpoint("GET", f"{PUBLIC}/OHLC", "market", 0, candles),
)
