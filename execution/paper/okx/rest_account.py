"""Signed calls over okx's REST: orders, fills, balances and permissions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from execution.paper.okx import dialect, refusals
from execution.paper.okx.dialect import Json
from execution.paper.okx.parameters import MAX_ROWS, draft, instrument, limit, whole
from execution.paper.okx.rest_market import API
from execution.paper.records import OrderStatus, PaperOrder, PaperTrade
from execution.paper.refusals import Refusal
from execution.paper.server import Call, Endpoint

#: An order that was cancelled without a fill can be found for this long after its end.
FORGOTTEN_AFTER = 2 * 3_600_000
MAX_ENTRIES = 20
SWITCH_SHORTEST, SWITCH_LONGEST = 10, 120  # seconds

Row = TypeVar("Row", PaperOrder, PaperTrade)


# --- orders ---------------------------------------------------------------------------------------


def place(call: Call) -> Any:
    """Place one order or several. The answer to each has its ids and not its state."""
    return _each(call, _place)


def cancel(call: Call) -> Any:
    return _each(call, _cancel)


def _each(call: Call, act: Callable[[Call, dict[str, str]], PaperOrder]) -> list[Json]:
    """Carry out ``act`` for each entry. A refused entry does not stop the others."""
    if not call.account.may_trade:
        raise refusals.no_permission()
    if len(call.entries) > MAX_ENTRIES:
        raise Refusal(50025, f"Parameter count exceeds the limit {MAX_ENTRIES}", status=200)
    answers, now = [], call.exchange.now()
    for entry in call.entries:
        try:
            _check_deadline(call, now)
            order = act(call, entry)
        except Refusal as refusal:
            named = entry.get("ordId", ""), entry.get("clOrdId", "")
            answers.append(dialect.acknowledgement(*named, now, refusal))
        else:
            answers.append(dialect.acknowledgement(str(order.id), order.client_id, now))
    call.exchange.commit()
    return answers


def _check_deadline(call: Call, now: int) -> None:
    """Check the header ``expTime``, the last moment at which the request may be accepted. Raise Refusal after it."""
    deadline = whole(call.parameters, "expTime")
    if deadline is not None and deadline < now:
        raise refusals.past_deadline()


def _place(call: Call, entry: dict[str, str]) -> PaperOrder:
    checked = draft(entry, instrument(entry, call.exchange))
    call.server.limits.count_order(call.account.key, call.exchange.clock())
    return call.exchange.place(call.account, checked)


def _cancel(call: Call, entry: dict[str, str]) -> PaperOrder:
    order = _find(call, entry)
    if order is None:
        raise Refusal(51400, "Cancellation failed as the order does not exist.", status=200)
    if order.status is OrderStatus.FILLED:
        raise Refusal(51402, "Cancellation failed as the order is already completed.", status=200)
    if not order.status.is_open:
        raise Refusal(51401, "Cancellation failed as the order is already canceled.", status=200)
    call.exchange.cancel(order, "")
    return order


def _find(call: Call, entry: dict[str, str]) -> PaperOrder | None:
    symbol = instrument(entry, call.exchange)
    order_id, client_id = whole(entry, "ordId"), entry.get("clOrdId")
    if order_id is None and not client_id:
        raise refusals.id_missing()
    return call.exchange.ledger.find(call.account.key, symbol.name, order_id, client_id)


def cancel_all_after(call: Call) -> Any:
    """Start or restart the dead-man's switch with 10 to 120 seconds. 0 seconds disarm it."""
    if not call.account.may_trade:
        raise refusals.no_permission()
    seconds, now = whole(call.entries[0] if call.entries else {}, "timeOut"), call.exchange.now()
    if seconds is None or not (seconds == 0 or SWITCH_SHORTEST <= seconds <= SWITCH_LONGEST):
        raise refusals.wrong("timeOut")
    call.exchange.switches.pop(call.account.key, None)
    if seconds:
        call.exchange.switches[call.account.key] = call.exchange.clock() + seconds
    trigger = now + 1000 * seconds if seconds else 0
    return [{"triggerTime": str(trigger), "tag": "", "ts": str(now)}]


def find(call: Call) -> Any:
    order = _find(call, call.parameters)
    lag = call.lag("late_orders")
    seen = call.as_seen([order] if order else [], lag)
    if not seen or _is_forgotten(call, seen[0]):
        raise refusals.order_unknown()
    return _shown(call, seen, lag)


def pending(call: Call) -> Any:
    """Return the open orders, newest first."""
    lag = call.lag("late_orders")
    found = [order for order in call.as_seen(_mine(call), lag) if order.status.is_open]
    return _shown(call, _page(call, found, lambda order: order.id), lag)


def history(call: Call) -> Any:
    """Return ended orders, newest first. An order without a fill is left out two hours after its end."""
    if call.parameters.get("instType") != "SPOT":
        raise refusals.wrong("instType")
    begin, end = whole(call.parameters, "begin"), whole(call.parameters, "end")
    state, lag = call.parameters.get("state"), call.lag("late_orders")
    found = [
        order
        for order in call.as_seen(_mine(call), lag)
        if not order.status.is_open
        and state in (None, "", dialect.STATES.get(order.status, "canceled"))
        and (begin or 0) <= order.created <= (end or order.created)
        and not _is_forgotten(call, order)
    ]
    return _shown(call, _page(call, found, lambda order: order.id), lag)


def _is_forgotten(call: Call, order: PaperOrder) -> bool:
    has_nothing = not order.status.is_open and not order.executed
    return has_nothing and call.exchange.now() - order.updated > FORGOTTEN_AFTER


def _mine(call: Call) -> list[PaperOrder]:
    """Return the account's orders, oldest first, of one instrument if it is given, else of all."""
    return call.exchange.ledger.orders_of(call.account.key, _symbols(call))


def _symbols(call: Call) -> list[str]:
    if call.parameters.get("instId"):
        return [instrument(call.parameters, call.exchange).name]
    return list(call.exchange.symbols)


def _page(call: Call, rows: list[Row], number: Callable[[Row], int]) -> list[Row]:
    """Return a page of the newest rows.

    If given, ``after`` admits only rows with smaller numbers, and ``before`` only rows with larger ones.
    """
    after, before = whole(call.parameters, "after"), whole(call.parameters, "before")
    chosen = [
        row
        for row in rows
        if (after is None or number(row) < after) and (before is None or number(row) > before)
    ]
    return chosen[::-1][: limit(call.parameters, MAX_ROWS, MAX_ROWS)]


def _shown(call: Call, orders: Iterable[PaperOrder], lag: int) -> list[Json]:
    exchange = call.exchange
    latest = exchange.now() - lag
    return [
        dialect.order_state(
            order,
            exchange.symbols[order.symbol].market,
            [trade for trade in exchange.ledger.by_order[order.id] if trade.time <= latest],
        )
        for order in orders
    ]


# --- fills and balances ---------------------------------------------------------------------------


def fills(call: Call) -> Any:
    """Return the fills within [begin, end], newest first. They may be limited to one order or instrument."""
    ledger, key = call.exchange.ledger, call.account.key
    begin, end = whole(call.parameters, "begin"), whole(call.parameters, "end")
    order_id = whole(call.parameters, "ordId")
    latest = call.exchange.now() - call.lag("late_trades")
    within = ledger.trades_within(key, _symbols(call), begin, min(latest, end or latest))
    found = [trade for trade in within if order_id in (None, trade.order_id)]
    markets = call.exchange.symbols
    return [
        dialect.fill(trade, markets[trade.symbol].market)
        for trade in _page(call, found, lambda trade: trade.number)
    ]


def balance(call: Call) -> Any:
    asked = set(filter(None, call.parameters.get("ccy", "").split(",")))
    held = {
        currency
        for currency, amounts in call.account.balances.items()
        if (not asked or currency in asked) and (amounts.free or amounts.locked)
    }
    return [dialect.balance(call.account, held)]


def configuration(call: Call) -> Any:
    return [dialect.configuration(call.account)]


def trade_fee(call: Call) -> Any:
    if call.parameters.get("instId"):
        instrument(call.parameters, call.exchange)
    ledger = call.exchange.ledger
    return [dialect.trade_fee(ledger.maker_fee, ledger.taker_fee, call.exchange.now())]


def currencies(_call: Call) -> Any:
    """Return an empty list of currencies: there are no deposits and withdrawals here."""
    return []


TRADE = f"{API}/trade"
ENDPOINTS = (
    Endpoint("POST", f"{TRADE}/order", "create", 60, place, signed=True),
    Endpoint("POST", f"{TRADE}/batch-orders", "create", 300, place, signed=True),
    Endpoint("POST", f"{TRADE}/cancel-order", "cancel", 60, cancel, signed=True),
    Endpoint("POST", f"{TRADE}/cancel-batch-orders", "cancel", 300, cancel, signed=True),
    Endpoint("POST", f"{TRADE}/cancel-all-after", "switch", 2, cancel_all_after, signed=True),
    Endpoint("GET", f"{TRADE}/order", "find", 60, find, signed=True),
    Endpoint("GET", f"{TRADE}/orders-pending", "open_orders", 60, pending, signed=True),
    Endpoint("GET", f"{TRADE}/orders-history", "all_orders", 40, history, signed=True),
    Endpoint("GET", f"{TRADE}/orders-history-archive", "all_orders", 20, history, signed=True),
    Endpoint("GET", f"{TRADE}/fills", "trades", 60, fills, signed=True),
    Endpoint("GET", f"{TRADE}/fills-history", "trades", 10, fills, signed=True),
    Endpoint("GET", f"{API}/account/balance", "account", 10, balance, signed=True),
    Endpoint("GET", f"{API}/account/config", "account", 5, configuration, signed=True),
    Endpoint("GET", f"{API}/account/trade-fee", "account", 5, trade_fee, signed=True),
    Endpoint("GET", f"{API}/asset/currencies", "account", 6, currencies, signed=True),
)
