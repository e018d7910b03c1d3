"""Failures of our own code, as opposed to outages. They are counted, logged with an id, and shown.

Database, Redis, disk and network recover by themselves, and waiting work then goes on. Our own code would fail again
for the same reason. So after three failures in a row the failure is shown to people.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)
from redis.exceptions import RedisError

from execution.core.faults import FAILURES_IN_A_ROW, Fault
from execution.engine.clock import Clock
from execution.venues.protocol import VenueReadFailed

log = structlog.get_logger(__name__)

#: Errors of a database that was reachable and refused the statement itself. They are faults of our own code.
OUR_STATEMENTS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
#: An outage that lasts longer than this is shown.
OUTAGE_SHOWN_AFTER = timedelta(seconds=30)
AFTER_OUTAGE = 0.5  # seconds before what was away is asked again
PAUSE_FIRST, PAUSE_MAX = 1.0, 10.0  # seconds between two attempts of what fails by itself
#: A part that runs this long without failing counts as working again.
WORKS_AFTER = 10.0  # seconds


def is_outage(error: BaseException) -> bool:
    """Return True for a failure of database, Redis, disk or network, and False for one of our own code.

    SQLite raises ``OperationalError`` for faulty SQL too, such as an unknown column. Its code SQLITE_ERROR
    shows that our own code has failed.
    """
    error = first_cause(error)
    if isinstance(error, (DatabaseError, InterfaceError)):
        code = getattr(error.__cause__, "sqlite_errorcode", None)
        return not isinstance(error, OUR_STATEMENTS) and code != sqlite3.SQLITE_ERROR
    return isinstance(error, (RedisError, OSError, TimeoutError, MemoryError))


def first_cause(error: BaseException) -> BaseException:
    """Return the first error in a group of errors, however nested; return any other error unchanged."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def incident_id() -> str:
    return secrets.token_hex(4)


@dataclass(slots=True)
class FailureRow:
    """The consecutive failures of one part since it last worked."""

    since: datetime
    count: int = 0
    error: str = ""
    incident: str = ""
    outage_since: datetime | None = None
    is_shown: bool = False

    def add(self, error: Exception, what: str, **names: Any) -> None:
        """Count a failure of our own code and log its traceback.

        Consecutive failures of the same class share an id in the log.
        """
        cause = first_cause(error)
        self.count += 1
        kind, incident = type(cause).__name__, getattr(cause, "incident", "")
        if isinstance(cause, VenueReadFailed):
            kind = cause.kind or kind
        if kind != self.error:
            self.error, self.incident, self.is_shown = kind, incident or incident_id(), False
        log.error(what, incident=self.incident, failures_in_a_row=self.count, exc_info=error, **names)

    def add_outage(self, error: Exception, now: datetime, what: str, **names: Any) -> None:
        """Note a failure of the database, Redis, the disk or the network."""
        self.outage_since = self.outage_since or now
        if not self.error:
            self.error = type(first_cause(error)).__name__
        log.warning(what, error=str(error), **names)

    def is_to_be_shown(self, now: datetime) -> bool:
        lasts = self.outage_since is not None and now - self.outage_since >= OUTAGE_SHOWN_AFTER
        return not self.is_shown and (self.count >= FAILURES_IN_A_ROW or lasts)


class Health:
    """Counts the consecutive failures of each part of a session or an engine, and stores those that pages show.

    ``show`` stores a fault, and ``clear`` removes the fault of a part.
    """

    def __init__(
        self,
        clock: Clock,
        show: Callable[[Fault], Awaitable[object]],
        clear: Callable[[str], Awaitable[object]],
        **names: Any,
    ) -> None:
        self._clock, self._show, self._clear, self._names = clock, show, clear, names
        self._failing: dict[str, FailureRow] = {}

    async def failed(self, part: str, error: Exception) -> float:
        """Log and count a failure of a part, and show it to people from the third in a row on.

        Return the seconds to wait before the next attempt.
        """
        now = self._clock.now()
        row = self._failing.setdefault(part, FailureRow(now))
        pause = AFTER_OUTAGE
        if is_outage(error):
            row.add_outage(error, now, f"{part}: the database, Redis or the network failed", **self._names)
        else:
            row.add(error, f"{part} failed in our own code", **self._names)
            pause = min(PAUSE_FIRST * 2.0 ** (row.count - 1), PAUSE_MAX)
        if row.is_to_be_shown(now):
            row.is_shown = await self._written(self._show(Fault(part, row.error, row.incident, row.since)))
        return pause

    async def worked(self, part: str) -> None:
        """Reset the count of a part's failures, and remove its fault from the pages."""
        row = self._failing.get(part)
        if row is not None and (not row.is_shown or await self._written(self._clear(part))):
            self._failing.pop(part, None)

    async def _written(self, write: Awaitable[object]) -> bool:
        try:
            await write
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("what fails could not be written for the pages", error=str(error), **self._names)
            return False
        return True

    async def keep(
        self,
        part: str,
        run: Callable[[], Coroutine[Any, Any, None]],
        on_failure: Callable[[], Awaitable[None]] | None = None,
        works_after: float | None = WORKS_AFTER,
    ) -> None:
        """Run a part until it ends by itself. After a failure start it again, with growing pauses.

        So the failure of one part stops no other part. For example, while reconciliation fails, cancels are still
        sent. A part that has run for ``works_after`` seconds is regarded as working. If that is None, the part calls
        ``worked`` itself.
        """
        while True:
            try:
                await self._watched(part, run, works_after)
            except VenueReadFailed as error:
                if not error.incident:
                    raise  # the exchange's trouble, which the session knows how to meet
                pause = await self.failed(part, error)
            except Exception as error:  # noqa: BLE001  counted, logged and shown
                pause = await self.failed(part, error)
            else:
                return
            if on_failure is not None:
                await on_failure()
            await self._clock.sleep(pause)

    async def _watched(
        self, part: str, run: Callable[[], Coroutine[Any, Any, None]], works_after: float | None
    ) -> None:
        if part not in self._failing or works_after is None:
            await run()
            return
        task = asyncio.ensure_future(run())
        try:
            done, _ = await asyncio.wait({task}, timeout=works_after)
            if not done:
                await self.worked(part)
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def unseen(clock: Clock) -> Health:
    """Return a ``Health`` that counts and logs failures but shows none. It is for parts outside of a session."""

    async def nothing(_: object) -> None: ...

    return Health(clock, nothing, nothing)
