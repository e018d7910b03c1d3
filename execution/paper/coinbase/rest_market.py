"""Market data over coinbase's REST, with or without a key, and the other public calls."""

from __future__ import annotations

from typing import Any

from execution.core.types import Side
from execution.paper.amounts import iso
from execution.paper.candles import INTERVALS
from execution.paper.coinbase import dialect, refusals
from execution.paper.coinbase.parameters import limit, listed, product, whole
from execution.paper.exchange import SymbolMarket
from execution.paper.server import Call, Endpoint

API = "/api/v3/brokerage"
MAX_CANDLES = 350
MAX_TRADES = 1_000
#: The seconds of each candle, by coinbase's name for its length.
GRANULARITIES = {
    "ONE_MINUTE": INTERVALS["1m"],
    "FIVE_MINUTE": INTERVALS["5m"],
    "FIFTEEN_MINUTE": INTERVALS["15m"],
    "THIRTY_MINUTE": INTERVALS["30m"],
    "ONE_HOUR": INTERVALS["1h"],
    "TWO_HOUR": 2 * INTERVALS["1h"],
    "SIX_HOUR": 6 * INTERVALS["1h"],
    "ONE_DAY": INTERVALS["1d"],
}


def time(call: Call) -> Any:
    now = call.exchange.now()
    return {"iso": iso(now), "epochSeconds": str(now // 1000), "epochMillis": str(now)}


def older_time(call: Call) -> Any:
    """Return the time in the form of coinbase's older API, because ccxt also requests that."""
    now = call.exchange.now()
    return {"data": {"iso": iso(now), "epoch": now // 1000}}


def currencies(_call: Call) -> Any:
    """Return an empty list of currencies: there are no deposits and withdrawals here."""
    return {"data": []}


def rates(_call: Call) -> Any:
    return {"data": {"currency": "USD", "rates": {}}}


def products(call: Call) -> Any:
    """Return the spot products. The exchange lists no other ones."""
    kind = call.parameters.get("product_type", "SPOT")
    asked = listed(call.parameters, "product_ids")
    now = call.exchange.now()
    shown = [dialect.product(symbol, now) for symbol in call.exchange.listed if kind == "SPOT"]
    chosen = [each for each in shown if not asked or each["product_id"] in asked]
    return {"products": chosen, "num_products": len(chosen)}


def one_product(call: Call) -> Any:
    return dialect.product(_symbol(call), call.exchange.now())


def _symbol(call: Call) -> SymbolMarket:
    return product(call.exchange, call.parameters.get("product_id"))


def book(call: Call) -> Any:
    levels = whole(call.parameters, "limit")
    return {"pricebook": dialect.price_book(_symbol(call), levels or None, call.exchange.now())}


def best_bid_ask(call: Call) -> Any:
    asked = listed(call.parameters, "product_ids")
    symbols = [product(call.exchange, name) for name in asked] if asked else call.exchange.listed
    return {"pricebooks": [dialect.price_book(symbol, 1, call.exchange.now()) for symbol in symbols]}


def trades(call: Call) -> Any:
    """Return the trades within [start, end] (seconds), newest first, and the best prices."""
    symbol = _symbol(call)
    start, end = whole(call.parameters, "start"), whole(call.parameters, "end")
    found = [
        trade
        for trade in symbol.trades
        if (start is None or trade.time >= start * 1000) and (end is None or trade.time < (end + 1) * 1000)
    ]
    count = limit(call.parameters, 100, MAX_TRADES)
    return {
        "trades": [dialect.public_trade(trade, symbol) for trade in reversed(found[-count:])],
        "best_bid": dialect.best(symbol, Side.BUY)[0],
        "best_ask": dialect.best(symbol, Side.SELL)[0],
    }


def candles(call: Call) -> Any:
    """Return the candles that opened within [start, end] (seconds), newest first, without those that had no trade."""
    symbol = _symbol(call)
    seconds = GRANULARITIES.get(call.parameters.get("granularity", ""))
    start, end = whole(call.parameters, "start"), whole(call.parameters, "end")
    if seconds is None or start is None or end is None:
        raise refusals.invalid_argument("granularity, start and end are required")
    count = limit(call.parameters, MAX_CANDLES, MAX_CANDLES)
    if (end - start) // seconds > MAX_CANDLES:
        raise refusals.invalid_argument(f"start and end argument is invalid - candles over {MAX_CANDLES}")
    found = symbol.candles.folded(seconds, start, end, MAX_CANDLES + 1)
    shown = [dialect.candle(bar) for bar in reversed(found) if bar.trades]
    return {"candles": shown[:count]}


def _both(path: str, handler: Any, public: str) -> tuple[Endpoint, Endpoint]:
    """Return two endpoints for one call: one without a key, at the path ``public``, and one that must be signed."""
    return (
        Endpoint("GET", f"{API}/{public}", "market", 1, handler),
        Endpoint("GET", f"{API}/{path}", "market", 1, handler, signed=True),
    )


ENDPOINTS = (
    Endpoint("GET", "/v2/time", "market", 1, older_time),
    Endpoint("GET", "/v2/currencies", "market", 1, currencies),
    Endpoint("GET", "/v2/currencies/crypto", "market", 1, currencies),
    Endpoint("GET", "/v2/exchange-rates", "market", 1, rates),
    Endpoint("GET", f"{API}/time", "market", 1, time),
    Endpoint("GET", f"{API}/best_bid_ask", "market", 1, best_bid_ask, signed=True),
    *_both("product_book", book, "market/product_book"),
    *_both("products", products, "market/products"),
    *_both("products/{product_id}", one_product, "market/products/{product_id}"),
    *_both("products/{product_id}/candles", candles, "market/products/{product_id}/candles"),
    *_both("products/{product_id}/ticker", trades, "market/products/{product_id}/ticker"),
)
