"""The streams of a simulated exchange on one connection. Events come late, twice, out of order, or never."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Generic, TypeVar

from execution.core.types import PublicTrade, Quote, StreamEvent
from execution.verification.faults.exchange import Exchange
from execution.verification.faults.fault_injector import FaultInjector

T = TypeVar("T")

#: A silent connection is given up after so many seconds, and opened again.
PATIENCE = 6.0
RECONNECTS = 3.0


class _Stream(Generic[T]):
    def __init__(self, loop: asyncio.AbstractEventLoop, injector: FaultInjector, exchange: Exchange) -> None:
        self._loop = loop
        self._injector = injector
        self._exchange = exchange
        self._queue: asyncio.Queue[T] = asyncio.Queue()
        self._deaf_until = 0.0
        self.is_closed = False

    async def next(self) -> T:
        return await self._queue.get()

    def _later(self, event: T, seconds: float) -> None:
        self._loop.call_later(seconds, self._put, event)

    def _put(self, event: T) -> None:
        if not self.is_closed:
            self._queue.put_nowait(event)

    @property
    def _is_deaf(self) -> bool:
        return self._loop.time() < self._deaf_until


class AccountStream(_Stream[StreamEvent]):
    """The private events of one account."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, injector: FaultInjector, exchange: Exchange, account: str
    ) -> None:
        super().__init__(loop, injector, exchange)
        self._account = account
        exchange.published.append(self._hear)
        self._put(StreamEvent(resumed=True))

    def close(self) -> None:
        self.is_closed = True
        if self._hear in self._exchange.published:
            self._exchange.published.remove(self._hear)

    def reconnect(self) -> None:
        """Connect again. The session asks for it when it finds that the stream omits reports."""
        if not self.is_closed:
            self._cut(0.0)

    def _hear(self, account: str, event: StreamEvent) -> None:
        if account != self._account or self._is_deaf:
            return
        injector, client_id = self._injector, event.reports[0].client_id or ""
        if injector.strikes("stream cut", client_id):
            self._cut(0.0)
        elif injector.strikes("stream silent", client_id):
            self._cut(PATIENCE)
        elif not injector.strikes("event lost", client_id):
            late = injector.seconds(2.5) if injector.strikes("event late", client_id) else 0.0
            for part in self._context(event, client_id):
                self._later(part, 0.002 + late + injector.seconds(0.05))
            if injector.strikes("event twice", client_id):
                self._later(event, 0.002 + injector.seconds(1.0))

    def _context(self, event: StreamEvent, client_id: str) -> list[StreamEvent]:
        if event.trades and self._injector.strikes("trade before its order", client_id):
            return [replace(event, reports=()), replace(event, trades=())]
        return [event]

    def _cut(self, unnoticed: float) -> None:
        """Cut the connection, which is noticed after ``unnoticed`` seconds. Until a reconnect all events are lost."""
        back = unnoticed + self._injector.seconds(RECONNECTS, 0.1)
        self._deaf_until = self._loop.time() + back
        self._later(StreamEvent(lost=True), unnoticed)
        self._later(StreamEvent(resumed=True), back)


class MarketStream(_Stream[tuple[Quote, tuple[PublicTrade, ...], bool]]):
    """Quotes and public trades. The flag in an event is True if events just before it were lost."""

    def __init__(self, loop: asyncio.AbstractEventLoop, injector: FaultInjector, exchange: Exchange) -> None:
        super().__init__(loop, injector, exchange)
        self._has_missed = False
        exchange.ticked.append(self._hear)

    def close(self) -> None:
        self.is_closed = True
        if self._hear in self._exchange.ticked:
            self._exchange.ticked.remove(self._hear)

    def _hear(self, quote: Quote, trades: tuple[PublicTrade, ...]) -> None:
        injector = self._injector
        if self._is_deaf:
            return
        if injector.strikes("market silent"):
            self._deaf_until = self._loop.time() + injector.seconds(9.0, 0.5)
            self._has_missed = True
            return
        if injector.strikes("quote crossed"):
            quote = replace(quote, bid=quote.ask, ask=quote.bid)
        if injector.strikes("quote not a number"):
            quote = replace(quote, ask=Decimal("NaN"))
        late = injector.seconds(1.5) if injector.strikes("quote late") else 0.0
        self._later((quote, trades, self._has_missed), 0.002 + late)
        self._has_missed = False
