"""The private stream of an account, read from ccxt.pro's caches, and the parts that all streams share.

ccxt returns one object per order and changes it later. A caller that is not waiting at the moment of an update never
sees that update. So the desk records each update when ccxt appends it to a cache.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ccxt.async_support.base.ws.cache import ArrayCache, ArrayCacheBySymbolById

from execution.core.retry_pause import RetryPause
from execution.core.types import OrderReport, StreamEvent, Trade
from execution.venues import convert, values
from execution.venues.client import used_sockets
from execution.venues.spec import ExchangeSpec

log = logging.getLogger(__name__)

MIN_BACK_OFF = 0.5
MAX_BACK_OFF = 5.0
CONFIRM_WITHIN = 10.0
#: Seconds after the connection until an account counts as subscribed, on an exchange that does not confirm it.
CONFIRM_GRACE = 0.5
CLOSE_WITHIN = 1.0
CACHE = 1000


class Bell:
    """An event that wakes the reader of one stream: for news, for a task that ended, or because the gateway closes."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.closed = False
        self._suspicion = ""

    def ring(self, *_: object) -> None:
        self._event.set()

    def close(self) -> None:
        self.closed = True
        self._event.set()

    def begin_anew(self, reason: str) -> None:
        """Make the stream end its connection and open a new one, because the stream has omitted reports."""
        self._suspicion = reason
        self._event.set()

    def raise_suspect(self) -> None:
        """Raise ``ConnectionError`` if ``begin_anew`` was called since the last check."""
        reason, self._suspicion = self._suspicion, ""
        if reason:
            raise ConnectionError(reason)

    async def wait(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # rings or not, both fine
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()


@dataclass
class AccountTape:
    """The messages of the private stream since the last ``take``."""

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

    def record_order(self, order: Any, spec: ExchangeSpec) -> None:
        self._record(lambda: self.reports.append(streamed_order(order, spec)))

    def record_trade(self, trade: Any, spec: ExchangeSpec) -> None:
        self._record(lambda: self.trades.append(streamed_trade(trade, spec)))

    def _record(self, append: Callable[[], None]) -> None:
        try:
            append()
        except (values.AnswerError, KeyError, TypeError) as error:
            log.warning("stream message not understood, a read is due: %s", error)
            self.gap = True
        self.bell.ring()


def streamed_order(order: Any, spec: ExchangeSpec) -> OrderReport:
    """Convert an order from a private stream to a report. Raise ``AnswerError`` if it has no symbol."""
    if order["symbol"] is None:
        raise values.AnswerError(f"an order without a symbol: {order.get('id')}")
    if spec.stream_amount_is_filled:
        order = {**order, "amount": None}
    return convert.order_report(order, symbol=order["symbol"], spec=spec)


def streamed_trade(trade: Any, spec: ExchangeSpec) -> Trade:
    """Convert one of our trades from a private stream."""
    read = convert.own_trade(trade, symbol=trade["symbol"], spec=spec)
    if read.fee is None or not spec.stream_fees_negated:
        return read
    more = tuple(replace(part, amount=-part.amount) for part in read.more_fees)
    return replace(read, fee=-read.fee, more_fees=more)


class OwnCache(ArrayCacheBySymbolById):  # type: ignore[misc]  # ccxt is untyped
    """A ccxt cache of our orders or trades that reports each update when ccxt appends it."""

    def __init__(self, record: Callable[[Any], None], *, stores: bool) -> None:
        super().__init__(CACHE)
        self._record = record
        self._stores = stores

    def append(self, item: Any) -> None:
        self._record(item)
        if self._stores:
            super().append(item)


class PublicCache(ArrayCache):  # type: ignore[misc]  # ccxt is untyped
    """A ccxt cache of a symbol's public trades that reports each trade when ccxt appends it."""

    def __init__(self, record: Callable[[Any], None]) -> None:
        super().__init__(CACHE)
        self._record = record

    def append(self, item: Any) -> None:
        self._record(item)
        super().append(item)


class Watchers:
    """The tasks that read one connection of a stream, and the sockets that they opened."""

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
        """Run one call to its end, for at most ``seconds``.

        Raise ``TimeoutError`` after that time, and ``ConnectionError`` if the socket was closed.
        """
        task = self.start(call)
        self._tasks.remove(task)
        try:
            async with asyncio.timeout(seconds):
                await task
        except asyncio.CancelledError:
            if task.cancelled() and not _is_being_cancelled():
                raise ConnectionError("the socket was closed") from None
            raise

    @property
    def are_connected(self) -> bool:
        sockets = [self._client.clients.get(url) for url in self._sockets]
        return bool(sockets) and all(socket is not None and socket.isConnected for socket in sockets)

    def are_subscribed(self, channel: str) -> bool:
        """Return True if the exchange has confirmed the subscription to ``channel`` on one of the sockets."""
        sockets = [(self._client.clients or {}).get(url) for url in self._sockets]
        return any(socket is not None and channel in socket.confirmed_channels for socket in sockets)

    def cancel(self, task: asyncio.Task[Any]) -> None:
        """End one task. Its socket stays open for the others."""
        self._tasks.remove(task)
        task.cancel()

    def raise_ended(self) -> None:
        for task in self._tasks:
            if task.cancelled():
                raise ConnectionError("the socket was closed")
            if task.done():
                task.result()

    async def end(self) -> None:
        """Cancel the tasks and close the sockets.

        On a failed socket, ccxt would otherwise wait for ever for unfinished subscriptions.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for url in self._sockets:
            if (socket := (self._client.clients or {}).pop(url, None)) is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_WITHIN):
                        await socket.close()


async def watch_account(
    client: Any,
    *,
    spec: ExchangeSpec,
    bell: Bell,
    describe: Callable[[BaseException], str],
    before: Callable[[], Awaitable[None]],
) -> AsyncGenerator[StreamEvent, None]:
    """Yield the account's reports and trades until ``bell`` closes.

    An event with ``resumed`` follows each connection, and one with ``lost`` each disconnection. ``before`` is awaited
    before each connection. It takes a place in the rate limit, because ccxt requests a token for the connection and
    does not do so itself.

    1. Replace ccxt's caches with the desk's, so that the first message is not missed.
    2. Subscribe, and wait for the confirmation.
    3. Yield ``resumed``, then the messages.
    4. On any error, end the tasks, wait, and continue with step 2.
    """
    tape = AccountTape(bell)
    # Where each update is complete there is nothing to merge with, and ccxt's merging does arithmetic
    # on fees that fails for a currency it has not loaded.
    stores = not spec.complete_updates
    client.orders = OwnCache(lambda order: tape.record_order(order, spec), stores=stores)
    client.myTrades = OwnCache(lambda trade: tape.record_trade(trade, spec), stores=stores)
    back_off = RetryPause(MIN_BACK_OFF, MAX_BACK_OFF)
    while not bell.closed:
        watchers = Watchers(client, bell)
        try:
            await before()
            await _open_account(client, spec, watchers)
            yield StreamEvent(resumed=True)
            while not bell.closed:
                if (event := tape.take()) is not None:
                    back_off.reset()
                    yield event
                watchers.raise_ended()
                bell.raise_suspect()
                await bell.wait()
        except Exception as error:  # noqa: BLE001  # whatever it is, the answer is to connect again
            log.warning("account stream of %s ended: %s", client.id, describe(error))
        finally:
            await watchers.end()
        yield StreamEvent(lost=True)
        await wait_unless_closed(bell, back_off.seconds())


async def _open_account(client: Any, spec: ExchangeSpec, watchers: Watchers) -> None:
    """Subscribe, and return when the exchange has confirmed it. If the exchange sends no confirmation, return shortly
    after the connection.
    """
    if spec.authenticate_confirms:
        await watchers.run(client.authenticate, CONFIRM_WITHIN)
    watchers.start(lambda: _repeat(partial(client.watch_orders, params=dict(spec.stream_params))))
    if client.has.get("watchMyTrades"):
        watchers.start(lambda: _repeat(client.watch_my_trades))
    if spec.heartbeat_channel is not None:
        # Nothing answers the subscription but the heartbeats, which ccxt hands to nobody: it waits until the end.
        watchers.start(partial(client.subscribe, spec.heartbeat_channel, False))
    if spec.authenticate_confirms:
        return
    channel = spec.confirmed_channel
    async with asyncio.timeout(CONFIRM_WITHIN):
        while not (watchers.are_connected if channel is None else watchers.are_subscribed(channel)):
            watchers.raise_ended()
            await asyncio.sleep(0.05)
    if channel is None:
        await asyncio.sleep(CONFIRM_GRACE)


async def _repeat(call: Callable[[], Awaitable[Any]]) -> None:
    while True:
        await call()  # our caches record what comes


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def wait_unless_closed(bell: Bell, seconds: float) -> None:
    """Wait for ``seconds``, or until the gateway closes if that comes first."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while not bell.closed and (left := until - loop.time()) > 0:
        await bell.wait(left)
