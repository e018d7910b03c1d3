"""The recorder, which writes a venue's market data to a folder for a time or until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from execution.core.market_model.recording import Event, RecordedBook
from execution.recordings.folder import RecordingWriter

#: Seconds of events that a killed recorder may lose.
PART_SECONDS = 5.0


class Feed(Protocol):
    """One venue's public market data."""

    def watch(self) -> AsyncGenerator[list[Event], None]:
        """Yield books on each change and every trade, numbered in the order of their receipt, for ever.

        A book that becomes unknown is an event too: the stream was lost, or sent an impossible book.
        """


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of written events, and of times at which the book became unknown."""

    books: int
    trades: int
    gaps: int


class Recorder:
    """Passes the events of a feed to a writer, whose parts are written beside the event loop."""

    def __init__(self, feed: Feed, writer: RecordingWriter, now: Callable[[], int]) -> None:
        """Set up a recorder. ``now`` gives microseconds since the epoch."""
        self._feed = feed
        self._writer = writer
        self._now = now
        self._gaps = 0
        self._writing: asyncio.Task[None] | None = None

    async def run(self, seconds: float, stop: asyncio.Event) -> Summary:
        """Record for ``seconds``, or until ``stop`` is set. Raises ``Refused`` or OSError where writing fails."""
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
        """Write what there is, after what is being written. A part is written whole, also when this is cancelled."""
        while self._writing is not None and not self._writing.done():
            await asyncio.wait({self._writing})
        if self._writing is not None:
            self._writing.result()
        part = self._writer.take_part()
        self._writing = asyncio.create_task(asyncio.to_thread(self._writer.write, part))
        await asyncio.shield(self._writing)
