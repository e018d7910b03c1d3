"""Signed calls over kraken's REST: orders, trades, balances and the token of the private stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from execution.core.types import Side
from execution.paper.kraken import dialect, refusals
from execution.paper.kraken.dialect import Json
from execution.paper.kraken.names import order_number, order_txid, trade_txid
from execution.paper.kraken.parameters import check_deadline, draft, is_true, pair, pairs, seconds, whole
from execution.paper.records import Draft, PaperOrder, PaperTrade
from execution.paper.server import Call, Endpoint

#: The rows on a page of ended orders or of trades.
PAGE = 50
#: The most orders that one call may ask for by their ids.
MAX_IDS = 50
TOKEN_SECONDS = 900

Row = TypeVar("Row", PaperOrder, PaperTrade)


# --- orders ---------------------------------------------------------------------------------------


def add_order(call: Call) -> Any:
    """Add an order, and answer with ids only.

    The order is counted in the trading counter, even if it is refused afterwards. Then deadline and order are
    checked.
    """
    exchange, counters = call.exchange, call.server.kraken.counters
    if not call.account.may_trade:
        raise refusals.no_permission()
    symbol = pair(call.parameters, exchange)
    only_checks = is_true(call.parameters, "validate")
    if not only_checks:
        counters.count_create(call.account, symbol.name, exchange.clock())
    check_deadline(call.parameters, exchange.now())
    checked = draft(call.parameters, symbol)
    if only_checks:
        return {"descr": {"order": _planned(checked, call)}}
    resting = exchange.ledger.open_orders(call.account.key)
    counters.check_open_orders(
        call.account, symbol.name, sum(order.symbol == symbol.name for order in resting)
    )
    # An own id is unique among all open orders of the client, whatever their pair (documented).
    if any(order.client_id == checked.client_id for order in resting):
        raise refusals.not_unique()
    order = exchange.place(call.account, checked)
    exchange.commit()
    described = dialect.description(order, symbol.market)
    return {"descr": {"order": described}, "txid": [order_txid(order.id)]}


def _planned(checked: Draft, call: Call) -> str:
    """Return the description of an order that is only checked and not placed."""
    symbol = call.exchange.symbol(checked.symbol)
    order = PaperOrder(
        id=0, account="", symbol=checked.symbol, client_id="", side=Side(checked.side), type=checked.type,
        time_in_force=checked.time_in_force, price=checked.price, quantity=checked.quantity,
        quote_quantity=checked.quote_quantity, prevention=checked.prevention, created=0, updated=0,
    )  # fmt: skip
    return dialect.description(order, symbol.market)


def cancel_order(call: Call) -> Any:
    if not call.account.may_trade:
        raise refusals.no_permission()
    exchange = call.exchange
    order = _to_cancel(call)
    if order is None or not order.status.is_open:
        raise refusals.unknown_order()
    now = exchange.clock()
    age = now - order.created / 1000
    call.server.kraken.counters.count_cancel(call.account, order.symbol, age, now)
    exchange.cancel(order, "")
    exchange.commit()
    return {"count": 1}


def cancel_all(call: Call) -> Any:
    """Cancel all open orders. The call adds nothing to the trading counters, as is assumed of kraken."""
    if not call.account.may_trade:
        raise refusals.no_permission()
    cancelled = call.exchange.cancel_all(call.exchange.ledger.open_orders(call.account.key))
    call.exchange.commit()
    return {"count": len(cancelled)}


def _to_cancel(call: Call) -> PaperOrder | None:
    """Return the order with the id ``txid``, or, if there is no ``txid``, the open order with the client's id."""
    txid, client_id = call.parameters.get("txid", ""), call.parameters.get("cl_ord_id", "")
    if txid:
        return _by_txid(call, txid)
    if not client_id:
        raise refusals.wrong("txid")
    resting = call.exchange.ledger.open_orders(call.account.key)
    return next((order for order in resting if order.client_id == client_id), None)


def _by_txid(call: Call, txid: str) -> PaperOrder | None:
    number = order_number(txid)
    order = call.exchange.ledger.orders.get(number) if number is not None else None
    return order if order is not None and order.account == call.account.key else None


def query_orders(call: Call) -> Any:
    """Return up to fifty orders by their ids. One unknown id makes the whole call fail, as is assumed of kraken."""
    txids = [txid for txid in call.parameters.get("txid", "").split(",") if txid]
    if not 0 < len(txids) <= MAX_IDS:
        raise refusals.wrong("txid")
    lag = call.lag("late_orders")
    found = [order for order in (_by_txid(call, txid) for txid in txids) if order is not None]
    seen = call.as_seen(found, lag)
    if len(seen) != len(txids):
        raise refusals.unknown_order()
    return _shown(call, seen, lag)


def open_orders(call: Call) -> Any:
    lag = call.lag("late_orders")
    found = [order for order in _narrowed(call, lag) if order.status.is_open]
    return {"open": _shown(call, found, lag)}


def closed_orders(call: Call) -> Any:
    """Return a page of fifty ended orders from the offset ``ofs`` on. The one that ended last comes first."""
    lag = call.lag("late_orders")
    start, end = seconds(call.parameters, "start"), seconds(call.parameters, "end")
    found = [
        order
        for order in _narrowed(call, lag)
        if not order.status.is_open and _is_within(order.updated, start, end)
    ]
    page = _page(call, found, lambda order: (order.updated, order.id))
    return {"closed": _shown(call, page, lag), "count": len(found)}


def _narrowed(call: Call, lag: int) -> list[PaperOrder]:
    """Return the account's orders as they were ``lag`` milliseconds ago: all, or those with ``cl_ord_id``."""
    wanted = call.parameters.get("cl_ord_id", "")
    mine = [
        order
        for (key, _), orders in call.exchange.ledger.by_account.items()
        if key == call.account.key
        for order in orders.values()
        if wanted in ("", order.client_id)
    ]
    return sorted(call.as_seen(mine, lag), key=lambda order: order.id)


def _is_within(at: int, start: float | None, end: float | None) -> bool:
    """Return whether a time is after ``start`` and not after ``end``, as kraken documents."""
    return (start is None or at > start) and (end is None or at <= end)


def _page(call: Call, rows: list[Row], newest: Callable[[Row], tuple[int, int]]) -> list[Row]:
    offset = whole(call.parameters, "ofs") or 0
    return sorted(rows, key=newest, reverse=True)[offset : offset + PAGE]


def _shown(call: Call, orders: Iterable[PaperOrder], lag: int) -> Json:
    exchange, with_trades = call.exchange, is_true(call.parameters, "trades")
    latest = exchange.now() - lag
    return {
        order_txid(order.id): dialect.order_state(
            order,
            exchange.symbols[order.symbol].market,
            [trade for trade in exchange.ledger.by_order[order.id] if trade.time <= latest],
            with_trades=with_trades,
        )
        for order in orders
    }


# --- trades and balances --------------------------------------------------------------------------


def trades_history(call: Call) -> Any:
    """Return a page of fifty of the account's trades, newest first, from the offset ``ofs`` on.

    Keys are the trades' ids.
    """
    ledger, symbols = call.exchange.ledger, call.exchange.symbols
    start, end = seconds(call.parameters, "start"), seconds(call.parameters, "end")
    latest = call.exchange.now() - call.lag("late_trades")
    found = [
        trade
        for (key, _), trades in ledger.trades.items()
        if key == call.account.key
        for trade in trades
        if trade.time <= latest and _is_within(trade.time, start, end)
    ]
    shown = {
        trade_txid(trade.order_id, trade.id): dialect.own_trade(
            trade, ledger.orders[trade.order_id], symbols[trade.symbol].market
        )
        for trade in _page(call, found, lambda trade: (trade.time, trade.id))
    }
    return {"trades": shown, "count": len(found)}


def balance(call: Call) -> Any:
    return dialect.totals(call.account, with_holds=False)


def extended_balance(call: Call) -> Any:
    return dialect.totals(call.account, with_holds=True)


def trade_volume(call: Call) -> Any:
    ledger = call.exchange.ledger
    return dialect.volume(pairs(call.parameters, call.exchange), ledger.maker_fee, ledger.taker_fee)


def websockets_token(call: Call) -> Any:
    token = call.server.kraken.user_feeds.new_token(call.account, TOKEN_SECONDS)
    return {"token": token, "expires": TOKEN_SECONDS}


PRIVATE = "/0/private"
ENDPOINTS = (
    Endpoint("POST", f"{PRIVATE}/AddOrder", "create", 0, add_order, signed=True),
    Endpoint("POST", f"{PRIVATE}/CancelOrder", "cancel", 0, cancel_order, signed=True),
    Endpoint("POST", f"{PRIVATE}/CancelAll", "cancel", 1, cancel_all, signed=True),
    Endpoint("POST", f"{PRIVATE}/QueryOrders", "find", 1, query_orders, signed=True),
    Endpoint("POST", f"{PRIVATE}/OpenOrders", "open_orders", 1, open_orders, signed=True),
    Endpoint("POST", f"{PRIVATE}/ClosedOrders", "all_orders", 1, closed_orders, signed=True),
    Endpoint("POST", f"{PRIVATE}/TradesHistory", "trades", 2, trades_history, signed=True),
    Endpoint("POST", f"{PRIVATE}/Balance", "account", 1, balance, signed=True),
    Endpoint("POST", f"{PRIVATE}/BalanceEx", "account", 1, extended_balance, signed=True),
    Endpoint("POST", f"{PRIVATE}/TradeVolume", "account", 1, trade_volume, signed=True),
    Endpoint("POST", f"{PRIVATE}/GetWebSocketsToken", "account", 1, websockets_token, signed=True),
)
