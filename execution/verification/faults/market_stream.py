"""The public stream of a simulated exchange, in the form that the engine reads."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from dataclasses import replace

from execution.core.market_data.feeds import MarketEvent
from execution.verification.faults.exchange import SYMBOL, Exchange
from execution.verification.faults.process import Process
from execution.verification.faults.streams import AccountStream, MarketStream


class SimulatedMarketStream:
    """A simulated ``venues.protocol.MarketStream`` of one symbol. After a silence it resumes by itself."""

    def __init__(
        self, process: Process, exchange: Exchange, streams: list[AccountStream | MarketStream]
    ) -> None:
        self._process = process
        self._exchange = exchange
        self._streams = streams
        self._books: set[str] = set()
        self._is_to_begin_anew = False

    shows_missing_trades = True

    def want_books(self, symbols: Collection[str]) -> None:
        self._books = set(symbols)

    def reconnect(self, reason: str) -> None:  # noqa: ARG002  as the protocol has it
        self._is_to_begin_anew = True

    async def events(self) -> AsyncGenerator[MarketEvent, None]:
        world, clock = self._process.world, self._process.clock
        stream = MarketStream(world.loop, world.injector, self._exchange)
        self._streams.append(stream)
        while True:
            quote, trades, is_after_silence = await stream.next()
            await self._process.gate()
            world.note_quote(self._exchange, quote)
            interrupted, self._is_to_begin_anew = is_after_silence or self._is_to_begin_anew, False
            if interrupted:
                yield MarketEvent(SYMBOL, interrupted=True)
            now = clock.now()
            book = replace(self._exchange.book, at=now) if SYMBOL in self._books else None
            if book is not None:
                world.note_quote(self._exchange, book.touch)
            yield MarketEvent(SYMBOL, replace(quote, at=now), book, trades)
