"""Database work of the engine, on threads of its own: the loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

import structlog
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    connection,
)

from execution.engine.clock import Clock

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: Threads by database: SQLite has one writer anyway.
THREADS = {"sqlite": 1, "postgresql": 4}
RETRY_FIRST, RETRY_MOST = 0.1, 2.0  # seconds
#: Two that race for the same row heal at the next try; what is refused this often is refused for good.
REFUSALS_MOST = 5


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

    async def compute(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function``, which computes and never touches the database, off the loop."""
        call = partial(function, *args, **kwargs)
        return call() if self._executor is None else await asyncio.to_thread(call)

    async def surely(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function`` until the database takes it: for facts, which are idempotent and must not be lost.

        A database that is away or busy is asked for ever. One that refuses the fact itself (a value that
        does not fit, a constraint that no repetition heals) is asked a few times, and then raises.
        """
        pause = RETRY_FIRST
        refusals = 0
        while True:
            try:
                return await self.run(function, *args, **kwargs)
            except (DatabaseError, InterfaceError) as error:
                refusals += isinstance(error, (DataError, IntegrityError, ProgrammingError))
                if refusals >= REFUSALS_MOST:
                    log.exception("the database refuses a fact for good")
                    raise
                log.warning("database refused a fact, trying again", error=str(error), pause=pause)
                await self._clock.sleep(pause)
                pause = min(pause * 2, RETRY_MOST)


def _guarded(call: Callable[[], T]) -> T:
    """Drop a connection that an error may have left unusable, so that the next call opens a new one.

    Connections are otherwise kept: opening one costs more than most calls.
    """
    try:
        return call()
    except (DatabaseError, InterfaceError):
        if not connection.in_atomic_block:
            connection.close()
        raise
