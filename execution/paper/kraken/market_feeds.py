"""Kraken's public channels: best quotes, books with a checksum, and trades.

No message is built for a channel without a subscriber.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from aiohttp import web

from execution.core.types import ZERO, Side
from execution.paper.connections import Connection, Connections
from execution.paper.exchange import Exchange, LevelChanges, SymbolMarket
from execution.paper.kraken import dialect
from execution.paper.kraken.encoding import Json, checksum, encode, iso_time, price, quantity
from execution.paper.kraken.streams import Talk
from execution.paper.records import News, PublicTrade
from execution.paper.refusals import Refusal

CHANNELS = ("ticker", "book", "trade")
#: The events on which a ticker is sent: each trade (the default), or each change of the best quotes.
TRIGGERS = ("trades", "bbo")
DEPTHS = (10, 25, 100, 500, 1000)
SNAPSHOT_TRADES = 50

#: A channel, a symbol, and the channel's option: a ticker's trigger, a book's depth, or None.
Topic = tuple[str, str, Any]
#: The levels of each side that were sent last, by price.
Told = dict[Side, dict[Decimal, Decimal]]


class MarketFeeds:
    """The subscribers of each topic, and the last values sent on it."""

    def __init__(self, exchange: Exchange, connections: Connections) -> None:
        self._exchange = exchange
        self._connections = connections
        self._talk = Talk(exchange, connections, self._subscribe, self._begin, self._unsubscribe)
        self._subscribers: dict[Topic, set[Connection]] = defaultdict(set)
        self._told: dict[Topic, Told] = {}
        self._best: dict[Topic, Any] = {}
        exchange.listeners.append(self.publish)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve ``/kraken/public/v2``."""
        return await self._connections.serve(request, self._talk.greet, self._talk.receive, self._leave)

    # --- subscribing ----------------------------------------------------------------------------

    def _subscribe(self, connection: Connection, parameters: Json) -> list[Json]:
        topics = self._topics(parameters)
        for topic, symbol in topics:
            self._subscribers[topic].add(connection)
            if topic[2] == "bbo":
                # Only the first sets it: the next update is for a change since the last one that was sent.
                self._best.setdefault(topic, _best(symbol))
        return [_confirmation(topic, symbol) for topic, symbol in topics]

    def _unsubscribe(self, connection: Connection, parameters: Json) -> list[Json]:
        topics = self._topics(parameters)
        for topic, _ in topics:
            self._drop(topic, connection)
        return [_confirmation(topic, symbol) for topic, symbol in topics]

    def _begin(self, connection: Connection, parameters: Json) -> None:
        """Send the snapshots of a new subscription. The trade channel sends its snapshot only on request."""
        for topic, symbol in self._topics(parameters):
            channel = topic[0]
            if not parameters.get("snapshot", channel != "trade"):
                continue
            if channel == "book":
                self._publish_book(topic, symbol)  # so that all who subscribed stand at the same book
                entries = [self._snapshot(topic, symbol)]
            elif channel == "ticker":
                entries = self._tickers(symbol)
            else:
                entries = [_trade(trade, symbol) for trade in list(symbol.trades)[-SNAPSHOT_TRADES:]]
            if entries:
                self._talk.send(connection, encode(_message(channel, entries, "snapshot")))

    def _topics(self, parameters: Json) -> list[tuple[Topic, SymbolMarket]]:
        channel, names = str(parameters.get("channel")), parameters.get("symbol")
        if channel not in CHANNELS:
            raise Refusal(0, "Subscription name invalid")
        if not isinstance(names, list):
            raise Refusal(0, "Pair field must be an array")
        detail = self._detail(channel, parameters)
        symbols = [self._symbol(str(name)) for name in names]
        return [((channel, symbol.name, detail), symbol) for symbol in symbols]

    def _detail(self, channel: str, parameters: Json) -> Any:
        if channel == "book":
            depth = parameters.get("depth", DEPTHS[0])
            if depth not in DEPTHS:
                raise Refusal(0, "Subscription depth not supported")
            return depth
        trigger = parameters.get("event_trigger", TRIGGERS[0])
        if channel == "ticker" and trigger not in TRIGGERS:
            raise Refusal(0, "Subscription object unsupported field")
        return trigger if channel == "ticker" else None

    def _symbol(self, name: str) -> SymbolMarket:
        found = next((each for each in self._exchange.listed if each.market.symbol == name), None)
        if found is None:
            raise Refusal(0, f"Currency pair not supported {name}")
        return found

    def _drop(self, topic: Topic, connection: Connection) -> None:
        self._subscribers[topic].discard(connection)
        if not self._subscribers[topic]:
            del self._subscribers[topic]
            self._told.pop(topic, None)
            self._best.pop(topic, None)

    def _leave(self, connection: Connection) -> None:
        self._talk.leave(connection)
        for topic in list(self._subscribers):
            self._drop(topic, connection)

    # --- publishing -----------------------------------------------------------------------------

    def publish(self, _news: list[News]) -> None:
        """Publish, after each commit, new trades, and tickers after a trade or a change of the best quotes."""
        if not self._subscribers:
            return
        for symbol in self._exchange.symbols.values():
            if symbol.fresh_trades:
                self._send(("trade", symbol.name, None), partial(_fresh, symbol))
                self._send(("ticker", symbol.name, "trades"), partial(self._tickers, symbol))
            if (topic := ("ticker", symbol.name, "bbo")) in self._subscribers:
                self._publish_best(topic, symbol)

    def _publish_best(self, topic: Topic, symbol: SymbolMarket) -> None:
        best = _best(symbol)
        if best != self._best[topic]:
            self._best[topic] = best
            self._send(topic, partial(self._tickers, symbol))

    def tick(self, changed: Mapping[str, LevelChanges]) -> None:
        """Publish changed books at every step, and a heartbeat to each connection that got nothing for a second."""
        self._talk.beat()
        for topic in list(self._subscribers):
            if topic[0] == "book" and changed[topic[1]]:
                self._publish_book(topic, self._exchange.symbols[topic[1]])

    def _publish_book(self, topic: Topic, symbol: SymbolMarket) -> None:
        """Publish the changed levels within the topic's depth.

        As kraken documents, a level that falls below this depth is not reported, because clients drop it themselves.
        """
        before, now = self._told.get(topic), _levels(symbol, topic[2])
        self._told[topic] = now
        if before is None or before == now:
            return
        changes = {side: _changes(before[side], now[side], side, topic[2]) for side in Side}
        self._send(topic, lambda: [self._book(symbol, now, changes)])

    def _snapshot(self, topic: Topic, symbol: SymbolMarket) -> Json:
        levels = self._told[topic]
        return self._book(symbol, levels, levels)

    def _book(self, symbol: SymbolMarket, levels: Told, shown: Told) -> Json:
        def written(side: Side) -> list[Json]:
            return [{"price": at, "qty": size} for at, size in shown[side].items()]

        return {
            "symbol": symbol.market.symbol,
            "bids": written(Side.BUY),
            "asks": written(Side.SELL),
            "checksum": checksum(levels[Side.SELL].items(), levels[Side.BUY].items()),
            "timestamp": iso_time(self._exchange.now()),
        }

    def _tickers(self, symbol: SymbolMarket) -> list[Json]:
        (bid, bid_size), (ask, ask_size) = _best(symbol)
        day, tick = symbol.candles.day(self._exchange.clock()), symbol.market.tick
        average = day.notional / day.volume if day.volume else day.close
        change = day.close - day.open
        ticker: Json = {
            "symbol": symbol.market.symbol, "bid": bid, "bid_qty": bid_size, "ask": ask, "ask_qty": ask_size,
            "last": price(symbol.last_price, tick), "volume": quantity(day.volume),
            "vwap": price(average, tick), "low": price(day.low, tick), "high": price(day.high, tick),
            "change": price(change, tick), "change_pct": round(change / day.open * 100, 2),
        }  # fmt: skip
        return [ticker]

    def _send(self, topic: Topic, build: Callable[[], list[Json]]) -> None:
        connections = self._subscribers.get(topic)
        if not connections or self._connections.silent:
            return
        text = encode(_message(topic[0], build(), "update"))
        for connection in connections:
            self._talk.send(connection, text)


def _message(channel: str, entries: list[Json], kind: str) -> Json:
    return {"channel": channel, "type": kind, "data": entries}


def _confirmation(topic: Topic, symbol: SymbolMarket) -> Json:
    channel, _, detail = topic
    beside = {"book": {"depth": detail}, "ticker": {"event_trigger": detail}}.get(channel, {})
    return {"channel": channel, "symbol": symbol.market.symbol, "snapshot": channel != "trade", **beside}


def _levels(symbol: SymbolMarket, depth: int) -> Told:
    return {
        side: dict(dialect.level(*each, symbol.market) for each in symbol.book.levels(side, depth))
        for side in Side
    }


def _best(symbol: SymbolMarket) -> tuple[tuple[Decimal, Decimal], tuple[Decimal, Decimal]]:
    """Return the best bid and the best ask, each as price and quantity. An empty side gives two zeros."""
    bid, ask = (
        next((dialect.level(*each, symbol.market) for each in symbol.book.levels(side, 1)), (ZERO, ZERO))
        for side in (Side.BUY, Side.SELL)
    )
    return bid, ask


def _changes(
    before: dict[Decimal, Decimal], now: dict[Decimal, Decimal], side: Side, depth: int
) -> dict[Decimal, Decimal]:
    """Return the levels that are new or different. A level that is gone has the quantity 0."""
    worst = (min if side is Side.BUY else max)(now, default=None) if len(now) == depth else None
    gone = {
        at: quantity(ZERO)
        for at in before.keys() - now.keys()
        if worst is None or (at > worst if side is Side.BUY else at < worst)
    }
    return gone | {at: size for at, size in now.items() if before.get(at) != size}


def _fresh(symbol: SymbolMarket) -> list[Json]:
    return [_trade(trade, symbol) for trade in symbol.fresh_trades]


def _trade(trade: PublicTrade, symbol: SymbolMarket) -> Json:
    """Return a public trade. ``side`` is the side of the taker."""
    return {
        "symbol": symbol.market.symbol,
        "side": "sell" if trade.buyer_is_maker else "buy",
        "price": price(trade.price, symbol.market.tick),
        "qty": quantity(trade.quantity),
        "ord_type": "limit",
        "trade_id": trade.id,
        "timestamp": iso_time(trade.time),
    }
