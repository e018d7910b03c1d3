"""The streams of a simulated exchange as one connection hears them: late, twice, out of order, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Generic, TypeVar

from execution.core.types import PublicTrade, Quote, StreamEvent
from execution.verification.faults.exchange import Exchange
from execution.verification.faults.fault_injector import Weather

T = TypeVar("T")

#: A connection that is silent is given up after this long, and made anew.
PATIENCE = 6.0
RECONNECTS = 3.0


class _Stream(Generic[T]):
    """A queue that is filled at the exchange and emptied by the session."""

    def __init__(self, loop: asyncio.AbstractEventLoop, weather: Weather, exchange: Exchange) -> None:
        self._loop = loop
        self._weather = weather
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
    """Private events of one account."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, weather: Weather, exchange: Exchange, account: str
    ) -> None:
        super().__init__(loop, weather, exchange)
        self._account = account
        exchange.published.append(self._hear)
        self._put(StreamEvent(resumed=True))

    def close(self) -> None:
        self.is_closed = True
        if self._hear in self._exchange.published:
            self._exchange.published.remove(self._hear)

    def _hear(self, account: str, event: StreamEvent) -> None:
        if account != self._account or self._is_deaf:
            return
        weather, client_id = self._weather, event.reports[0].client_id or ""
        if weather.strikes("stream cut", client_id):
            self._cut(0.0)
        elif weather.strikes("stream silent", client_id):
            self._cut(PATIENCE)
        elif not weather.strikes("event lost", client_id):
            late = weather.seconds(2.5) if weather.strikes("event late", client_id) else 0.0
            for part in self._context(event, client_id):
                self._later(part, 0.002 + late + weather.seconds(0.05))
            if weather.strikes("event twice", client_id):
                self._later(event, 0.002 + weather.seconds(1.0))

    def _context(self, event: StreamEvent, client_id: str) -> list[StreamEvent]:
        """One event, or its trade and its report apart, in either order."""
        if event.trades and self._weather.strikes("trade before its order", client_id):
            return [replace(event, reports=()), replace(event, trades=())]
        return [event]

    def _cut(self, unnoticed: float) -> None:
        """Everything is missed until the connection stands again; it is noticed after ``unnoticed`` seconds."""
        back = unnoticed + self._weather.seconds(RECONNECTS, 0.1)
        self._deaf_until = self._loop.time() + back
        self._later(StreamEvent(lost=True), unnoticed)
        self._later(StreamEvent(resumed=True), back)


class MarketStream(_Stream[tuple[Quote, tuple[PublicTrade, ...]]]):
    """Quotes and public trades."""

    def __init__(self, loop: asyncio.AbstractEventLoop, weather: Weather, exchange: Exchange) -> None:
        super().__init__(loop, weather, exchange)
        exchange.ticked.append(self._hear)

    def close(self) -> None:
        self.is_closed = True
        if self._hear in self._exchange.ticked:
            self._exchange.ticked.remove(self._hear)

    def _hear(self, quote: Quote, trades: tuple[PublicTrade, ...]) -> None:
        weather = self._weather
        if self._is_deaf:
            return
        if weather.strikes("market silent"):
            self._deaf_until = self._loop.time() + weather.seconds(9.0, 0.5)
            return
        if weather.strikes("quote crossed"):
            quote = replace(quote, bid=quote.ask, ask=quote.bid)
        if weather.strikes("quote not a number"):
            quote = replace(quote, ask=Decimal("NaN"))
        late = weather.seconds(1.5) if weather.strikes("quote late") else 0.0
        self._later((quote, trades), 0.002 + late)
