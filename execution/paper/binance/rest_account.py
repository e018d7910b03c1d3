"""Signed calls over REST: orders, trades, balances and permissions."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

from execution.paper import refusals
from execution.paper.binance import dialect
from execution.paper.binance.parameters import client_id, draft, limit, whole
from execution.paper.binance.rest_market import API
from execution.paper.exchange import SymbolMarket
from execution.paper.records import PaperOrder
from execution.paper.refusals import Refusal
from execution.paper.server import Call, Endpoint

DAY_MILLISECONDS = 86_400_000


# --- orders ---------------------------------------------------------------------------------------


def create(call: Call) -> Any:
    """Create an order. Unless the request names a response type, post-only orders get ACK and others FULL."""
    symbol = _symbol(call)
    if not call.account.may_trade:
        raise refusals.unknown_key()
    checked = draft(call.parameters, symbol)
    default = "ACK" if checked.type == "LIMIT_MAKER" else "FULL"
    kind = call.parameters.get("newOrderRespType") or default
    if kind not in ("ACK", "RESULT", "FULL"):
        raise Refusal(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    call.headers.update(call.server.limits.count_order(call.account.key, call.exchange.clock()))
    order = call.exchange.place(call.account, checked)
    call.exchange.commit()
    if kind == "ACK":
        return dialect.order_acknowledged(order)
    if kind == "RESULT":
        return dialect.order_result(order)
    return dialect.order_accepted(order, call.exchange.ledger.by_order[order.id])


def cancel(call: Call) -> Any:
    symbol = _symbol(call)
    order = _find(call, symbol)
    if order is None:
        raise refusals.cancel_unknown()
    cancel_id = client_id(call.parameters, "newClientOrderId")
    call.exchange.cancel(order, cancel_id)
    call.exchange.commit()
    return dialect.order_cancelled(order, cancel_id)


def cancel_all(call: Call) -> Any:
    """Cancel all open orders. Refuse when nothing is open, as Binance does."""
    symbol = _symbol(call)
    orders = call.exchange.ledger.open_orders(call.account.key, symbol.name)
    if not orders:
        raise refusals.cancel_unknown()
    cancelled = call.exchange.cancel_all(orders, lambda: client_id({}, "newClientOrderId"))
    call.exchange.commit()
    return [dialect.order_cancelled(order, cancel_id) for order, cancel_id in cancelled]


def find(call: Call) -> Any:
    order = _find(call, _symbol(call))
    seen = call.as_seen([order] if order else [], call.lag("late_orders"))
    if not seen:
        raise refusals.order_unknown()
    return dialect.order_state(seen[0])


def open_orders(call: Call) -> Any:
    name = _symbol(call).name if call.parameters.get("symbol") else None
    lag = call.lag("late_orders")
    ledger = call.exchange.ledger
    if not lag:
        return [dialect.order_state(order) for order in ledger.open_orders(call.account.key, name)]
    mine = [
        order
        for order in ledger.orders.values()
        if order.account == call.account.key and name in (None, order.symbol)
    ]
    return [dialect.order_state(order) for order in call.as_seen(mine, lag) if order.status.is_open]


def all_orders(call: Call) -> Any:
    """Return orders, oldest first.

    They are those from ``orderId`` on, or those created within [startTime, endTime], or else the latest.
    """
    symbol = _symbol(call)
    start, end = _window(call)
    from_id = whole(call.parameters, "orderId")
    count = limit(call.parameters, 500, 1000)
    mine = list(call.exchange.ledger.by_account[call.account.key, symbol.name].values())
    found = [
        order
        for order in call.as_seen(mine, call.lag("late_orders"))
        if (from_id is None or order.id >= from_id)
        and (start is None or order.created >= start)
        and (end is None or order.created <= end)
    ]
    chosen = found[:count] if from_id is not None or start is not None else found[-count:]
    return [dialect.order_state(order) for order in chosen]


def _symbol(call: Call) -> SymbolMarket:
    return call.exchange.symbol(call.parameters.get("symbol"))


def _find(call: Call, symbol: SymbolMarket) -> PaperOrder | None:
    order_id = whole(call.parameters, "orderId")
    original = call.parameters.get("origClientOrderId")
    if order_id is None and not original:
        text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        raise Refusal(-1102, text)
    return call.exchange.ledger.find(call.account.key, symbol.name, order_id, original)


def _window(call: Call) -> tuple[int | None, int | None]:
    """Return startTime and endTime, at most a day apart."""
    start, end = whole(call.parameters, "startTime"), whole(call.parameters, "endTime")
    if start is not None and end is not None:
        if end < start:
            raise Refusal(-1128, "Combination of optional parameters invalid.")
        if end - start > DAY_MILLISECONDS:
            raise Refusal(-1127, "More than 24 hours between startTime and endTime.")
    return start, end


# --- trades and balances --------------------------------------------------------------------------


def my_trades(call: Call) -> Any:
    """Return trades, oldest first.

    They are those from ``fromId`` on, those within [startTime, endTime], or those of one order, or else the latest.
    """
    symbol = _symbol(call)
    start, end = _window(call)
    from_id, order_id = whole(call.parameters, "fromId"), whole(call.parameters, "orderId")
    if from_id is not None and (start is not None or end is not None):
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    count = limit(call.parameters, 500, 1000)
    latest = call.exchange.now() - call.lag("late_trades")
    ledger = call.exchange.ledger
    trades = ledger.trades[call.account.key, symbol.name]
    if order_id is not None:
        trades = ledger.trades_of(call.account.key, symbol.name, order_id)
    # Both ids and times only ever grow within an account's trades of a symbol.
    first = bisect_left(trades, start or 0, key=lambda trade: trade.time)
    first = max(first, bisect_left(trades, from_id or 0, key=lambda trade: trade.id))
    last = bisect_right(trades, latest if end is None else min(end, latest), key=lambda trade: trade.time)
    found = trades[first:last]
    ascending = from_id is not None or start is not None
    return [dialect.account_trade(trade) for trade in (found[:count] if ascending else found[-count:])]


def account(call: Call) -> Any:
    ledger = call.exchange.ledger
    omit_zero = call.parameters.get("omitZeroBalances") == "true"
    return dialect.account_state(call.account, ledger.maker_fee, ledger.taker_fee, omit_zero=omit_zero)


def commission(call: Call) -> Any:
    ledger = call.exchange.ledger
    nothing = {"maker": "0.00000000", "taker": "0.00000000", "buyer": "0.00000000", "seller": "0.00000000"}
    standard = {**nothing, "maker": dialect.text(ledger.maker_fee), "taker": dialect.text(ledger.taker_fee)}
    return {
        "symbol": _symbol(call).name,
        "standardCommission": standard,
        "specialCommission": nothing,
        "taxCommission": nothing,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": "0",
        },
    }


def trade_fees(call: Call) -> Any:
    ledger = call.exchange.ledger
    names = [_symbol(call).name] if call.parameters.get("symbol") else list(call.exchange.symbols)
    maker, taker = str(ledger.maker_fee), str(ledger.taker_fee)
    return [{"symbol": name, "makerCommission": maker, "takerCommission": taker} for name in names]


def key_restrictions(call: Call) -> Any:
    """Return the permissions of the key."""
    denied = (
        "ipRestrict", "enableInternalTransfer", "enableMargin", "enableFutures", "permitsUniversalTransfer",
        "enableVanillaOptions", "enableFixApiTrade", "enableFixReadOnly", "enablePortfolioMarginTrading",
    )  # fmt: skip
    return {
        **dict.fromkeys(denied, False),
        "createTime": call.account.updated,
        "enableReading": True,
        "enableSpotAndMarginTrading": call.account.may_trade,
        "enableWithdrawals": call.account.may_withdraw,
    }


ENDPOINTS = (
    Endpoint("POST", f"{API}/order", "create", 1, create, signed=True),
    Endpoint("GET", f"{API}/order", "find", 4, find, signed=True),
    Endpoint("DELETE", f"{API}/order", "cancel", 1, cancel, signed=True),
    Endpoint("DELETE", f"{API}/openOrders", "cancel", 1, cancel_all, signed=True),
    Endpoint(
        "GET",
        f"{API}/openOrders",
        "open_orders",
        lambda p: 6 if p.get("symbol") else 80,
        open_orders,
        signed=True,
    ),
    Endpoint("GET", f"{API}/allOrders", "all_orders", 20, all_orders, signed=True),
    Endpoint(
        "GET", f"{API}/myTrades", "trades", lambda p: 5 if p.get("orderId") else 20, my_trades, signed=True
    ),
    Endpoint("GET", f"{API}/account", "account", 20, account, signed=True),
    Endpoint("GET", f"{API}/account/commission", "account", 20, commission, signed=True),
    Endpoint("GET", "/sapi/v1/account/apiRestrictions", "account", 1, key_restrictions, signed=True),
    Endpoint("GET", "/sapi/v1/asset/tradeFee", "account", 1, trade_fees, signed=True),
)
