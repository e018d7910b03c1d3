"""The public market streams: depth differences, best quotes, trades and tickers.

No message is built for a stream without a subscriber.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web

from execution.core.types import Side
from execution.paper.binance import dialect
from execution.paper.connections import Connection, Connections, encode, read_object
from execution.paper.exchange import Exchange, LevelChanges, SymbolMarket
from execution.paper.records import News, PublicTrade

PARTIAL_DEPTHS = (5, 10, 20)


class MarketStreams:
    """The subscribers of each stream by its name (``btcusdt@depth@100ms``), and the last values sent."""

    def __init__(self, exchange: Exchange, connections: Connections) -> None:
        self._exchange = exchange
        self._connections = connections
        self._subscribers: dict[str, set[Connection]] = defaultdict(set)
        self._combined: set[Connection] = set()
        self._last_update = {name: market.book.sequence for name, market in exchange.symbols.items()}
        self._last_best: dict[str, dialect.Json] = {}
        self._ticked = 0
        self._ticks_per_second = round(1 / exchange.source.step_seconds)
        exchange.listeners.append(self.publish)

    # --- subscribing ----------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a websocket.

        ``/stream/ws/N`` and ``/ws/NAMES`` send events as they are. ``/stream?streams=NAMES`` puts each event into an
        object that names its stream.
        """
        named = request.query.get("streams") or request.match_info.get("names", "")
        wrapped = request.path == "/stream"

        def enter(connection: Connection) -> None:
            if wrapped:
                self._combined.add(connection)
            for name in filter(None, named.split("/")):
                self._subscribers[name].add(connection)

        return await self._connections.serve(request, enter, self._receive, self._leave)

    def _receive(self, connection: Connection, text: str) -> None:
        message = read_object(text)
        if message is None:
            self._connections.send(connection, encode(dialect.INVALID_JSON))
            return
        method, names = message.get("method"), message.get("params") or []
        result: Any = None
        if method == "SUBSCRIBE":
            for name in names:
                self._subscribers[str(name)].add(connection)
        elif method == "UNSUBSCRIBE":
            for name in names:
                self._unsubscribe(str(name), connection)
        elif method == "LIST_SUBSCRIPTIONS":
            result = [name for name, connections in self._subscribers.items() if connection in connections]
        else:
            error = {"code": 2, "msg": "Invalid request: unknown method"}
            self._connections.send(connection, encode({"error": error, "id": message.get("id")}))
            return
        self._connections.send(connection, encode({"result": result, "id": message.get("id")}))

    def _unsubscribe(self, name: str, connection: Connection) -> None:
        connections = self._subscribers.get(name)
        if connections is not None:
            connections.discard(connection)
            if not connections:
                del self._subscribers[name]
                self._last_best.pop(name, None)

    def _leave(self, connection: Connection) -> None:
        self._combined.discard(connection)
        for name in list(self._subscribers):
            self._unsubscribe(name, connection)

    # --- publishing -----------------------------------------------------------------------------

    def publish(self, _news: list[News]) -> None:
        """Publish new trades and best quotes after each commit, because Binance sends them in real time."""
        if not self._subscribers:
            return
        for symbol in self._exchange.symbols.values():
            for trade in symbol.fresh_trades:
                self._send(symbol, "trade", partial(_trade_event, symbol, trade))
                self._send(symbol, "aggTrade", partial(_aggregate_event, symbol, trade))
            self._publish_best(symbol)

    def tick(self, changed: Mapping[str, LevelChanges]) -> None:
        """Publish depth at every step and tickers every second. A step takes 100 ms, or the time that a replay sets.

        ``changed`` holds the levels that changed since the last call.
        """
        self._ticked += 1
        for symbol in self._exchange.symbols.values():
            changes = changed[symbol.name]
            first = self._last_update[symbol.name] + 1
            self._last_update[symbol.name] = symbol.book.sequence
            if not self._subscribers:
                continue
            if changes:
                self._publish_depth(symbol, first, changes)
            if self._ticked % self._ticks_per_second == 0:
                self._send(symbol, "miniTicker", partial(self._ticker_event, symbol, mini=True))
                self._send(symbol, "ticker", partial(self._ticker_event, symbol, mini=False))

    def _publish_depth(self, symbol: SymbolMarket, first: int, changes: LevelChanges) -> None:
        for suffix in ("depth@100ms", "depth"):
            self._send(symbol, suffix, partial(self._depth_event, symbol, first, changes))
        for levels in PARTIAL_DEPTHS:
            for suffix in (f"depth{levels}@100ms", f"depth{levels}"):
                self._send(symbol, suffix, partial(dialect.depth, symbol, levels))

    def _publish_best(self, symbol: SymbolMarket) -> None:
        name = f"{symbol.name.lower()}@bookTicker"
        if name not in self._subscribers:
            return
        best = dialect.book_ticker(symbol)
        if best == self._last_best.get(name):
            return
        self._last_best[name] = best
        event = {
            "u": symbol.book.sequence, "s": symbol.name, "b": best["bidPrice"], "B": best["bidQty"],
            "a": best["askPrice"], "A": best["askQty"],
        }  # fmt: skip
        self._send(symbol, "bookTicker", lambda: event)

    def _send(self, symbol: SymbolMarket, suffix: str, build: Callable[[], dialect.Json]) -> None:
        name = f"{symbol.name.lower()}@{suffix}"
        connections = self._subscribers.get(name)
        if not connections or self._connections.silent:
            return
        event = build()
        bare = encode(event)
        for connection in connections:
            if connection in self._combined:
                connection.push(encode({"stream": name, "data": event}))
            else:
                connection.push(bare)

    def _depth_event(self, symbol: SymbolMarket, first: int, changes: LevelChanges) -> dialect.Json:
        return {
            "e": "depthUpdate",
            "E": self._exchange.now(),
            "s": symbol.name,
            "U": first,
            "u": symbol.book.sequence,
            "b": dialect.levels((price, left) for side, price, left in changes if side is Side.BUY),
            "a": dialect.levels((price, left) for side, price, left in changes if side is Side.SELL),
        }

    def _ticker_event(self, symbol: SymbolMarket, *, mini: bool) -> dialect.Json:
        now = self._exchange.now()
        ticker = dialect.ticker(symbol, now)
        event = {
            "e": "24hrMiniTicker" if mini else "24hrTicker", "E": now, "s": symbol.name,
            "c": ticker["lastPrice"], "o": ticker["openPrice"], "h": ticker["highPrice"],
            "l": ticker["lowPrice"], "v": ticker["volume"], "q": ticker["quoteVolume"],
        }  # fmt: skip
        if mini:
            return event
        return event | {
            "p": ticker["priceChange"], "P": ticker["priceChangePercent"], "w": ticker["weightedAvgPrice"],
            "x": ticker["prevClosePrice"], "Q": ticker["lastQty"], "b": ticker["bidPrice"],
            "B": ticker["bidQty"], "a": ticker["askPrice"], "A": ticker["askQty"], "O": ticker["openTime"],
            "C": ticker["closeTime"], "F": ticker["firstId"], "L": ticker["lastId"], "n": ticker["count"],
        }  # fmt: skip


def _trade_event(symbol: SymbolMarket, trade: PublicTrade) -> dialect.Json:
    return {
        "e": "trade", "E": trade.time, "s": symbol.name, "t": trade.id, "p": dialect.text(trade.price),
        "q": dialect.text(trade.quantity), "T": trade.time, "m": trade.buyer_is_maker, "M": True,
    }  # fmt: skip


def _aggregate_event(symbol: SymbolMarket, trade: PublicTrade) -> dialect.Json:
    return {"e": "aggTrade", "E": trade.time, "s": symbol.name, **dialect.aggregate_trade(trade)}
