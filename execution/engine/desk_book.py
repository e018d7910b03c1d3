"""A cache of the desk's own resting orders. All drivers read them at every check."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from execution.core.types import Side
from execution.engine.clock import Clock
from execution.engine.db.database import Database
from execution.selectors.decisions.resting import DeskResting, desk_resting

#: A reading is used for this many seconds. A quote may be just as old when it is used.
STANDS = 0.5

Key = tuple[int, str, Side]


@dataclass(frozen=True, slots=True)
class _Reading:
    asked_at: float
    answer: asyncio.Task[DeskResting]


class DeskBook:
    """The cached resting orders by venue's primary key, symbol and side."""

    def __init__(self, clock: Clock, database: Database) -> None:
        self._clock = clock
        self._database = database
        self._readings: dict[Key, _Reading] = {}

    async def resting(self, venue_pk: int, symbol: str, side: Side) -> DeskResting:
        """Return the desk's resting orders on one side of a market, as of at most ``STANDS`` seconds ago.

        Database errors are raised.
        """
        key = (venue_pk, symbol, side)
        reading = self._readings.get(key)
        if reading is None or self._clock.boot() - reading.asked_at > STANDS or _failed(reading):
            read = self._database.read(desk_resting, venue_pk=venue_pk, symbol=symbol, side=side)
            reading = self._readings[key] = _Reading(self._clock.boot(), asyncio.ensure_future(read))
        # A driver that is stopped while it waits does not take the reading from the others.
        return await asyncio.shield(reading.answer)

    def forget(self) -> None:
        """Empty the cache after a child was not sent. The reason may be a resting order that is not in the cache."""
        self._readings.clear()


def _failed(reading: _Reading) -> bool:
    answer = reading.answer
    return answer.done() and (answer.cancelled() or answer.exception() is not None)
