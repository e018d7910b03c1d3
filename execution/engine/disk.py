"""SQLite's log put on the disk, without SQLite's lock.

A connection whose commits wait for the disk syncs the log while it holds the one lock of all writers: every process
of the desk waits for the disk then. One whose commits do not wait has written them to the log already, and a sync of
that file that begins after a commit covers it (https://sqlite.org/wal.html).
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.db import OperationalError


class Log:
    """The write-ahead log of the SQLite database at ``database``."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-wal")
        #: The file whose name is known to be on the disk, too.
        self._named: int | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="disk")
        self._running: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    async def flush(self) -> None:
        """Return when everything that was committed before is on the disk; who asks meanwhile shares the next sync.

        Raises ``OperationalError`` when the disk refuses.
        """
        if self._following is None:
            self._following = asyncio.create_task(self._round(self._running))
        await asyncio.shield(self._following)

    async def _round(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._following = (
            self._following,
            None,
        )  # who comes from here on may have committed later
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
