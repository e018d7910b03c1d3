"""The database of a simulation: SQLite in memory, copied from a template, with a hook before every commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.backends.sqlite3.base import DatabaseWrapper

SETTINGS: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": ":memory:",
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA foreign_keys=ON"},
    "USER": "",
    "PASSWORD": "",
    "HOST": "",
    "PORT": "",
    "TIME_ZONE": None,
    "CONN_MAX_AGE": None,
    "CONN_HEALTH_CHECKS": False,
    "AUTOCOMMIT": True,
    "ATOMIC_REQUESTS": False,
    "TEST": {},
}


class Crashed(BaseException):
    """The death of the calling process at this commit. No code in that process may catch it."""


def nothing_happens() -> str:
    return ""


class Memory(DatabaseWrapper):
    """A database with hooks. ``verdict`` is called before each commit and returns what happens to the commit.

    "" lets it succeed. "refuse" raises an error and commits nothing. "lose" commits, and then raises an error.
    "crash_before" and "crash_after" raise ``Crashed`` before or after the commit. ``committed`` is called after each
    commit, and ``wrote`` with every statement that writes.
    """

    def __init__(self) -> None:
        super().__init__(dict(SETTINGS), "default")
        self.verdict: Callable[[], str] = nothing_happens
        self.committed: Callable[[], None] = lambda: None
        self.wrote: Callable[[str], None] = lambda _sql: None
        self.execute_wrappers.append(self._count)

    def _count(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith("SELECT"):
            self.wrote(sql)
        return execute(sql, params, many, context)

    def commit(self) -> None:
        verdict = self.verdict()
        if verdict == "refuse":
            raise OperationalError("the database refuses to commit")
        if verdict == "crash_before":
            self.rollback()
            raise Crashed
        super().commit()
        self.committed()
        if verdict in ("lose", "crash_after"):
            self.run_on_commit.clear()
            if verdict == "crash_after":
                raise Crashed
            raise OperationalError("the connection was lost after the commit")

    def set_clock(self, now: Callable[[], datetime]) -> None:
        """Set the database's own clock, which SQLite's ``strftime(format, 'now')`` returns."""
        self.connection.create_function(
            "strftime", 2, lambda _format, _when: now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        )

    def discard(self) -> None:
        """Close the database, which must not be used afterwards.

        SQLite holds a reference to the clock function of this seed's run, which the garbage collector cannot see. So
        if the database stays open, everything that the run created stays in memory.
        """
        if self.connection is not None:
            self.connection.close()


def template(fill: Callable[[], None]) -> bytes:
    """Return, as bytes, a database with all tables and the rows that ``fill`` writes.

    Each seed begins with a copy of it.
    """
    memory = open_memory(None)
    call_command("migrate", verbosity=0, interactive=False)
    fill()
    connection: sqlite3.Connection = memory.connection
    return connection.serialize()


def open_memory(source: bytes | None) -> Memory:
    """Open a copy of ``source`` (None: an empty one) in memory, as Django's default database in this context."""
    memory = Memory()
    connections["default"] = memory
    memory.connect()
    if source is not None:
        memory.connection.deserialize(source)
    return memory
