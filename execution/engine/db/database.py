"""The engine's database work, on separate threads, so that the event loop never waits for a disk.

Only the commit before each send to an exchange waits for the disk. It puts all earlier commits on the disk too. So a
child that was sent is certainly on the disk. A power cut may lose the newest of the other commits, but the end of a
process loses none. The next poll of the exchange brings lost reports again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

import structlog
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, ProgrammingError, connection

from execution.engine.clock import Clock
from execution.engine.db.sqlite_wal import WalCheckpointer, WalSync
from execution.engine.db.worker_pool import FIRST, LATER, SOON, PriorityWorkerPool

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: PostgreSQL's connections both read and write. SQLite has only one writer, and its readers never wait for it.
THREADS = 4
#: At most this many waiting facts or decisions share a transaction of SQLite's one writer. A send to an exchange waits
#: no longer than they take.
TOGETHER = 6
#: Threads that read SQLite. An order's check need not wait for the end of a longer query.
READERS = 2
RETRY_FIRST, RETRY_MAX = 0.1, 2.0  # seconds
#: Statements that let a connection's commits return before they are on the disk, and that make them wait again.
RELAX = {
    # Nor do they copy the log into the database: ``WalCheckpointer`` does.
    "sqlite": ("PRAGMA synchronous=NORMAL", "PRAGMA wal_autocheckpoint=0"),
    "postgresql": ("SET synchronous_commit TO off",),
}
WAIT = {"sqlite": ("PRAGMA synchronous=FULL",), "postgresql": ("SET synchronous_commit TO on",)}
#: Of two facts that race for the same row, the refused one succeeds at the next try. A fact that is refused this often
#: is refused for good.
MAX_REFUSALS = 5


class Database:
    """Runs functions that write on the threads of ``writing``, and functions that only read on those of ``reading``.

    In a simulation there are no threads, and all functions run in the caller. With SQLite, ``log`` puts commits that
    must survive a power cut on the disk, without holding SQLite's lock. ``checkpoints`` copies SQLite's log into the
    database file until the database is closed.
    """

    def __init__(
        self,
        clock: Clock,
        writing: PriorityWorkerPool | None = None,
        reading: PriorityWorkerPool | None = None,
        log: WalSync | None = None,
        checkpoints: WalCheckpointer | None = None,
    ) -> None:
        self._clock = clock
        self._writing = writing
        self._reading = reading or writing
        self._log = log
        self._checkpoints = checkpoints

    @classmethod
    def opened(cls, clock: Clock) -> Self:
        """Open the database on as many threads as its kind allows."""
        if connection.vendor != "sqlite":
            return cls(clock, PriorityWorkerPool(THREADS, _guarded))
        path = Path(connection.settings_dict["NAME"])
        return cls(
            clock,
            PriorityWorkerPool(1, _guarded, TOGETHER),
            PriorityWorkerPool(READERS, _guarded),
            WalSync(path),
            WalCheckpointer(path),
        )

    async def close(self) -> None:
        """End the threads. Make no call of this object afterwards."""
        for lane in {self._writing, self._reading}:
            if lane is not None:
                await asyncio.to_thread(lane.close)
        if self._checkpoints is not None:
            await asyncio.to_thread(self._checkpoints.close)

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of ``function``, which writes nothing. Its errors are raised."""
        return await self._call(LATER, partial(function, *args, **kwargs), self._reading)

    async def read_first(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function``, a read that a send needs, before all other waiting reads."""
        return await self._call(FIRST, partial(function, *args, **kwargs), self._reading)

    async def read_soon(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function``, a read that the recording of facts needs, before the reads of decisions."""
        return await self._call(SOON, partial(function, *args, **kwargs), self._reading)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of ``function``, which may write. Its errors are raised."""
        return await self._call(LATER, partial(function, *args, **kwargs), self._writing)

    async def run_batchable(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``function``, which may share a transaction with other calls.

        It must change nothing but rows, because the transaction may be rolled back and the call repeated.
        """
        return await self._call(LATER, partial(function, *args, **kwargs), self._writing, may_join=True)

    async def _call(
        self, urgency: int, call: partial[T], lane: PriorityWorkerPool | None, *, may_join: bool = False
    ) -> T:
        return call() if lane is None else await lane.call(urgency, call, may_join=may_join)

    async def run_durable(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``function``, and return once its commit and all earlier commits are on the disk."""
        call = partial(function, *args, **kwargs)
        if self._writing is not None and self._log is None:
            return await self._call(FIRST, partial(_waiting, call), self._writing)
        result = await self._call(FIRST, call, self._writing)
        if self._log is not None:
            await self._log.flush()
        return result

    async def compute(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function`` off the event loop. It computes and must not use the database."""
        call = partial(function, *args, **kwargs)
        return call() if self._writing is None else await asyncio.to_thread(call)

    async def retry_until_committed(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function``, which records facts, until the database commits it. It must be safe to call again.

        While the database is out of reach, the call is retried for ever. Any other error, such as a value that breaks
        a constraint, is raised after a few tries. The call may share a transaction with calls that record other facts.
        """
        pause = RETRY_FIRST
        refusals = 0
        while True:
            try:
                call = partial(function, *args, **kwargs)
                return await self._call(SOON, call, self._writing, may_join=True)
            except (DatabaseError, InterfaceError) as error:
                refusals += isinstance(error, (DataError, IntegrityError, ProgrammingError))
                if refusals >= MAX_REFUSALS:
                    log.exception("the database refuses a fact for good")
                    raise
                log.warning("database refused a fact, trying again", error=str(error), pause=pause)
                await self._clock.sleep(pause)
                pause = min(pause * 2, RETRY_MAX)


def _guarded(call: Callable[[], T]) -> T:
    """Run ``call``. After a database error drop the connection, which may be unusable. The next call opens another.

    Without an error the connection stays open, because opening one costs more than most calls.
    """
    try:
        _relax()
        return _leaving_room(call) if connection.vendor == "sqlite" else call()
    except (DatabaseError, InterfaceError):
        if not connection.in_atomic_block:
            connection.close()
        raise


#: After a write, SQLite's one lock is left free for this many seconds. A process that waits for it asks every half a
#: millisecond (``config.sqlite``). It would never get the lock from a writer without pauses, and the lease would run
#: out.
ROOM = 0.001


def _leaving_room(call: Callable[[], T]) -> T:
    before = connection.connection.total_changes
    try:
        return call()
    finally:
        if connection.connection is not None and connection.connection.total_changes != before:
            time.sleep(ROOM)


#: For each thread, its connection if the commits of that connection do not wait for the disk.
_relaxed = threading.local()


def _relax() -> None:
    connection.ensure_connection()
    if getattr(_relaxed, "connection", None) is not connection.connection:
        _say(RELAX)
        _relaxed.connection = connection.connection


def _waiting(call: Callable[[], T]) -> T:
    _say(WAIT)
    try:
        return call()
    finally:
        if not connection.in_atomic_block:
            _relaxed.connection = None


def _say(statements: Mapping[str, Sequence[str]]) -> None:
    # SQLite takes these statements outside of a transaction only, and a test runs inside one.
    if not connection.in_atomic_block:
        with connection.cursor() as cursor:
            for statement in statements[connection.vendor]:
                cursor.execute(statement)
