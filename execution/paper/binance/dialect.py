"""Binance's JSON for the paper exchange's markets, orders and accounts. It only formats and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from execution.core.types import ZERO, MarketStatus, Side
from execution.paper.candles import Bar
from execution.paper.exchange import SymbolMarket
from execution.paper.records import Account, BalanceNews, OrderNews, PaperOrder, PaperTrade, PublicTrade
from execution.paper.symbols import PRICE_BAND_DOWN, PRICE_BAND_UP

Json = dict[str, Any]

PREVENTION_MODES = ["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH"]
DEFAULT_PREVENTION = "EXPIRE_MAKER"
#: Binance's word for each state that a test may give a market. A market that is not listed is left out instead.
_STATUSES = {
    MarketStatus.OPEN: "TRADING",
    MarketStatus.HALTED: "BREAK",
    MarketStatus.CANCEL_ONLY: "CANCEL_ONLY",
    MarketStatus.NOT_LISTED: "BREAK",
}
#: The largest value of an order, in quote, unless a test has set another.
LARGEST_NOTIONAL = Decimal(9_000_000)
INVALID_JSON: Json = {"error": {"code": 3, "msg": "Invalid JSON"}}


def text(amount: Decimal | None) -> str:
    """Return the amount with eight decimals, as Binance writes every amount."""
    return f"{amount or ZERO:.8f}"


# --- the market -----------------------------------------------------------------------------------


def symbol_information(symbol: SymbolMarket) -> Json:
    market = symbol.market
    return {
        "symbol": symbol.name,
        "status": _STATUSES[market.status],
        "baseAsset": market.base,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(symbol),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": DEFAULT_PREVENTION,
        "allowedSelfTradePreventionModes": PREVENTION_MODES,
    }


def _filters(symbol: SymbolMarket) -> list[Json]:
    market = symbol.market
    largest = text(market.max_quantity)
    up, down = str(PRICE_BAND_UP), str(PRICE_BAND_DOWN)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": text(market.tick),
            "maxPrice": text(Decimal(1_000_000)),
            "tickSize": text(market.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": text(market.min_quantity),
            "maxQty": largest,
            "stepSize": text(market.lot),
        },
        {"filterType": "MARKET_LOT_SIZE", "minQty": text(ZERO), "maxQty": largest, "stepSize": text(ZERO)},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": up,
            "bidMultiplierDown": down,
            "askMultiplierUp": up,
            "askMultiplierDown": down,
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text(market.min_notional),
            "applyMinToMarket": True,
            "maxNotional": text(market.max_notional or LARGEST_NOTIONAL),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    ]


def levels(pairs: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[text(price), text(quantity)] for price, quantity in pairs]


def depth(symbol: SymbolMarket, limit: int) -> Json:
    return {
        "lastUpdateId": symbol.book.sequence,
        "bids": levels(symbol.book.levels(Side.BUY, limit)),
        "asks": levels(symbol.book.levels(Side.SELL, limit)),
    }


def _best(symbol: SymbolMarket, side: Side) -> tuple[Decimal, Decimal]:
    best = symbol.book.levels(side, 1)
    return best[0] if best else (ZERO, ZERO)


def book_ticker(symbol: SymbolMarket) -> Json:
    (bid, bid_size), (ask, ask_size) = _best(symbol, Side.BUY), _best(symbol, Side.SELL)
    return {
        "symbol": symbol.name,
        "bidPrice": text(bid),
        "bidQty": text(bid_size),
        "askPrice": text(ask),
        "askQty": text(ask_size),
    }


def ticker(symbol: SymbolMarket, now: int) -> Json:
    """Return the 24-hour ticker of REST."""
    day = symbol.candles.day(now / 1000)
    change = day.close - day.open
    last = symbol.trades[-1] if symbol.trades else None
    return {
        **book_ticker(symbol),
        "priceChange": text(change),
        "priceChangePercent": f"{change / day.open * 100:.3f}",
        "weightedAvgPrice": text(day.notional / day.volume if day.volume else day.close),
        "prevClosePrice": text(day.open),
        "lastPrice": text(symbol.last_price),
        "lastQty": text(last.quantity if last else ZERO),
        "openPrice": text(day.open),
        "highPrice": text(day.high),
        "lowPrice": text(day.low),
        "volume": text(day.volume),
        "quoteVolume": text(day.notional),
        "openTime": now - 86_400_000,
        "closeTime": now,
        "firstId": max(0, symbol.next_trade_id - day.trades),
        "lastId": symbol.next_trade_id - 1,
        "count": day.trades,
    }


def kline(bar: Bar, seconds: int) -> list[Any]:
    """Return one candle as Binance's list of twelve values.

    They are the open time, four prices, base volume, close time, quote volume and number of trades. The
    takers' buy volume in base and in quote follows, and an unused value.
    """
    return [
        bar.start * 1000,
        text(bar.open),
        text(bar.high),
        text(bar.low),
        text(bar.close),
        text(bar.volume),
        (bar.start + seconds) * 1000 - 1,
        text(bar.notional),
        bar.trades,
        text(bar.buy_volume),
        text(bar.buy_notional),
        "0",
    ]


def public_trade(trade: PublicTrade) -> Json:
    return {
        "id": trade.id,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "quoteQty": text(trade.price * trade.quantity),
        "time": trade.time,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate_trade(trade: PublicTrade) -> Json:
    """Return one trade in the form of an aggregate trade. The aggregate contains only this trade and has its id."""
    return {
        "a": trade.id,
        "p": text(trade.price),
        "q": text(trade.quantity),
        "f": trade.id,
        "l": trade.id,
        "T": trade.time,
        "m": trade.buyer_is_maker,
        "M": True,
    }


# --- the account ----------------------------------------------------------------------------------


def order_head(order: PaperOrder) -> Json:
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": text(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "origQuoteOrderQty": text(order.quote_quantity),
        "cummulativeQuoteQty": text(order.quote_executed),
        "status": str(order.status),
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side.upper(),
        "selfTradePreventionMode": str(order.prevention),
    }


def order_state(order: PaperOrder) -> Json:
    """Return an order as queries show it."""
    return {
        **order_head(order),
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": order.created,
        "updateTime": order.updated,
        "isWorking": True,
        "workingTime": order.created,
    }


def order_acknowledged(order: PaperOrder) -> Json:
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.updated,
    }


def order_accepted(order: PaperOrder, fills: Iterable[PaperTrade]) -> Json:
    """Return the answer to a new order with ``newOrderRespType=FULL``."""
    return {**order_result(order), "fills": [_fill(trade) for trade in fills]}


def order_result(order: PaperOrder) -> Json:
    return {**order_head(order), "transactTime": order.updated, "workingTime": order.created}


def _fill(trade: PaperTrade) -> Json:
    return {
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "commission": text(trade.fee),
        "commissionAsset": trade.fee_asset,
        "tradeId": trade.id,
    }


def order_cancelled(order: PaperOrder, cancel_id: str) -> Json:
    """Return the answer to a cancel.

    ``clientOrderId`` is the id of the cancel, ``origClientOrderId`` that of the order.
    """
    return {
        **order_head(order),
        "origClientOrderId": order.client_id,
        "clientOrderId": cancel_id,
        "transactTime": order.updated,
    }


def account_trade(trade: PaperTrade) -> Json:
    return {
        "symbol": trade.symbol,
        "id": trade.id,
        "orderId": trade.order_id,
        "orderListId": -1,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "quoteQty": text(trade.price * trade.quantity),
        "commission": text(trade.fee),
        "commissionAsset": trade.fee_asset,
        "time": trade.time,
        "isBuyer": trade.side is Side.BUY,
        "isMaker": trade.is_maker,
        "isBestMatch": True,
    }


def account_state(account: Account, maker_fee: Decimal, taker_fee: Decimal, *, omit_zero: bool) -> Json:
    balances = [
        {"asset": asset, "free": text(balance.free), "locked": text(balance.locked)}
        for asset, balance in sorted(account.balances.items())
        if not omit_zero or balance.free or balance.locked
    ]
    maker, taker = text(maker_fee), text(taker_fee)
    return {
        "makerCommission": int(maker_fee * 10_000),
        "takerCommission": int(taker_fee * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": maker, "taker": taker, "buyer": text(ZERO), "seller": text(ZERO)},
        "canTrade": account.may_trade,
        "canWithdraw": account.may_withdraw,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": account.updated,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": 1,
    }


# --- the user's stream ----------------------------------------------------------------------------


def execution_report(news: OrderNews) -> Json:
    """Return one ``executionReport``.

    For a cancel, ``c`` is the client id of the cancel and ``C`` that of the order.
    """
    order, trade = news.order, news.trade
    report = {
        "e": "executionReport",
        "E": news.time,
        "s": order.symbol,
        "c": news.cancel_id or order.client_id,
        "S": order.side.upper(),
        "o": order.type,
        "f": order.time_in_force,
        "q": text(order.quantity),
        "p": text(order.price),
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": order.client_id if news.cancel_id else "",
        "x": news.kind,
        "X": str(order.status),
        "r": "NONE",
        "i": order.id,
        "l": text(trade.quantity if trade else ZERO),
        "z": text(order.executed),
        "L": text(trade.price if trade else ZERO),
        "n": text(trade.fee) if trade else "0",
        "N": trade.fee_asset if trade else None,
        "T": news.time,
        "t": trade.id if trade else -1,
        "I": order.id * 2,
        "w": order.status.is_open and order.price is not None,
        "m": trade.is_maker if trade else False,
        "M": trade is not None,
        "O": order.created,
        "Z": text(order.quote_executed),
        "Y": text(trade.price * trade.quantity if trade else ZERO),
        "Q": text(order.quote_quantity),
        "V": str(order.prevention),
    }
    return report if order.price is None else {**report, "W": order.created}


def account_position(news: BalanceNews) -> Json:
    return {
        "e": "outboundAccountPosition",
        "E": news.time,
        "u": news.time,
        "B": [
            {"a": asset, "f": text(balance.free), "l": text(balance.locked)}
            for asset, balance in news.balances.items()
        ],
    }
