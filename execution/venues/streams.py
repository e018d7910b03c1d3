"""The private stream and the market streams, over ccxt.pro's caches.

ccxt hands out one object per order and changes it afterwards, and a caller that is not awaiting when an
update comes never sees it. So updates are read where ccxt appends them to its caches: each once, as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ccxt.async_support.base.ws.cache import ArrayCache, ArrayCacheBySymbolById

from execution.core.types import MarketEvent, OrderReport, PublicTrade, Quote, StreamEvent, Trade
from execution.venues import convert
from execution.venues.client import used_sockets
from execution.venues.quirks import ExchangeSpec

log = logging.getLogger(__name__)

SHORTEST_BACK_OFF = 0.5
LONGEST_BACK_OFF = 5.0
CONFIRM_WITHIN = 10.0
#: Where an exchange does not say that it subscribed us: connected, and this many seconds more.
CONFIRM_GRACE = 0.5
CLOSE_WITHIN = 1.0
CACHE = 1000

Clock = Callable[[], datetime]


class Bell:
    """Wakes one stream: news, a watcher that ended, or the gateway closing."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.closed = False

    def ring(self, *_: object) -> None:
        self._event.set()

    def close(self) -> None:
        self.closed = True
        self._event.set()

    async def wait(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # rings or not, both fine
        try:
            await asyncio.wait_for(self._event.wait(), timeout)
        except TimeoutError:
            return
        finally:
            self._event.clear()


@dataclass
class AccountTape:
    """What the private stream said and nobody has taken yet."""

    bell: Bell
    reports: list[OrderReport] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    gap: bool = False

    def take(self) -> StreamEvent | None:
        if not (self.reports or self.trades or self.gap):
            return None
        event = StreamEvent(tuple(self.reports), tuple(self.trades), resumed=self.gap)
        self.reports, self.trades, self.gap = [], [], False
        return event

    def record_order(self, order: Any, quirks: ExchangeSpec) -> None:
        self._record(lambda: self.reports.append(
            convert.order_report(order, symbol=order["symbol"], quirks=quirks)
        ))  # fmt: skip

    def record_trade(self, trade: Any, quirks: ExchangeSpec) -> None:
        self._record(lambda: self.trades.append(streamed_trade(trade, quirks)))

    def _record(self, append: Callable[[], None]) -> None:
        try:
            append()
        except (convert.AnswerError, KeyError, TypeError) as error:
            log.warning("stream message not understood, a look is due: %s", error)
            self.gap = True
        self.bell.ring()


def streamed_trade(trade: Any, quirks: ExchangeSpec) -> Trade:
    """A trade of ours as a private stream tells it."""
    read = convert.own_trade(trade, symbol=trade["symbol"], quirks=quirks)
    if read.fee is None or not quirks.stream_fees_negated:
        return read
    return replace(read, fee=-read.fee)


@dataclass
class MarketTape:
    """The latest quote and all trades of each symbol that nobody has taken yet."""

    bell: Bell
    pending: dict[str, MarketEvent] = field(default_factory=dict)

    def take(self) -> list[MarketEvent]:
        events, self.pending = list(self.pending.values()), {}
        return events

    def quote(self, symbol: str, quote: Quote) -> None:
        event = self.pending.get(symbol, MarketEvent(symbol))
        self.pending[symbol] = replace(event, quote=quote)
        self.bell.ring()

    def trade(self, symbol: str, trade: PublicTrade) -> None:
        event = self.pending.get(symbol, MarketEvent(symbol))
        self.pending[symbol] = replace(event, trades=(*event.trades, trade))
        self.bell.ring()


class OwnCache(ArrayCacheBySymbolById):  # type: ignore[misc]  # ccxt is untyped
    """ccxt's cache of own orders or trades that tells of each update as it is appended."""

    def __init__(self, record: Callable[[Any], None], *, stores: bool) -> None:
        super().__init__(CACHE)
        self._record = record
        self._stores = stores

    def append(self, item: Any) -> None:
        self._record(item)
        if self._stores:
            super().append(item)


class PublicCache(ArrayCache):  # type: ignore[misc]  # ccxt is untyped
    """ccxt's cache of a symbol's public trades that tells of each as it is appended."""

    def __init__(self, record: Callable[[Any], None]) -> None:
        super().__init__(CACHE)
        self._record = record

    def append(self, item: Any) -> None:
        self._record(item)
        super().append(item)


class Watchers:
    """The tasks of one connection of a stream, and the sockets that they opened."""

    def __init__(self, client: Any, bell: Bell) -> None:
        self._client = client
        self._bell = bell
        self._tasks: list[asyncio.Task[Any]] = []
        self._sockets: set[str] = set()

    def start(self, call: Callable[[], Awaitable[Any]]) -> asyncio.Task[Any]:
        async def run() -> None:
            used_sockets.set(self._sockets)
            await call()

        task = asyncio.create_task(run())
        task.add_done_callback(self._bell.ring)
        self._tasks.append(task)
        return task

    async def run(self, call: Callable[[], Awaitable[Any]], seconds: float) -> None:
        """Wait for one call, at most so long."""
        task = self.start(call)
        self._tasks.remove(task)
        try:
            await asyncio.wait_for(task, seconds)
        except asyncio.CancelledError:
            if task.cancelled() and not _is_being_cancelled():
                raise ConnectionError("the socket was closed") from None
            raise

    @property
    def are_connected(self) -> bool:
        sockets = [self._client.clients.get(url) for url in self._sockets]
        return bool(sockets) and all(socket is not None and socket.isConnected for socket in sockets)

    def are_subscribed(self, channel: str) -> bool:
        """Whether the exchange has confirmed the channel on one of the sockets."""
        sockets = [(self._client.clients or {}).get(url) for url in self._sockets]
        return any(socket is not None and channel in socket.confirmed_channels for socket in sockets)

    def raise_ended(self) -> None:
        for task in self._tasks:
            if task.cancelled():
                raise ConnectionError("the socket was closed")
            if task.done():
                task.result()

    async def end(self) -> None:
        """Cancel the tasks and close the sockets: ccxt leaves half-made subscriptions on one that failed,
        and waits for them for ever."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for url in self._sockets:
            if (socket := (self._client.clients or {}).pop(url, None)) is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(socket.close(), CLOSE_WITHIN)


class BackOff:
    """Seconds to wait before the next attempt: twice the last, until a connection proved good."""

    def __init__(self) -> None:
        self._next = SHORTEST_BACK_OFF

    def seconds(self) -> float:
        seconds, self._next = self._next, min(self._next * 2, LONGEST_BACK_OFF)
        return seconds

    def reset(self) -> None:
        self._next = SHORTEST_BACK_OFF


async def watch_account(
    client: Any, *, quirks: ExchangeSpec, bell: Bell, describe: Callable[[BaseException], str]
) -> AsyncGenerator[StreamEvent, None]:
    """Reports and trades of the account until ``bell`` closes; ``resumed`` after each (re)connection,
    ``lost`` after each end of one.

    1. Put our caches in the place of ccxt's, so that nothing is missed from the first message on.
    2. Subscribe and have it confirmed.
    3. Say ``resumed``, then hand on what comes.
    4. On any error: end the watchers, wait, and begin again at 2.
    """
    tape = AccountTape(bell)
    # Where each update is complete there is nothing to merge with, and ccxt's merging does arithmetic
    # on fees that fails for a currency it has not loaded.
    stores = not quirks.complete_updates
    client.orders = OwnCache(lambda order: tape.record_order(order, quirks), stores=stores)
    client.myTrades = OwnCache(lambda trade: tape.record_trade(trade, quirks), stores=stores)
    back_off = BackOff()
    while not bell.closed:
        watchers = Watchers(client, bell)
        try:
            await _open_account(client, quirks, watchers)
            yield StreamEvent(resumed=True)
            while not bell.closed:
                if (event := tape.take()) is not None:
                    back_off.reset()
                    yield event
                watchers.raise_ended()
                await bell.wait()
        except Exception as error:  # noqa: BLE001  # whatever it is, the answer is to connect again
            log.warning("account stream of %s ended: %s", client.id, describe(error))
        finally:
            await watchers.end()
        yield StreamEvent(lost=True)
        await _pause(bell, back_off.seconds())


async def watch_market(
    client: Any, symbols: Sequence[str], *, clock: Clock, bell: Bell, describe: Callable[[BaseException], str]
) -> AsyncGenerator[MarketEvent, None]:
    """Quotes and public trades of ``symbols`` until ``bell`` closes; coalesced for a slow taker."""
    tape = MarketTape(bell)
    for symbol in symbols:
        client.trades[symbol] = PublicCache(_public_recorder(tape, symbol))
    back_off = BackOff()
    while not bell.closed:
        watchers = Watchers(client, bell)
        try:
            for call in _market_calls(client, symbols, tape, clock):
                watchers.start(call)
            while not bell.closed:
                for event in tape.take():
                    back_off.reset()
                    yield event
                watchers.raise_ended()
                await bell.wait()
        except Exception as error:  # noqa: BLE001  # whatever it is, the answer is to connect again
            log.warning("market stream of %s ended: %s", client.id, describe(error))
        finally:
            await watchers.end()
        await _pause(bell, back_off.seconds())


async def _open_account(client: Any, quirks: ExchangeSpec, watchers: Watchers) -> None:
    """Subscribe, and return when the exchange confirmed it (or is connected and had time to)."""
    if quirks.authenticate_confirms:
        await watchers.run(client.authenticate, CONFIRM_WITHIN)
    watchers.start(lambda: _repeat(client.watch_orders))
    if client.has.get("watchMyTrades"):
        watchers.start(lambda: _repeat(client.watch_my_trades))
    if quirks.authenticate_confirms:
        return
    channel = quirks.confirmed_channel
    async with asyncio.timeout(CONFIRM_WITHIN):
        while not (watchers.are_connected if channel is None else watchers.are_subscribed(channel)):
            watchers.raise_ended()
            await asyncio.sleep(0.05)
    if channel is None:
        await asyncio.sleep(CONFIRM_GRACE)


def _market_calls(
    client: Any, symbols: Sequence[str], tape: MarketTape, clock: Clock
) -> list[Callable[[], Awaitable[None]]]:
    """The loops that a market stream runs, by what the exchange has."""
    wanted = list(symbols)
    calls: list[Callable[[], Awaitable[None]]] = []
    if client.has.get("watchBidsAsks"):
        calls.append(lambda: _follow_bids_asks(client, wanted, tape, clock))
    else:
        follow = _follow_book if client.has.get("watchOrderBook") else _follow_ticker
        calls += [_bound(follow, client, symbol, tape, clock) for symbol in wanted]
    if client.has.get("watchTradesForSymbols"):
        calls.append(lambda: _repeat(lambda: client.watch_trades_for_symbols(wanted)))
    else:
        calls += [_bound(_follow_trades, client, symbol) for symbol in wanted]
    return calls


async def _follow_bids_asks(client: Any, symbols: list[str], tape: MarketTape, clock: Clock) -> None:
    """Best bids and asks. All symbols are read at each wake, since one wake may stand for several."""
    seen: dict[str, Any] = {}
    while True:
        await client.watch_bids_asks(symbols)
        for symbol in symbols:
            ticker = client.bidsasks.get(symbol)
            if ticker is not None and ticker is not seen.get(symbol):
                seen[symbol] = ticker
                tape.quote(symbol, convert.quote_of_ticker(ticker, at=clock()))


async def _follow_book(client: Any, symbol: str, tape: MarketTape, clock: Clock) -> None:
    while True:
        book = await client.watch_order_book(symbol)
        tape.quote(symbol, convert.quote_of_book(book, at=clock()))


async def _follow_ticker(client: Any, symbol: str, tape: MarketTape, clock: Clock) -> None:
    while True:
        ticker = await client.watch_ticker(symbol)
        tape.quote(symbol, convert.quote_of_ticker(ticker, at=clock()))


async def _follow_trades(client: Any, symbol: str) -> None:
    while True:
        await client.watch_trades(symbol)  # our cache records them


async def _repeat(call: Callable[[], Awaitable[Any]]) -> None:
    while True:
        await call()  # our caches record what comes


def _public_recorder(tape: MarketTape, symbol: str) -> Callable[[Any], None]:
    def record(trade: Any) -> None:
        try:
            tape.trade(symbol, convert.public_trade(trade, symbol=symbol))
        except convert.AnswerError as error:
            log.warning("public trade of %s not understood: %s", symbol, error)

    return record


def _bound(function: Callable[..., Awaitable[None]], *arguments: Any) -> Callable[[], Awaitable[None]]:
    return lambda: function(*arguments)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _pause(bell: Bell, seconds: float) -> None:
    """Wait, but not past the gateway's closing."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while not bell.closed and (left := until - loop.time()) > 0:
        await bell.wait(left)
