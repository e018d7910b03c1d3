"""Background requests of a loop that must not wait for them: one at a time per key, with growing pauses on failure."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any

import structlog

from execution.core.retry_pause import RetryPause
from execution.engine.clock import Clock
from execution.venues.protocol import VenueReadFailed

log = structlog.get_logger(__name__)

FIRST, LONGEST = 0.5, 30.0  # seconds between attempts that fail


class SingleFlight:
    """Runs one coroutine at a time for each key.

    After a failure nothing is run for the key until a pause is over. With each failure the pause becomes longer.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: dict[Hashable, asyncio.Task[None]] = {}
        self._pauses: defaultdict[Hashable, RetryPause] = defaultdict(lambda: RetryPause(FIRST, LONGEST))
        self._not_before: dict[Hashable, float] = {}

    def start(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start the request ``ask``, which may raise ``VenueReadFailed``, unless ``key`` has to wait."""
        if key in self._tasks or self._clock.boot() < self._not_before.get(key, 0.0):
            return
        task = self._tasks[key] = asyncio.ensure_future(ask())
        task.add_done_callback(partial(self._ended, key))

    def close(self) -> None:
        """Cancel the requests under way."""
        for task in tuple(self._tasks.values()):
            task.cancel()

    def _ended(self, key: Hashable, task: asyncio.Task[None]) -> None:
        self._tasks.pop(key, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._pauses.pop(key, None)
            self._not_before.pop(key, None)
            return
        self._not_before[key] = self._clock.boot() + self._pauses[key].seconds()
        if isinstance(error, VenueReadFailed):
            log.warning("a market could not be read", request=str(key), error=str(error))
        else:
            log.error("a request of the market session failed", request=str(key), exc_info=error)
