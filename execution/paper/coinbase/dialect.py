"""Coinbase's JSON for the paper exchange's markets. It only formats and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from execution.core.types import MarketStatus, Side
from execution.paper.amounts import iso, text
from execution.paper.candles import Bar
from execution.paper.exchange import LevelChanges, SymbolMarket
from execution.paper.records import PublicTrade
from execution.paper.symbols import dashed_symbol

Json = dict[str, Any]

#: The largest value of an order, in quote, unless a test has set another.
LARGEST_NOTIONAL = Decimal(150_000_000)
SIDE_WORDS = {Side.BUY: "bid", Side.SELL: "offer"}


def product(symbol: SymbolMarket, now: int) -> Json:
    market, day = symbol.market, symbol.candles.day(now / 1000)
    status = market.status
    change = (day.close - day.open) / day.open * 100
    return {
        "product_id": dashed_symbol(market),
        "price": text(symbol.last_price),
        "price_percentage_change_24h": f"{change:.8f}",
        "volume_24h": text(day.volume),
        "volume_percentage_change_24h": "0",
        "base_increment": text(market.lot),
        "quote_increment": text(market.tick),
        "price_increment": text(market.tick),
        "quote_min_size": text(market.min_notional),
        "quote_max_size": text(market.max_notional or LARGEST_NOTIONAL),
        "base_min_size": text(market.min_quantity),
        "base_max_size": text(market.max_quantity),
        "base_name": market.base,
        "quote_name": market.quote,
        "base_currency_id": market.base,
        "quote_currency_id": market.quote,
        "base_display_symbol": market.base,
        "quote_display_symbol": market.quote,
        "display_name": dashed_symbol(market),
        "product_type": "SPOT",
        "product_venue": "CBE",
        "status": "online",
        "trading_disabled": status is MarketStatus.HALTED,
        "cancel_only": status is MarketStatus.CANCEL_ONLY,
        **dict.fromkeys(("is_disabled", "limit_only", "post_only", "view_only", "auction_mode"), False),
        "alias": "",
        "alias_to": [],
        "fcm_trading_session_details": None,
        "mid_market_price": "",
        "approximate_quote_24h_volume": text(day.notional),
    }


def price_book(symbol: SymbolMarket, levels: int | None, now: int) -> Json:
    return {
        "product_id": dashed_symbol(symbol.market),
        "bids": _levels(symbol.book.levels(Side.BUY, levels)),
        "asks": _levels(symbol.book.levels(Side.SELL, levels)),
        "time": iso(now),
    }


def _levels(levels: Iterable[tuple[Decimal, Decimal]]) -> list[Json]:
    return [{"price": text(price), "size": text(quantity)} for price, quantity in levels]


def level_changes(changes: LevelChanges, now: int) -> list[Json]:
    """Return changed levels as the stream sends them, each with its new quantity. The quantity 0 removes a level."""
    return [
        {
            "side": SIDE_WORDS[side],
            "event_time": iso(now),
            "price_level": text(price),
            "new_quantity": text(quantity),
        }
        for side, price, quantity in changes
    ]


def public_trade(trade: PublicTrade, symbol: SymbolMarket) -> Json:
    """Return a public trade. ``side`` is the side of the maker."""
    return {
        "trade_id": str(trade.id),
        "product_id": dashed_symbol(symbol.market),
        "price": text(trade.price),
        "size": text(trade.quantity),
        "time": iso(trade.time),
        "side": "BUY" if trade.buyer_is_maker else "SELL",
    }


def best(symbol: SymbolMarket, side: Side) -> tuple[str, str]:
    """Return the price and the quantity of the best level, or two empty texts if that side is empty."""
    levels = symbol.book.levels(side, 1)
    return (text(levels[0][0]), text(levels[0][1])) if levels else ("", "")


def ticker(symbol: SymbolMarket, now: int) -> Json:
    """Return a ticker as the stream sends it."""
    day = symbol.candles.day(now / 1000)
    (bid, bid_size), (ask, ask_size) = best(symbol, Side.BUY), best(symbol, Side.SELL)
    return {
        "type": "ticker",
        "product_id": dashed_symbol(symbol.market),
        "price": text(symbol.last_price),
        "volume_24_h": text(day.volume),
        "low_24_h": text(day.low),
        "high_24_h": text(day.high),
        "low_52_w": text(day.low),
        "high_52_w": text(day.high),
        "price_percent_chg_24_h": f"{(day.close - day.open) / day.open * 100:.8f}",
        "best_bid": bid,
        "best_bid_quantity": bid_size,
        "best_ask": ask,
        "best_ask_quantity": ask_size,
    }


def candle(bar: Bar) -> Json:
    """Return a candle. ``start`` is in seconds."""
    return {
        "start": str(bar.start),
        "low": text(bar.low),
        "high": text(bar.high),
        "open": text(bar.open),
        "close": text(bar.close),
        "volume": text(bar.volume),
    }
