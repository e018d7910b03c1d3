"""Kraken's REST JSON for the paper exchange's markets, orders and accounts. It only formats and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from execution.core.market_model.matching import SelfTradePrevention
from execution.core.types import ZERO, Market, MarketStatus, Side
from execution.paper.candles import Bar
from execution.paper.exchange import SymbolMarket
from execution.paper.kraken.encoding import price, quantity
from execution.paper.kraken.names import (
    asset_id,
    old_stream_name,
    order_txid,
    pair_id,
    short_name,
    trade_txid,
)
from execution.paper.records import Account, OrderStatus, PaperOrder, PaperTrade, PublicTrade

Json = dict[str, Any]

#: The first character of a client id that the exchange drew because the client gave none. Such an id is not shown.
DRAWN = "~"
_STATUSES = {
    OrderStatus.NEW: "open",
    OrderStatus.PARTIALLY_FILLED: "open",
    OrderStatus.FILLED: "closed",
}
#: Kraken's reason for the end of an order that was not filled. Only the first is documented.
_REASONS = {
    OrderStatus.CANCELED: "User requested",
    OrderStatus.EXPIRED: "Immediate order not filled",
    OrderStatus.EXPIRED_IN_MATCH: "Self trade prevention",
}
_MARKET_WORDS = {MarketStatus.OPEN: "online", MarketStatus.CANCEL_ONLY: "cancel_only"}
PREVENTIONS = {
    "cancel-newest": SelfTradePrevention.EXPIRE_TAKER,
    "cancel-oldest": SelfTradePrevention.EXPIRE_MAKER,
    "cancel-both": SelfTradePrevention.EXPIRE_BOTH,
}


def text(amount: Decimal) -> str:
    """Return the amount with eight decimals, as kraken writes quantities and money."""
    return f"{amount:.8f}"


def price_text(amount: Decimal, market: Market) -> str:
    return f"{price(amount, market.tick):f}"


def decimals(step: Decimal) -> int:
    return max(0, -int(step.normalize().as_tuple().exponent))


# --- the market -----------------------------------------------------------------------------------


def asset(name: str) -> Json:
    return {
        "aclass": "currency",
        "altname": short_name(name),
        "decimals": 10 if name in ("BTC", "ETH") else 8,
        "display_decimals": 5,
        "status": "enabled",
    }


def pair(symbol: SymbolMarket, maker: Decimal, taker: Decimal) -> Json:
    """Return a pair's rules. Fees are in per cent. Kraken publishes no largest quantity and no largest value."""
    market = symbol.market
    return {
        "altname": pair_id(market),
        "wsname": old_stream_name(market),
        "aclass_base": "currency",
        "base": asset_id(market.base),
        "aclass_quote": "currency",
        "quote": asset_id(market.quote),
        "lot": "unit",
        "pair_decimals": decimals(market.tick),
        "cost_decimals": 8,
        "lot_decimals": decimals(market.lot),
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, float(taker * 100)]],
        "fees_maker": [[0, float(maker * 100)]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": f"{market.min_quantity:f}",
        "costmin": f"{market.min_notional:f}",
        "tick_size": f"{market.tick:f}",
        "status": _MARKET_WORDS.get(market.status, "maintenance"),
    }


def _best(symbol: SymbolMarket, side: Side) -> list[str]:
    """Return the best level: its price, its quantity cut to a whole number, and its exact quantity."""
    level = next(iter(symbol.book.levels(side, 1)), (ZERO, ZERO))
    return [price_text(level[0], symbol.market), str(int(level[1])), text(level[1])]


def ticker(symbol: SymbolMarket, now: int) -> Json:
    """Return a ticker.

    Most fields of kraken's ticker hold two values, for today and for the last 24 hours. Here both are for the
    last 24 hours.
    """
    day = symbol.candles.day(now / 1000)
    last = symbol.trades[-1].quantity if symbol.trades else ZERO
    average = day.notional / day.volume if day.volume else day.close

    def twice(value: Decimal) -> list[str]:
        return [price_text(value, symbol.market)] * 2

    return {
        "a": _best(symbol, Side.SELL),
        "b": _best(symbol, Side.BUY),
        "c": [price_text(symbol.last_price, symbol.market), text(last)],
        "v": [text(day.volume)] * 2,
        "p": twice(average),
        "t": [day.trades] * 2,
        "l": twice(day.low),
        "h": twice(day.high),
        "o": price_text(day.open, symbol.market),
    }


def book(symbol: SymbolMarket, count: int, now: int) -> Json:
    def side(of: Side) -> list[list[Any]]:
        levels = symbol.book.levels(of, count)
        return [[price_text(at, symbol.market), text(size), now // 1000] for at, size in levels]

    return {"asks": side(Side.SELL), "bids": side(Side.BUY)}


def public_trade(trade: PublicTrade, market: Market) -> list[Any]:
    """Return a public trade: price, quantity, time in seconds, taker's side, order type, an empty text, id.

    The order type is unknown and always given as ``l``, a limit order.
    """
    side = "s" if trade.buyer_is_maker else "b"
    return [
        price_text(trade.price, market), text(trade.quantity), trade.time / 1000, side, "l", "", trade.id,
    ]  # fmt: skip


def candle(bar: Bar, market: Market) -> list[Any]:
    """Return a candle: opening time in seconds, prices, average price, volume, number of trades."""
    prices = [price_text(each, market) for each in (bar.open, bar.high, bar.low, bar.close)]
    average = bar.notional / bar.volume if bar.volume else bar.close
    return [bar.start, *prices, price_text(average, market), text(bar.volume), bar.trades]


# --- the account ----------------------------------------------------------------------------------


def own_id(order: PaperOrder | PaperTrade) -> Json:
    """Return an object with ``cl_ord_id``, or an empty object if the client gave no id."""
    return {} if order.client_id.startswith(DRAWN) else {"cl_ord_id": order.client_id}


def status(order: PaperOrder) -> str:
    return _STATUSES.get(order.status, "canceled")


def reason(order: PaperOrder) -> str | None:
    return _REASONS.get(order.status)


def kind(order: PaperOrder) -> str:
    return "market" if order.price is None else "limit"


def flags(order: PaperOrder) -> str:
    """Return the flags of an order: ``fciq`` for a fee in quote or ``fcib`` for one in base, and ``post``."""
    in_quote = (order.side is Side.BUY) == order.fee_on_top
    shown = ["fciq" if in_quote else "fcib"]
    return ",".join([*shown, "post"] if order.type == "LIMIT_MAKER" else shown)


def description(order: PaperOrder, market: Market) -> str:
    """Return the order in words, such as ``buy 0.01000000 XBTUSDT @ limit 64000.00``."""
    at = "market" if order.price is None else f"limit {price_text(order.price, market)}"
    return f"{order.side} {text(order.quantity)} {pair_id(market)} @ {at}"


def order_state(
    order: PaperOrder, market: Market, trades: Sequence[PaperTrade], *, with_trades: bool = False
) -> Json:
    """Return an order as lists show it. To show a past state of an order, pass only the trades up to that state."""
    at = ZERO if order.price is None else order.price
    average = order.quote_executed / order.executed if order.executed else ZERO
    shown = {
        "refid": None,
        "userref": None,
        **own_id(order),
        "status": status(order),
        "reason": reason(order),
        "opentm": order.created / 1000,
        "starttm": 0,
        "expiretm": 0,
        "descr": {
            "pair": pair_id(market),
            "type": str(order.side),
            "ordertype": kind(order),
            "price": price_text(at, market) if at else "0",
            "price2": "0",
            "leverage": "none",
            "order": description(order, market),
            "close": "",
        },
        "vol": text(order.quantity),
        "vol_exec": text(order.executed),
        "cost": text(order.quote_executed),
        "fee": text(sum((trade.fee for trade in trades), ZERO)),
        "price": text(average),
        "stopprice": "0.00000",
        "limitprice": "0.00000",
        "misc": "",
        "oflags": flags(order),
    }
    if not order.status.is_open:
        shown["closetm"] = order.updated / 1000
    if with_trades:
        shown["trades"] = [trade_txid(order.id, trade.id) for trade in trades]
    return shown


def own_trade(trade: PaperTrade, order: PaperOrder, market: Market) -> Json:
    return {
        "ordertxid": order_txid(trade.order_id),
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": pair_id(market),
        "time": trade.time / 1000,
        "type": str(trade.side),
        "ordertype": kind(order),
        "price": price_text(trade.price, market),
        "cost": text(trade.price * trade.quantity),
        "fee": text(trade.fee),
        "vol": text(trade.quantity),
        "margin": "0.00000000",
        "leverage": "0",
        "misc": "",
        "trade_id": trade.id,
        "maker": trade.is_maker,
    }


def totals(account: Account, *, with_holds: bool) -> Json:
    """Return the total of each asset, and with ``with_holds`` the part that orders lock."""
    shown: Json = {}
    for name, amounts in sorted(account.balances.items()):
        total = amounts.free + amounts.locked
        if total:
            holds = {"balance": f"{total:f}", "hold_trade": f"{amounts.locked:f}"}
            shown[asset_id(name)] = holds if with_holds else f"{total:f}"
    return shown


def volume(symbols: Iterable[SymbolMarket], maker: Decimal, taker: Decimal) -> Json:
    """Return the fee rates in per cent. They are the same for every pair."""

    def fees(rate: Decimal) -> Json:
        shown = f"{rate * 100:.4f}"
        one = {"fee": shown, "minfee": shown, "maxfee": shown, "nextfee": None, "tiervolume": "0.0000"}
        return {pair_id(symbol.market): one for symbol in symbols}

    symbols = list(symbols)
    return {"currency": "ZUSD", "volume": "0.0000", "fees": fees(taker), "fees_maker": fees(maker)}


def level(at: Decimal, size: Decimal, market: Market) -> tuple[Decimal, Decimal]:
    """Return a level with the decimals that the websockets write."""
    return price(at, market.tick), quantity(size)
