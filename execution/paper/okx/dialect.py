"""Okx's JSON for the paper exchange's markets, orders and accounts. It only formats. Every number is a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from execution.core.market_model.matching import SelfTradePrevention
from execution.core.types import ZERO, Market, MarketStatus, Side
from execution.paper.amounts import text
from execution.paper.candles import Bar
from execution.paper.exchange import SymbolMarket
from execution.paper.okx.refusals import translated
from execution.paper.records import Account, OrderStatus, PaperOrder, PaperTrade, PublicTrade
from execution.paper.refusals import Refusal
from execution.paper.symbols import dashed_symbol

Json = dict[str, Any]

#: The most levels on each side of a book.
MAX_LEVELS = 400

STATES = {
    OrderStatus.NEW: "live",
    OrderStatus.PARTIALLY_FILLED: "partially_filled",
    OrderStatus.FILLED: "filled",
}
PREVENTIONS = {
    "cancel_maker": SelfTradePrevention.EXPIRE_MAKER,
    "cancel_taker": SelfTradePrevention.EXPIRE_TAKER,
    "cancel_both": SelfTradePrevention.EXPIRE_BOTH,
}
#: Our type and time in force of an order, by okx's name for both.
ORDER_TYPES = {
    "limit": ("LIMIT", "GTC"),
    "ioc": ("LIMIT", "IOC"),
    "fok": ("LIMIT", "FOK"),
    "post_only": ("LIMIT_MAKER", "GTC"),
    "market": ("MARKET", "GTC"),
}
_TYPE_NAMES = {ours: name for name, ours in ORDER_TYPES.items()}
_PREVENTION_NAMES = {mode: name for name, mode in PREVENTIONS.items()}


# --- the market -----------------------------------------------------------------------------------


def instrument(symbol: SymbolMarket) -> Json:
    market = symbol.market
    largest = text(market.max_quantity)
    return {
        "instType": "SPOT",
        "instId": dashed_symbol(market),
        "baseCcy": market.base,
        "quoteCcy": market.quote,
        "settleCcy": "",
        "tickSz": text(market.tick),
        "lotSz": text(market.lot),
        "minSz": text(market.min_quantity),
        "maxLmtSz": largest,
        "maxMktSz": "1000000",
        "maxLmtAmt": text(market.max_notional or Decimal(20_000_000)),
        "maxMktAmt": "1000000",
        "state": "live" if market.status is MarketStatus.OPEN else "suspend",
        "listTime": "1548133413000",
        "expTime": "",
        "lever": "",
        "category": "1",
        "ruleType": "normal",
        "instFamily": "",
        "uly": "",
    }


def level(price: Decimal, quantity: Decimal) -> list[str]:
    """Return a level: price, quantity, an obsolete figure, and the number of orders, which is unknown (always 1)."""
    return [text(price), text(quantity), "0", "1" if quantity else "0"]


def book(symbol: SymbolMarket, levels: int, now: int) -> Json:
    return {
        "asks": [level(*each) for each in symbol.book.levels(Side.SELL, levels)],
        "bids": [level(*each) for each in symbol.book.levels(Side.BUY, levels)],
        "ts": str(now),
    }


def ticker(symbol: SymbolMarket, now: int) -> Json:
    day = symbol.candles.day(now / 1000)
    last = symbol.trades[-1] if symbol.trades else None
    (bid, bid_size), (ask, ask_size) = _best(symbol, Side.BUY), _best(symbol, Side.SELL)
    return {
        "instType": "SPOT",
        "instId": dashed_symbol(symbol.market),
        "last": text(symbol.last_price),
        "lastSz": text(last.quantity if last else ZERO),
        "askPx": text(ask),
        "askSz": text(ask_size),
        "bidPx": text(bid),
        "bidSz": text(bid_size),
        "open24h": text(day.open),
        "high24h": text(day.high),
        "low24h": text(day.low),
        "volCcy24h": text(day.notional),
        "vol24h": text(day.volume),
        "ts": str(now),
    }


def _best(symbol: SymbolMarket, side: Side) -> tuple[Decimal | None, Decimal | None]:
    best = symbol.book.levels(side, 1)
    return best[0] if best else (None, None)


def candle(bar: Bar, *, is_finished: bool) -> list[str]:
    """Return a candle: opening time, prices, volume in base, volume in quote twice, and whether it is finished."""
    return [
        str(bar.start * 1000), text(bar.open), text(bar.high), text(bar.low), text(bar.close),
        text(bar.volume), text(bar.notional), text(bar.notional), "1" if is_finished else "0",
    ]  # fmt: skip


def public_trade(trade: PublicTrade, market: Market) -> Json:
    """Return a public trade. ``side`` is the side of the taker."""
    return {
        "instId": dashed_symbol(market),
        "tradeId": str(trade.id),
        "px": text(trade.price),
        "sz": text(trade.quantity),
        "side": "sell" if trade.buyer_is_maker else "buy",
        "source": "0",
        "ts": str(trade.time),
    }


# --- the account ----------------------------------------------------------------------------------


def order_state(order: PaperOrder, market: Market, trades: Sequence[PaperTrade]) -> Json:
    """Return an order as queries show it. To show a past state of an order, pass only the trades up to that state."""
    last = trades[-1] if trades else None
    received = market.base if order.side is Side.BUY else market.quote
    return {
        "instType": "SPOT",
        "instId": dashed_symbol(market),
        "ordId": str(order.id),
        "clOrdId": order.client_id,
        "tag": "",
        "ccy": "",
        "px": text(order.price),
        "sz": text(order.quantity),
        "ordType": _TYPE_NAMES[order.type, order.time_in_force],
        "side": str(order.side),
        "posSide": "net",
        "tdMode": "cash",
        "tgtCcy": "base_ccy" if order.type == "MARKET" else "",
        "accFillSz": text(order.executed),
        "avgPx": _average(order),
        "fillPx": text(last.price if last else None),
        "fillSz": text(last.quantity if last else ZERO),
        "fillTime": str(last.time) if last else "",
        "tradeId": str(last.id) if last else "",
        "state": STATES.get(order.status, "canceled"),
        # What is charged is below zero here.
        "fee": text(-sum((trade.fee for trade in trades), ZERO)),
        "feeCcy": received,
        "rebate": "0",
        "rebateCcy": market.quote if order.side is Side.BUY else market.base,
        "pnl": "0",
        "lever": "",
        "category": "normal",
        "source": "",
        "reduceOnly": "false",
        "stpMode": _PREVENTION_NAMES.get(order.prevention, ""),
        "cancelSource": cancel_source(order),
        "cTime": str(order.created),
        "uTime": str(order.updated),
    }  # fmt: skip


def cancel_source(order: PaperOrder) -> str:
    """Return okx's number for the cause of an unfilled order's end, or an empty text if it was not cancelled."""
    if order.status is OrderStatus.CANCELED:
        return "1"  # its owner
    if order.status is OrderStatus.EXPIRED_IN_MATCH:
        return "32"  # self-trade prevention
    if order.status is not OrderStatus.EXPIRED:
        return ""
    if order.type == "LIMIT_MAKER":
        return "31"  # post-only, and would have taken
    return "13" if order.time_in_force == "FOK" else "14"


def _average(order: PaperOrder) -> str:
    if not order.executed:
        return ""
    return text((order.quote_executed / order.executed).quantize(Decimal("0.0000000001")))


def fill(trade: PaperTrade, market: Market) -> Json:
    return {
        "instType": "SPOT",
        "instId": dashed_symbol(market),
        "tradeId": str(trade.id),
        "ordId": str(trade.order_id),
        "clOrdId": trade.client_id,
        "billId": str(trade.number),
        "tag": "",
        "fillPx": text(trade.price),
        "fillSz": text(trade.quantity),
        "side": str(trade.side),
        "posSide": "net",
        "execType": "M" if trade.is_maker else "T",
        "feeCcy": trade.fee_asset,
        "fee": text(-trade.fee),
        "fillTime": str(trade.time),
        "ts": str(trade.time),
    }


def balance(account: Account, currencies: Iterable[str]) -> Json:
    """Return the balances of an account in spot mode, in which ``availEq`` is empty."""
    updated = str(account.updated)
    details = []
    for currency in sorted(currencies):
        held = account.balances[currency]
        total = text(held.free + held.locked)
        details.append(
            {
                "ccy": currency,
                "eq": total,
                "cashBal": total,
                "availBal": text(held.free),
                "frozenBal": text(held.locked),
                "ordFrozen": text(held.locked),
                "availEq": "",
                "uTime": updated,
            }
        )
    return {"uTime": updated, "totalEq": "", "details": details}


def configuration(account: Account) -> Json:
    permissions = ["read_only"]
    permissions += ["trade"] if account.may_trade else []
    permissions += ["withdraw"] if account.may_withdraw else []
    return {
        "uid": "1",
        "mainUid": "1",
        "acctLv": "1",  # spot mode
        "acctStpMode": "cancel_maker",
        "posMode": "net_mode",
        "autoLoan": False,
        "level": "Lv1",
        "label": "paper",
        "ip": "",
        "perm": ",".join(permissions),
    }


def trade_fee(maker: Decimal, taker: Decimal, now: int) -> Json:
    """Return the fee rates. As on okx, a rate that the client pays is negative."""
    return {
        "instType": "SPOT",
        "level": "Lv1",
        "category": "1",
        "maker": text(-maker),
        "taker": text(-taker),
        "makerU": "",
        "takerU": "",
        "ts": str(now),
    }


def acknowledgement(order_id: str, client_id: str, now: int, refusal: Refusal | None = None) -> Json:
    """Return the answer to one order to place or cancel. It says only whether the request was accepted."""
    said = None if refusal is None else translated(refusal)
    return {
        "clOrdId": client_id,
        "ordId": order_id,
        "tag": "",
        "ts": str(now),
        "sCode": "0" if said is None else str(said.code),
        "sMsg": "" if said is None else said.message,
    }
