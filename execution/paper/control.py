"""The control API under ``/_paper/``, for tests: the ledger, faults, stream cuts, the market and its rules.

Every call needs the header ``X-Paper-Control`` with the content of the exchange's file ``control``.
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from aiohttp import web

from execution.core.numbers import NumberRefused, decimal_number, shortened
from execution.core.strict_json import read_json
from execution.core.types import MarketStatus, Side
from execution.paper.connections import encode
from execution.paper.exchange import SymbolMarket
from execution.paper.faults import parse_rule
from execution.paper.records import PaperOrder, PaperTrade
from execution.paper.server import Server

Action = Callable[[Server, dict[str, Any]], Any]


def ledger(server: Server, _body: dict[str, Any]) -> Any:
    """Return the balances, orders and trades of each account, by its key.

    ``times_accepted`` of an order is the number of accepted creates with its client id.
    """
    book = server.exchange.ledger
    accepted = Counter((order.account, order.client_id) for order in book.orders.values())
    return {
        key: {
            "balances": {asset: asdict(balance) for asset, balance in account.balances.items()},
            "orders": [
                _order(order, accepted[key, order.client_id])
                for order in book.orders.values()
                if order.account == key
            ],
            "trades": [
                _trade(trade)
                for (owner, _), trades in book.trades.items()
                if owner == key
                for trade in trades
            ],
        }
        for key, account in book.accounts.items()
    }


def _order(order: PaperOrder, times_accepted: int) -> dict[str, Any]:
    return {
        "id": order.id, "client_id": order.client_id, "symbol": order.symbol, "side": order.side,
        "type": order.type, "time_in_force": order.time_in_force, "price": order.price,
        "quantity": order.quantity, "quote_quantity": order.quote_quantity, "executed": order.executed,
        "quote_executed": order.quote_executed, "status": order.status, "prevention": order.prevention,
        "created": order.created, "updated": order.updated, "times_accepted": times_accepted,
    }  # fmt: skip


def _trade(trade: PaperTrade) -> dict[str, Any]:
    return {
        "id": trade.id, "order_id": trade.order_id, "client_id": trade.client_id, "symbol": trade.symbol,
        "side": trade.side, "price": trade.price, "quantity": trade.quantity, "fee": trade.fee,
        "fee_asset": trade.fee_asset, "is_maker": trade.is_maker, "time": trade.time,
    }  # fmt: skip


def status(server: Server, _body: dict[str, Any]) -> Any:
    """Return the time, the time up to which the markets have run, whether trading is suspended, and a replay's
    progress.

    ``replay`` is null for generated markets.
    """
    exchange = server.exchange
    return {
        "now": exchange.now(),
        "advanced": exchange.advanced,
        "is_suspended": exchange.is_suspended,
        "replay": exchange.source.status(),
    }


def faults_add(server: Server, body: dict[str, Any]) -> Any:
    server.faults.add(parse_rule(body))
    return faults_show(server, body)


def faults_show(server: Server, _body: dict[str, Any]) -> Any:
    return [asdict(rule) for rule in server.faults.rules]


def faults_clear(server: Server, _body: dict[str, Any]) -> Any:
    server.faults.clear()
    return []


def limits(server: Server, _body: dict[str, Any]) -> Any:
    """Return how far the limits on calls have been used, and how many calls were refused.

    ``windows`` has, by the limit's name, the largest number of calls in one time window. Okx and coinbase limit calls
    in this way. ``counters`` has kraken's decaying counters, by the account's key.
    """
    now = server.exchange.clock()
    accounts = server.exchange.ledger.accounts
    return {
        "windows": {name: asdict(usage) for name, usage in server.limits.usage.items()},
        "counters": {key: server.kraken.counters.shown(account, now) for key, account in accounts.items()},
    }


def limits_clear(server: Server, body: dict[str, Any]) -> Any:
    """Set ``peak`` and ``refused`` of the time windows to zero. Kraken's ``counters`` stay as they are."""
    server.limits.usage.clear()
    return limits(server, body)


def streams_cut(server: Server, body: dict[str, Any]) -> Any:
    """Drop all websockets. If ``silent_seconds`` is given, keep them open instead, and send nothing for that time."""
    if "silent_seconds" in body:
        server.connections.silence(float(body["silent_seconds"]))
        return {"cut": 0}
    return {"cut": server.connections.cut()}


def market(server: Server, body: dict[str, Any]) -> Any:
    """Change a market.

    ``freeze`` stops or resumes the simulated participants, and ``mid`` moves their price. With ``quantity``, ``side``
    and perhaps a limit ``price``, a simulated participant takes that quantity from the book.
    """
    symbol = _symbol(server, body)
    if "freeze" in body:
        symbol.frozen = bool(body["freeze"])
        server.exchange.remember_market()
    background = symbol.background
    if "mid" in body:
        background.move_to(_decimal(body, "mid"))
        server.exchange.run_commands(symbol, background.settle(symbol.book))
        server.exchange.remember_market()
    if "quantity" in body:
        price = _decimal(body, "price") if "price" in body else None
        taker = background.taker(Side(str(body["side"]).lower()), _decimal(body, "quantity"), price)
        server.exchange.run_commands(symbol, [taker])
    server.exchange.commit()
    bid, ask = symbol.book.best(Side.BUY), symbol.book.best(Side.SELL)
    return {"symbol": symbol.name, "frozen": symbol.frozen, "mid": background.mid, "bid": bid, "ask": ask}


#: The states that a test may give a market. Each dialect has its own words for them.
STATUSES = (MarketStatus.OPEN, MarketStatus.HALTED, MarketStatus.CANCEL_ONLY, MarketStatus.NOT_LISTED)
NUMBERS = ("tick", "lot", "min_quantity", "min_notional", "max_quantity", "max_notional")

#: The numbers that may be ``null``, which removes the limit.
OPTIONAL = ("max_quantity", "max_notional")


def rules(server: Server, body: dict[str, Any]) -> Any:
    """Change a market's ``status`` and the rules in ``NUMBERS`` until a restart.

    The book and the resting orders stay as they are.
    """
    symbol = _symbol(server, body)
    if unknown := sorted(set(body) - {"symbol", "status", *NUMBERS}):
        raise ValueError(f"{', '.join(unknown)} is none of status, {', '.join(NUMBERS)}")
    changes: dict[str, Any] = {
        name: None if name in OPTIONAL and body[name] is None else _decimal(body, name)
        for name in NUMBERS
        if name in body
    }
    if "status" in body:
        changes["status"] = _status(str(body["status"]))
    symbol.follow_rules(replace(symbol.market, **changes))
    return {"symbol": symbol.name, **asdict(symbol.market)}


def _status(word: str) -> MarketStatus:
    if word not in STATUSES:
        raise ValueError(f"status={word!r} is none of {', '.join(STATUSES)}")
    return MarketStatus(word)


def _symbol(server: Server, body: dict[str, Any]) -> SymbolMarket:
    name = str(body.get("symbol", "")).replace("/", "")
    if name not in server.exchange.symbols:
        raise ValueError(f"symbol={name!r} is none of {sorted(server.exchange.symbols)}")
    return server.exchange.symbols[name]


def _decimal(body: dict[str, Any], name: str) -> Decimal:
    try:
        value = decimal_number(body[name])
    except NumberRefused as refused:
        raise ValueError(f"{name}={shortened(body[name])}: {refused}") from None
    if value <= 0:
        raise ValueError(f"{name}={value} is not positive")
    return value


ROUTES: tuple[tuple[str, str, Action], ...] = (
    ("GET", "/_paper/ledger", ledger),
    ("GET", "/_paper/status", status),
    ("GET", "/_paper/faults", faults_show),
    ("POST", "/_paper/faults", faults_add),
    ("DELETE", "/_paper/faults", faults_clear),
    ("GET", "/_paper/limits", limits),
    ("DELETE", "/_paper/limits", limits_clear),
    ("POST", "/_paper/streams/cut", streams_cut),
    ("POST", "/_paper/market", market),
    ("POST", "/_paper/rules", rules),
)


def add_routes(application: web.Application, server: Server) -> None:
    for method, path, action in ROUTES:
        application.router.add_route(method, path, _guarded(server, action))


def _guarded(server: Server, action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        token = request.headers.get("X-Paper-Control", "")
        if not hmac.compare_digest(token.encode(), server.control_token.encode()):
            return web.Response(status=403, text="X-Paper-Control is missing or wrong.\n")
        try:
            text = await request.text()
            body = read_json(text) if text else {}
            answer = action(server, body)
        except (ValueError, KeyError, AttributeError) as error:
            return web.Response(
                status=400, text=encode({"error": str(error)}), content_type="application/json"
            )
        return web.Response(text=json.dumps(answer, default=str), content_type="application/json")

    return handle
