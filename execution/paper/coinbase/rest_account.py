"""Signed calls over coinbase's REST: orders, fills, balances and permissions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from execution.paper.coinbase import account_shapes as shapes
from execution.paper.coinbase import refusals
from execution.paper.coinbase.account_shapes import Json, order_number, order_uuid
from execution.paper.coinbase.admission import not_placed
from execution.paper.coinbase.parameters import client_id, draft, limit, listed, moment, product, whole
from execution.paper.coinbase.rest_market import API
from execution.paper.records import OrderStatus, PaperOrder, PaperTrade
from execution.paper.refusals import Refusal
from execution.paper.server import Call, Endpoint
from execution.paper.symbols import dashed_symbol

MAX_ROWS = 1_000
ROWS = 100
#: The states of orders that may still fill. A list of open orders shows all of them. Assumed.
STILL_OPEN = ("PENDING", "OPEN", "CANCEL_QUEUED")

Row = TypeVar("Row", PaperOrder, PaperTrade)


# --- orders ---------------------------------------------------------------------------------------


def place(call: Call) -> Any:
    """Place an order, and answer with its ids but without its state.

    If an order with the client id exists, place nothing and answer with that order.
    """
    _refuse_reader(call)
    known = _by_client_id(call, client_id(call.body))
    if known is None:
        try:
            known = call.exchange.place(call.account, draft(call.body, call.exchange))
        except Refusal as refusal:
            said = refusals.translated(refusal)
            if said.status != 200:
                raise said from None
            return not_placed(said, call.body.get("order_configuration"))
    call.exchange.commit()
    order_id = order_uuid(known.id)
    return {
        "success": True,
        "failure_reason": refusals.UNKNOWN_FAILURE,
        "order_id": order_id,
        "success_response": {
            "order_id": order_id,
            "product_id": dashed_symbol(call.exchange.symbols[known.symbol].market),
            "side": known.side.upper(),
            "client_order_id": known.client_id,
            "attached_order_id": "",
        },
        "order_configuration": shapes.configuration(known),
    }


def _refuse_reader(call: Call) -> None:
    if not call.account.may_trade:
        raise refusals.no_permission()


def _by_client_id(call: Call, name: str) -> PaperOrder | None:
    """Return the account's order with the client id ``name``, in any product and any state."""
    ledger, key = call.exchange.ledger, call.account.key
    found = (ledger.find(key, symbol, None, name) for symbol in call.exchange.symbols)
    return next((order for order in found if order is not None), None)


def cancel(call: Call) -> Any:
    """Cancel several orders, each independently of the others. They can only be named by the exchange's ids."""
    _refuse_reader(call)
    asked = call.body.get("order_ids")
    if not isinstance(asked, list) or not asked or len(asked) > ROWS:
        raise refusals.invalid_argument(f"order_ids must be a list of 1 to {ROWS} ids")
    results = []
    for order_id in asked:
        reason = _cancel(call, str(order_id))
        results.append(
            {
                "success": not reason,
                "failure_reason": reason or "UNKNOWN_CANCEL_FAILURE_REASON",
                "order_id": str(order_id),
            }
        )
    call.exchange.commit()
    return {"results": results}


def _cancel(call: Call, order_id: str) -> str:
    """Cancel an order. Return the reason if it could not be cancelled, else an empty text."""
    order = _mine(call, order_id)
    if order is None:
        return "UNKNOWN_CANCEL_ORDER"
    if order.status is OrderStatus.FILLED:
        return "ORDER_IS_FULLY_FILLED"
    if not order.status.is_open:
        is_queued = shapes.status(order, call.exchange.now()) == "CANCEL_QUEUED"
        return "DUPLICATE_CANCEL_REQUEST" if is_queued else "UNKNOWN_CANCEL_ORDER"
    try:
        call.exchange.cancel(order, "")
    except Refusal:
        return "COMMANDER_REJECTED_CANCEL_ORDER"
    return ""


def _mine(call: Call, order_id: str) -> PaperOrder | None:
    number = order_number(order_id)
    order = call.exchange.ledger.orders.get(number) if number is not None else None
    return order if order is not None and order.account == call.account.key else None


def find(call: Call) -> Any:
    order, lag = _mine(call, call.parameters["order_id"]), call.lag("late_orders")
    seen = call.as_seen([order] if order else [], lag)
    if not seen:
        raise refusals.order_unknown()
    return {"order": _shown(call, seen, lag)[0]}


def history(call: Call) -> Any:
    """Return orders, newest first. They may be limited to some states, but not to a client id."""
    states = _states(call.parameters)
    begin, end = moment(call.parameters, "start_date"), moment(call.parameters, "end_date")
    lag = call.lag("late_orders")
    orders = call.exchange.ledger.orders_of(call.account.key, _symbols(call))
    at = call.exchange.now() - lag
    found = [
        order
        for order in call.as_seen(orders, lag)
        if (not states or shapes.status(order, at) in states)
        and (begin or 0) <= order.created
        and (end is None or order.created < end)
    ]
    page, cursor = _page(call, found, lambda order: order.id)
    shown = _shown(call, page, lag)
    return {"orders": shown, "sequence": "0", "has_next": bool(cursor), "cursor": cursor}


def _states(parameters: Mapping[str, str]) -> set[str]:
    asked = set(listed(parameters, "order_status"))
    return asked | set(STILL_OPEN) if "OPEN" in asked else asked


def is_of_open_orders(parameters: Mapping[str, str]) -> str:
    """Return the target by which fault rules choose a list of orders: ``open_orders`` or ``all_orders``."""
    return "open_orders" if parameters.get("order_status") == "OPEN" else "all_orders"


def _symbols(call: Call) -> list[str]:
    asked = listed(call.parameters, "product_id", "product_ids")
    return [product(call.exchange, name).name for name in asked] or list(call.exchange.symbols)


def _page(call: Call, rows: list[Row], number: Callable[[Row], int]) -> tuple[list[Row], str]:
    """Return the newest rows after the cursor, and the cursor of the next page, which is empty on the last page."""
    after = whole(call.parameters, "cursor")
    left = [row for row in reversed(rows) if after is None or number(row) < after]
    count = limit(call.parameters, ROWS, MAX_ROWS)
    page = left[:count]
    return page, str(number(page[-1])) if len(left) > count else ""


def _shown(call: Call, orders: Iterable[PaperOrder], lag: int) -> list[Json]:
    exchange = call.exchange
    at = exchange.now() - lag
    return [
        shapes.order_state(
            order,
            exchange.symbols[order.symbol].market,
            [trade for trade in exchange.ledger.by_order[order.id] if trade.time <= at],
            shapes.status(order, at),
        )
        for order in orders
    ]


# --- fills and balances ---------------------------------------------------------------------------


def fills(call: Call) -> Any:
    """Return the fills within [start, end], newest first. They may be limited to some orders or products."""
    begin = moment(call.parameters, "start_sequence_timestamp")
    end = moment(call.parameters, "end_sequence_timestamp")
    orders = {order_number(name) for name in listed(call.parameters, "order_id", "order_ids")}
    latest = call.exchange.now() - call.lag("late_trades")
    within = call.exchange.ledger.trades_within(
        call.account.key, _symbols(call), begin, min(latest, end or latest)
    )
    found = [trade for trade in within if not orders or trade.order_id in orders]
    page, cursor = _page(call, found, lambda trade: trade.number)
    markets = call.exchange.symbols
    return {"fills": [shapes.fill(trade, markets[trade.symbol].market) for trade in page], "cursor": cursor}


def accounts(call: Call) -> Any:
    """Return a page of account objects, one per currency. The cursor is the number of currencies on earlier pages."""
    currencies = sorted(call.account.balances)
    begin, count = whole(call.parameters, "cursor") or 0, limit(call.parameters, 49, 250)
    shown = [shapes.currency_account(call.account, each) for each in currencies[begin : begin + count]]
    has_next = begin + count < len(currencies)
    cursor = str(begin + count) if has_next else ""
    return {"accounts": shown, "has_next": has_next, "cursor": cursor, "size": len(shown)}


def permissions(call: Call) -> Any:
    return shapes.key_permissions(call.account)


def summary(call: Call) -> Any:
    ledger = call.exchange.ledger
    return shapes.fee_tier(ledger.maker_fee, ledger.taker_fee)


ORDERS = f"{API}/orders"
ENDPOINTS = (
    Endpoint("POST", ORDERS, "create", 1, place, signed=True),
    Endpoint("POST", f"{ORDERS}/batch_cancel", "cancel", 1, cancel, signed=True),
    Endpoint("GET", f"{ORDERS}/historical/batch", is_of_open_orders, 1, history, signed=True),
    Endpoint("GET", f"{ORDERS}/historical/fills", "trades", 1, fills, signed=True),
    Endpoint("GET", f"{ORDERS}/historical/{{order_id}}", "find", 1, find, signed=True),
    Endpoint("GET", f"{API}/accounts", "account", 1, accounts, signed=True),
    Endpoint("GET", f"{API}/key_permissions", "account", 1, permissions, signed=True),
    Endpoint("GET", f"{API}/transaction_summary", "account", 1, summary, signed=True),
)
