"""Database work of the engine, on threads of its own: the loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from execution.engine.clock import Clock

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: Threads by database: SQLite has one writer anyway.
THREADS = {"sqlite": 1, "postgresql": 4}
RETRY_FIRST, RETRY_MOST = 0.1, 2.0  # seconds


class Database:
    """Runs services and selectors on ``executor``; ``None`` runs them inline (a simulation's way)."""

    def __init__(self, executor: Executor | None, clock: Clock) -> None:
        self._executor = executor
        self._clock = clock

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function``; raises what it raises."""
        call = partial(function, *args, **kwargs)
        if self._executor is None:
            return call()
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(_guarded, call))

    async def surely(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function`` until the database takes it: for facts, which are idempotent and must not be lost."""
        pause = RETRY_FIRST
        while True:
            try:
                return await self.run(function, *args, **kwargs)
            except (DatabaseError, InterfaceError) as error:
                log.warning("database refused a fact, trying again", error=str(error), pause=pause)
                await self._clock.sleep(pause)
                pause = min(pause * 2, RETRY_MOST)


def _guarded(call: Callable[[], T]) -> T:
    """Drop a connection that an error has left unusable, so that the next call gets a new one."""
    try:
        return call()
    except (DatabaseError, InterfaceError):
        if not connection.in_atomic_block:
            connection.close()
        raise
    finally:
        if not connection.in_atomic_block:
            close_old_connections()
