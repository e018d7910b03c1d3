"""The recorder, which writes a venue's market data to a folder for a time or until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from execution.core.market_model.recording import Event, RecordedBook
from execution.recordings.folder import RecordingWriter

#: A recorder that is killed loses the events of at most this many seconds.
PART_SECONDS = 5.0


class Feed(Protocol):
    """The source of one venue's public market data."""

    def watch(self) -> AsyncGenerator[list[Event], None]:
        """Yield every trade, and a book whenever it changes, without end. Events are numbered as they arrive.

        A book with None as ``bids`` and ``asks`` marks the moment from which the book is unknown, because the stream
        was lost or sent a crossed book.
        """


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of written books and trades, and the number of times that a book became unknown."""

    books: int
    trades: int
    gaps: int


class Recorder:
    """Passes a feed's events to a writer.

    Each part is written on a thread, so the event loop does not wait.
    """

    def __init__(self, feed: Feed, writer: RecordingWriter, now: Callable[[], int]) -> None:
        """Set up a recorder. ``now`` returns the time in microseconds since the epoch."""
        self._feed = feed
        self._writer = writer
        self._now = now
        self._gaps = 0
        self._writing: asyncio.Task[None] | None = None

    async def run(self, seconds: float, stop: asyncio.Event) -> Summary:
        """Record for ``seconds``, or until ``stop`` is set. Raise ``Refused`` or OSError if writing fails."""
        receiving = asyncio.create_task(self._receive())
        flushing = asyncio.create_task(self._flush_regularly())
        stopping = asyncio.create_task(stop.wait())
        tasks = {receiving, flushing, stopping}
        try:
            done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done - {stopping}:
            task.result()
        if self._writing is not None:
            await self._writing
        await asyncio.to_thread(self._writer.close, self._now())
        return Summary(self._writer.books, self._writer.trades, self._gaps)

    async def _receive(self) -> None:
        async with aclosing(self._feed.watch()) as batches:
            async for batch in batches:
                for event in batch:
                    self._writer.add(event)
                    self._gaps += isinstance(event, RecordedBook) and not event.is_known
                if self._writer.is_full:
                    await self._flush()

    async def _flush_regularly(self) -> None:
        while True:
            await asyncio.sleep(PART_SECONDS)
            await self._flush()

    async def _flush(self) -> None:
        """Wait until the previous part is written, then write the events received so far.

        If this call is cancelled, its part is still written completely.
        """
        while self._writing is not None and not self._writing.done():
            await asyncio.wait({self._writing})
        if self._writing is not None:
            self._writing.result()
        part = self._writer.take_part()
        self._writing = asyncio.create_task(asyncio.to_thread(self._writer.write, part))
        await asyncio.shield(self._writing)
