"""Coinbase's public channels: tickers, books and trades.

No message is built for a channel without a subscriber. A message is about one product.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from execution.core.types import Side
from execution.paper.coinbase import dialect
from execution.paper.coinbase.dialect import Json
from execution.paper.coinbase.wire import Wire
from execution.paper.connections import Connection
from execution.paper.exchange import Exchange, LevelChanges, SymbolMarket
from execution.paper.records import News, PublicTrade
from execution.paper.symbols import dashed_symbol

#: Each channel's name in a subscription, and its name in messages.
CHANNELS = {"ticker": "ticker", "level2": "l2_data", "market_trades": "market_trades"}
#: The seconds between two batches: trades are sent together.
BATCH_SECONDS = 0.25
#: The number of trades in a snapshot.
SNAPSHOT_TRADES = 50


class MarketChannels:
    """Subscribers by channel and symbol, and the trades that wait for the next batch."""

    def __init__(self, exchange: Exchange, wire: Wire) -> None:
        self._exchange = exchange
        self._wire = wire
        self._subscribers: dict[tuple[str, str], set[Connection]] = defaultdict(set)
        self._waiting: dict[str, list[PublicTrade]] = defaultdict(list)
        self._sent_trades = 0.0
        exchange.listeners.append(self.publish)

    def subscribe(self, connection: Connection, channel: str, products: Iterable[str]) -> None:
        for symbol in map(self._symbol, products):
            self._subscribers[channel, symbol.name].add(connection)
            self._wire.send(connection, CHANNELS[channel], [self._snapshot(channel, symbol)])

    def unsubscribe(self, connection: Connection, channel: str, products: Iterable[str]) -> None:
        for symbol in map(self._symbol, products):
            self._drop((channel, symbol.name), connection)

    def leave(self, connection: Connection) -> None:
        for key in list(self._subscribers):
            self._drop(key, connection)

    def _symbol(self, product: str) -> SymbolMarket:
        return self._exchange.symbols[product.replace("-", "", 1)]

    def _drop(self, key: tuple[str, str], connection: Connection) -> None:
        self._subscribers[key].discard(connection)
        if not self._subscribers[key]:
            del self._subscribers[key]

    def _snapshot(self, channel: str, symbol: SymbolMarket) -> Json:
        now = self._exchange.now()
        if channel == "ticker":
            return {"type": "snapshot", "tickers": [dialect.ticker(symbol, now)]}
        if channel == "market_trades":
            recent = list(symbol.trades)[-SNAPSHOT_TRADES:]
            return _trades("snapshot", recent, symbol)
        # The next update may tell some of it again; levels are told whole, so twice is as good as once.
        levels = [(side, *level) for side in (Side.BUY, Side.SELL) for level in symbol.book.levels(side)]
        return _levels("snapshot", levels, symbol, now)

    # --- publishing -----------------------------------------------------------------------------

    def publish(self, _news: list[News]) -> None:
        """Add the trades of a commit to the next batch."""
        for symbol in self._exchange.symbols.values():
            if symbol.fresh_trades and ("market_trades", symbol.name) in self._subscribers:
                self._waiting[symbol.name] += symbol.fresh_trades

    def tick(self, changed: Mapping[str, LevelChanges]) -> None:
        """Publish the books and tickers that changed in this step, and the trades if a batch is due."""
        if not self._subscribers:
            return
        now = self._exchange.clock()
        is_due = now - self._sent_trades >= BATCH_SECONDS
        for symbol in self._exchange.symbols.values():
            if changes := changed[symbol.name]:
                milliseconds = int(now * 1000)
                self._send("level2", symbol, partial(_levels, "update", changes, symbol, milliseconds))
                self._send("ticker", symbol, partial(_ticker, symbol, milliseconds))
            if is_due and (trades := self._waiting.pop(symbol.name, None)):
                self._send("market_trades", symbol, partial(_trades, "update", trades, symbol))
        self._sent_trades = now if is_due else self._sent_trades

    def _send(self, channel: str, symbol: SymbolMarket, build: Callable[[], Json]) -> None:
        connections = self._subscribers.get((channel, symbol.name))
        if not connections:
            return
        event = build()
        for connection in connections:
            self._wire.send(connection, CHANNELS[channel], [event])


def _levels(kind: str, changes: LevelChanges, symbol: SymbolMarket, now: int) -> Json:
    product = dashed_symbol(symbol.market)
    return {"type": kind, "product_id": product, "updates": dialect.level_changes(changes, now)}


def _ticker(symbol: SymbolMarket, now: int) -> Json:
    return {"type": "update", "tickers": [dialect.ticker(symbol, now)]}


def _trades(kind: str, trades: list[PublicTrade], symbol: SymbolMarket) -> Json:
    return {"type": kind, "trades": [dialect.public_trade(trade, symbol) for trade in reversed(trades)]}
