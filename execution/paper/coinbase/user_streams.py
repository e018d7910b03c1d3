"""Coinbase's channel ``user``: first the open orders, then each change of an order, with cumulative figures."""

from __future__ import annotations

from collections import deque

from execution.paper.coinbase import account_shapes as shapes
from execution.paper.coinbase.account_shapes import Json
from execution.paper.coinbase.wire import Wire
from execution.paper.connections import Connection
from execution.paper.exchange import Exchange
from execution.paper.faults import Faults
from execution.paper.records import Account, News, OrderNews, PaperOrder
from execution.paper.symbols import dashed_symbol

#: The number of open orders in one message of a snapshot.
BATCH = 50


class UserChannel:
    """The listeners to each account's orders. Each listens to some products or to all."""

    def __init__(self, exchange: Exchange, wire: Wire, faults: Faults) -> None:
        self._exchange = exchange
        self._wire = wire
        self._faults = faults
        self._listeners: dict[str, dict[Connection, list[str]]] = {}
        #: Cancels that were sent as queued, each with the time (milliseconds) at which it is sent as done.
        self._queued: deque[tuple[int, OrderNews]] = deque()
        exchange.listeners.append(self.publish)

    def subscribe(self, connection: Connection, account: Account, products: list[str]) -> None:
        """Add a listener and send it the open orders in batches. Without open orders it gets one empty batch."""
        self._listeners.setdefault(account.key, {})[connection] = products
        ledger, now = self._exchange.ledger, self._exchange.now()
        orders = [
            self._told(order, shapes.status(order, now))
            for order in reversed(ledger.open_orders(account.key))
            if not products or self._product(order) in products
        ]
        for begin in range(0, max(len(orders), 1), BATCH):
            batch = orders[begin : begin + BATCH]
            self._wire.send(connection, "user", [{"type": "snapshot", "orders": batch}])

    def leave(self, connection: Connection) -> None:
        for listeners in self._listeners.values():
            listeners.pop(connection, None)

    def publish(self, news: list[News]) -> None:
        """Publish, after each commit, the order events of each account that has a listener."""
        for item in news:
            if not isinstance(item, OrderNews) or not self._listeners.get(item.order.account):
                continue
            for word in _words(item):
                self._tell(item, word)
            if item.kind == "CANCELED":
                self._queued.append((item.time + shapes.CANCEL_QUEUED_FOR, item))

    def tick(self) -> None:
        """At every step, send the state CANCELLED for orders whose cancel has been queued for long enough."""
        while self._queued and self._queued[0][0] <= self._exchange.now():
            self._tell(self._queued.popleft()[1], "CANCELLED")

    def _tell(self, item: OrderNews, word: str) -> None:
        """Send an order in the state ``word``. If a fault loses the message, its number is used up all the same."""
        account, product = item.order.account, self._product(item.order)
        event = {"type": "update", "orders": [self._told(item.order, word)]}
        copies = self._faults.copies(account)
        for connection, products in self._listeners.get(account, {}).items():
            if products and product not in products:
                continue
            if not copies:
                self._wire.skip(connection)
            for _ in range(copies):
                self._wire.send(connection, "user", [event])

    def _told(self, order: PaperOrder, word: str) -> Json:
        """Return the order as the channel sends it, with its trades up to the executed quantity of this state."""
        market = self._exchange.symbols[order.symbol].market
        so_far, trades = [], self._exchange.ledger.by_order[order.id]
        left = order.executed
        for trade in trades:
            if left <= 0:
                break
            so_far.append(trade)
            left -= trade.quantity
        return shapes.streamed_order(order, market, so_far, word)

    def _product(self, order: PaperOrder) -> str:
        return dashed_symbol(self._exchange.symbols[order.symbol].market)


def _words(item: OrderNews) -> tuple[str, ...]:
    """Return the states to send now, one message each.

    A new order is PENDING first. A cancelled order is CANCEL_QUEUED now, and ``tick`` sends CANCELLED later.
    """
    if item.kind == "NEW":
        return ("PENDING", "OPEN") if item.order.price is not None else ("PENDING",)
    if item.kind == "CANCELED":
        return ("CANCEL_QUEUED",)
    return (shapes.final_status(item.order),)
