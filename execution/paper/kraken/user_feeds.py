"""Kraken's private channel ``executions``: first the open orders, then each change of an order and each fill.

Only the first message about an order has all its fields. Later messages have its ids and the changed fields, as
recordings of 2024 to 2026 show.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from execution.core.types import ZERO, Market
from execution.paper.connections import Connection, Connections
from execution.paper.exchange import Exchange
from execution.paper.faults import Faults
from execution.paper.kraken import dialect
from execution.paper.kraken.counters import TIERS
from execution.paper.kraken.encoding import Json, encode, iso_time, price, quantity
from execution.paper.kraken.names import order_txid, trade_txid
from execution.paper.kraken.streams import Talk
from execution.paper.records import Account, News, OrderNews, OrderStatus, PaperOrder, PaperTrade
from execution.paper.refusals import Refusal

CHANNEL = "executions"
#: The number of fills in a snapshot.
SNAPSHOT_TRADES = 50
_STATUSES = {
    OrderStatus.NEW: "new",
    OrderStatus.PARTIALLY_FILLED: "partially_filled",
    OrderStatus.FILLED: "filled",
}


@dataclass(slots=True)
class _Listener:
    account: str
    sequence: int = 0


class UserFeeds:
    """The valid tokens, the connections that listen to each account, and the number of the last message to each."""

    def __init__(self, exchange: Exchange, connections: Connections, faults: Faults) -> None:
        self._exchange = exchange
        self._connections = connections
        self._faults = faults
        self._talk = Talk(exchange, connections, self._subscribe, self._begin, self._unsubscribe)
        self._tokens: dict[str, tuple[str, float]] = {}
        self._listeners: dict[Connection, _Listener] = {}
        exchange.listeners.append(self.publish)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve ``/kraken/private/v2``."""
        return await self._connections.serve(request, self._talk.greet, self._talk.receive, self._leave)

    def new_token(self, account: Account, seconds: float) -> str:
        """Return a token with which a client may subscribe during the next ``seconds``."""
        now = self._exchange.clock()
        self._tokens = {token: entry for token, entry in self._tokens.items() if entry[1] > now}
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (account.key, now + seconds)
        return token

    def tick(self) -> None:
        self._talk.beat()

    # --- subscribing ----------------------------------------------------------------------------

    def _subscribe(self, connection: Connection, parameters: Json) -> list[Json]:
        account = self._account(parameters)
        if connection in self._listeners:
            raise Refusal(0, "Already subscribed")
        self._listeners[connection] = _Listener(account.key)
        orders, trades = _asked(parameters)
        limit = TIERS[account.tier].trading
        return [{"channel": CHANNEL, "maxratecount": limit, "snap_orders": orders, "snap_trades": trades}]

    def _unsubscribe(self, connection: Connection, parameters: Json) -> list[Json]:
        self._account(parameters)
        self._listeners.pop(connection, None)
        return [{"channel": CHANNEL}]

    def _account(self, parameters: Json) -> Account:
        if parameters.get("channel") != CHANNEL:
            raise Refusal(0, "Subscription name invalid")
        key, until = self._tokens.get(str(parameters.get("token")), ("", 0.0))
        if until <= self._exchange.clock():
            raise Refusal(0, "ESession:Invalid session")
        return self._exchange.ledger.accounts[key]

    def _begin(self, connection: Connection, parameters: Json) -> None:
        """Send the snapshot: open orders unless the client excludes them, and the last fills if it asks for them."""
        listener = self._listeners[connection]
        orders, trades = _asked(parameters)
        entries: list[Json] = []
        if orders:
            entries += map(self._resting, self._exchange.ledger.open_orders(listener.account))
        if trades:
            entries += map(self._past_fill, self._last_fills(listener.account))
        self._send(connection, listener, entries, "snapshot")

    def _leave(self, connection: Connection) -> None:
        self._talk.leave(connection)
        self._listeners.pop(connection, None)

    # --- publishing -----------------------------------------------------------------------------

    def publish(self, news: list[News]) -> None:
        """Publish, after each commit, the order events of each account that has a listener."""
        if not self._listeners:
            return
        for item in news:
            if isinstance(item, OrderNews):
                for entry in self._entries(item):
                    self._spread(item.order.account, entry)

    def _spread(self, account: str, entry: Json) -> None:
        """Send an order event to all listeners of the account, with each listener's next sequence number.

        If a fault loses the message, its number is skipped.
        """
        listeners = [each for each in self._listeners.items() if each[1].account == account]
        if not listeners:
            return
        copies = self._faults.copies(account)
        for connection, listener in listeners:
            self._send(connection, listener, [entry], "update", copies)

    def _send(
        self, connection: Connection, listener: _Listener, entries: list[Json], kind: str, copies: int = 1
    ) -> None:
        listener.sequence += 1
        message = {"channel": CHANNEL, "type": kind, "data": entries, "sequence": listener.sequence}
        for _ in range(copies):
            self._talk.send(connection, encode(message))

    # --- what is told ---------------------------------------------------------------------------

    def _entries(self, news: OrderNews) -> Iterable[Json]:
        order, market = news.order, self._exchange.symbols[news.order.symbol].market
        if news.kind == "NEW":
            yield {**_whole(order, market), "exec_type": "pending_new", "order_status": "pending_new"}
            yield _changed(order, "new", news.time)
        elif news.trade is not None:
            yield _fill(order, news.trade, market)
            if order.status is OrderStatus.FILLED:
                yield {**_changed(order, "filled", news.time), **_done(order, market)}
        else:
            why = dialect.reason(order)
            ended = {**_changed(order, "canceled", news.time), **_done(order, market)}
            yield {**ended, "cancel_reason": why, "reason": why}

    def _resting(self, order: PaperOrder) -> Json:
        market = self._exchange.symbols[order.symbol].market
        shown = {**_whole(order, market), **_done(order, market)}
        return {**shown, "exec_type": "new", "order_status": _STATUSES[order.status]}

    def _last_fills(self, account: str) -> list[PaperTrade]:
        trades = [
            trade
            for (key, _), all_ in self._exchange.ledger.trades.items()
            if key == account
            for trade in all_
        ]
        return sorted(trades, key=lambda trade: trade.time)[-SNAPSHOT_TRADES:]

    def _past_fill(self, trade: PaperTrade) -> Json:
        order = self._exchange.ledger.orders[trade.order_id]
        return _fill(order, trade, self._exchange.symbols[trade.symbol].market)


def _asked(parameters: Json) -> tuple[bool, bool]:
    """Return whether the client wants open orders in the snapshot, and whether it wants fills.

    As kraken documents, it gets open orders and no fills by default.
    """
    return bool(parameters.get("snap_orders", True)), bool(parameters.get("snap_trades", False))


def _whole(order: PaperOrder, market: Market) -> Json:
    shown: Json = {
        "order_id": order_txid(order.id),
        "symbol": market.symbol,
        "order_qty": quantity(order.quantity),
        "cum_cost": quantity(ZERO),
        "time_in_force": order.time_in_force,
        "side": str(order.side),
        "order_type": dialect.kind(order),
        **_ids(order),
        "limit_price_type": "static",
        "stop_price": ZERO,
        "fee_usd_equiv": ZERO,
        "fee_ccy_pref": dialect.flags(order).partition(",")[0],
        "timestamp": iso_time(order.created),
    }
    if order.price is not None:
        shown["limit_price"] = price(order.price, market.tick)
    return shown


def _ids(order: PaperOrder) -> Json:
    """Return the client's id, or ``order_userref`` 0 if the client gave none."""
    return dialect.own_id(order) or {"order_userref": 0}


def _changed(order: PaperOrder, word: str, at: int) -> Json:
    return {
        "timestamp": iso_time(at),
        "order_status": word,
        "exec_type": word,
        **_ids(order),
        "order_id": order_txid(order.id),
    }


def _done(order: PaperOrder, market: Market) -> Json:
    average = order.quote_executed / order.executed if order.executed else ZERO
    return {
        "cum_qty": quantity(order.executed),
        "cum_cost": quantity(order.quote_executed),
        "fee_usd_equiv": ZERO,
        "avg_price": average.quantize(market.tick / 1000),
    }


def _fill(order: PaperOrder, trade: PaperTrade, market: Market) -> Json:
    return {
        "order_id": order_txid(order.id),
        "exec_id": trade_txid(order.id, trade.id),
        "exec_type": "trade",
        "trade_id": trade.id,
        "symbol": market.symbol,
        "side": str(order.side),
        "last_qty": quantity(trade.quantity),
        "last_price": price(trade.price, market.tick),
        "liquidity_ind": "m" if trade.is_maker else "t",
        "cost": quantity(trade.price * trade.quantity),
        **_ids(order),
        "order_status": _STATUSES.get(order.status, "filled"),
        "order_type": dialect.kind(order),
        "timestamp": iso_time(trade.time),
        "fee_usd_equiv": ZERO,
        "fees": [{"asset": trade.fee_asset, "qty": quantity(trade.fee)}],
    }
