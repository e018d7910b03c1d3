"""Okx's public channels: best quotes, books, trades and tickers.

No message is built for a channel without a subscriber.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web

from execution.core.types import Side
from execution.paper.connections import Connection, Connections, encode
from execution.paper.exchange import Exchange, LevelChanges, SymbolMarket
from execution.paper.okx import dialect
from execution.paper.okx.dialect import MAX_LEVELS, Json
from execution.paper.okx.parameters import instrument
from execution.paper.okx.streams import Talk, no_such_channel
from execution.paper.records import News
from execution.paper.symbols import dashed_symbol

CHANNELS = ("bbo-tbt", "books", "books5", "tickers", "trades")


class MarketChannels:
    """The subscribers of each channel and symbol, and the last values sent to them."""

    def __init__(self, exchange: Exchange, connections: Connections) -> None:
        self._exchange = exchange
        self._connections = connections
        self._talk = Talk(connections, self._subscribe, self._unsubscribe)
        self._subscribers: dict[tuple[str, str], set[Connection]] = defaultdict(set)
        self._sequence = {name: market.book.sequence for name, market in exchange.symbols.items()}
        self._best: dict[str, Any] = {}
        exchange.listeners.append(self.publish)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve ``/ws/v5/public``."""
        return await self._connections.serve(request, lambda _: None, self._talk.receive, self._leave)

    # --- subscribing ----------------------------------------------------------------------------

    def _subscribe(self, connection: Connection, argument: Json) -> None:
        channel, symbol = self._named(argument)
        self._talk.confirm(connection, "subscribe", argument)
        self._subscribers[channel, symbol.name].add(connection)
        if channel == "bbo-tbt":
            # Only the first sets it: the next update is for a change since the last one that was sent.
            self._best.setdefault(symbol.name, _best(symbol))
        first = self._snapshot(channel, symbol)
        if first is not None:
            self._connections.send(connection, encode(first))

    def _unsubscribe(self, connection: Connection, argument: Json) -> None:
        channel, symbol = self._named(argument)
        self._drop((channel, symbol.name), connection)
        self._talk.confirm(connection, "unsubscribe", argument)

    def _named(self, argument: Json) -> tuple[str, SymbolMarket]:
        channel, name = argument.get("channel"), str(argument.get("instId"))
        if channel not in CHANNELS or name.replace("-", "", 1) not in self._exchange.symbols:
            raise no_such_channel(argument)
        return channel, instrument({"instId": name}, self._exchange)

    def _drop(self, key: tuple[str, str], connection: Connection) -> None:
        self._subscribers[key].discard(connection)
        if not self._subscribers[key]:
            del self._subscribers[key]
            if key[0] == "bbo-tbt":
                self._best.pop(key[1], None)

    def _leave(self, connection: Connection) -> None:
        for key in list(self._subscribers):
            self._drop(key, connection)

    def _snapshot(self, channel: str, symbol: SymbolMarket) -> Json | None:
        now = self._exchange.now()
        if channel == "trades":
            return None
        if channel == "tickers":
            return _message(channel, symbol, dialect.ticker(symbol, now))
        if channel != "books":
            return _message(channel, symbol, self._top(symbol, 1 if channel == "bbo-tbt" else 5))
        # The next update may tell some of it again; levels are told whole, so twice is as good as once.
        sequence = {"prevSeqId": -1, "seqId": self._sequence[symbol.name], "checksum": 0}
        data = {**dialect.book(symbol, MAX_LEVELS, now), **sequence}
        return {**_message(channel, symbol, data), "action": "snapshot"}

    def _top(self, symbol: SymbolMarket, levels: int) -> Json:
        return {**dialect.book(symbol, levels, self._exchange.now()), "seqId": symbol.book.sequence}

    # --- publishing -----------------------------------------------------------------------------

    def publish(self, _news: list[News]) -> None:
        """Publish new trades and best quotes after each commit."""
        if not self._subscribers:
            return
        for symbol in self._exchange.symbols.values():
            for trade in symbol.fresh_trades:
                self._send("trades", symbol, partial(dialect.public_trade, trade, symbol.market))
            if ("bbo-tbt", symbol.name) in self._subscribers:
                self._publish_best(symbol)

    def _publish_best(self, symbol: SymbolMarket) -> None:
        best = _best(symbol)
        if best != self._best[symbol.name]:
            self._best[symbol.name] = best
            self._send("bbo-tbt", symbol, partial(self._top, symbol, 1))

    def tick(self, changed: Mapping[str, LevelChanges]) -> None:
        """Publish changed books and tickers at every step. A step takes 100 ms, or the time that a replay sets."""
        for symbol in self._exchange.symbols.values():
            changes = changed[symbol.name]
            if not changes:
                continue
            before = self._sequence[symbol.name]
            self._sequence[symbol.name] = symbol.book.sequence
            if not self._subscribers:
                continue
            update = partial(self._update, symbol, changes, before)
            self._send("books", symbol, update, action="update")
            self._send("books5", symbol, partial(self._top, symbol, 5))
            self._send("tickers", symbol, partial(dialect.ticker, symbol, self._exchange.now()))

    def _update(self, symbol: SymbolMarket, changes: LevelChanges, before: int) -> Json:
        return {
            "asks": [dialect.level(price, left) for side, price, left in changes if side is Side.SELL],
            "bids": [dialect.level(price, left) for side, price, left in changes if side is Side.BUY],
            "ts": str(self._exchange.now()),
            "checksum": 0,
            "prevSeqId": before,
            "seqId": symbol.book.sequence,
        }

    def _send(self, channel: str, symbol: SymbolMarket, build: Callable[[], Json], action: str = "") -> None:
        connections = self._subscribers.get((channel, symbol.name))
        if not connections or self._connections.silent:
            return
        message = _message(channel, symbol, build())
        text = encode({**message, "action": action} if action else message)
        for connection in connections:
            connection.push(text)


def _message(channel: str, symbol: SymbolMarket, entry: Json) -> Json:
    return {"arg": {"channel": channel, "instId": dashed_symbol(symbol.market)}, "data": [entry]}


def _best(symbol: SymbolMarket) -> Any:
    return symbol.book.levels(Side.BUY, 1), symbol.book.levels(Side.SELL, 1)
