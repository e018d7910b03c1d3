"""The sync and the checkpoints of SQLite's write-ahead log, outside of SQLite's lock.

With SQLite's own sync, a commit waits for the disk while it holds the one lock of all writers. Every process of the
desk would then wait for the disk. So the engine's commits only write to the log file. A later sync of that file,
without the lock, puts them on the disk (https://sqlite.org/wal.html).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import structlog
from django.db import OperationalError

log = structlog.get_logger(__name__)

#: The log is copied into the database this often, in seconds.
COPY_EVERY = 1.0
#: A log of more pages than this is begun anew. Writers stop while its last pages are copied. 16,000 pages are 64 MB.
MAX_LOG = 16_000


class WalSync:
    """Puts commits on the disk by a sync of the write-ahead log of the SQLite database at ``database``."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-wal")
        #: The inode of the log file whose name is known to be on the disk.
        self._named: int | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="disk")
        self._running: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    async def flush(self) -> None:
        """Return when every earlier commit is on the disk. Calls made during a sync share the next sync.

        Raises ``OperationalError`` when the disk refuses.
        """
        if self._following is None:
            self._following = asyncio.create_task(self._round(self._running))
        await asyncio.shield(self._following)

    async def _round(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        # Who comes from here on may have committed later.
        self._running, self._following = self._following, None
        await asyncio.get_running_loop().run_in_executor(self._thread, self._sync)

    def _sync(self) -> None:
        try:
            _sync_file(self._path, os.O_RDWR)
            if (number := self._path.stat().st_ino) != self._named:
                if os.name == "posix":
                    _sync_file(self._path.parent, os.O_RDONLY)
                self._named = number
        except OSError as error:
            raise OperationalError(f"the log could not be put on the disk: {error}") from error


def _sync_file(path: Path, flags: int) -> None:
    file = os.open(path, flags)
    try:
        os.fsync(file)
    finally:
        os.close(file)


class WalCheckpointer:
    """Copies SQLite's write-ahead log into the database from time to time, on a thread and a connection of its own.

    Without this thread, SQLite copies during a commit that finds the log long. That commit would wait for the disk,
    and with it all later statements of its connection. A copy that waits for no writer does not shorten a log in use.
    So if the log has more than ``MAX_LOG`` pages, the thread waits once for the other connections. SQLite then writes
    the log from its beginning again.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ends.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ends.wait(COPY_EVERY):
            try:
                with closing(sqlite3.connect(self._database, timeout=COPY_EVERY)) as connection:
                    _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    if pages > MAX_LOG:
                        connection.execute("PRAGMA wal_checkpoint(RESTART)")
            except sqlite3.Error as error:
                log.warning("the log could not be copied into the database", error=str(error))
