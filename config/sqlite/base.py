"""Django's SQLite backend for several processes that write all the time.

Django finds a backend by the name of this module.
"""

from __future__ import annotations

import sqlite3
import time

from django.db.backends.sqlite3 import base

#: Seconds between two attempts to get the writers' lock. SQLite itself tries again after 1, 2, 5, 10, 15, 20, 25 and
#: at last 100 ms (sqliteDefaultBusyCallback). With two engines that write a few ms at a time, an unlucky writer soon
#: waited the full 100 ms, and then lost again to one that had just come.
ASK_EVERY = 0.0005
BEGIN = "BEGIN IMMEDIATE"


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to SQLite. A transaction takes the writers' lock when it begins, and waits for it at most
    ``timeout``.
    """

    def _start_transaction_under_autocommit(self) -> None:
        options = self.settings_dict["OPTIONS"]
        if options.get("transaction_mode") != "IMMEDIATE":
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
            return
        patience: float = options.get("timeout", 5.0)
        with self.wrap_database_errors:
            self.connection.execute("PRAGMA busy_timeout = 0")
            try:
                self._begin(time.monotonic() + patience)
            finally:
                self.connection.execute(f"PRAGMA busy_timeout = {patience * 1000:.0f}")

    def _begin(self, until: float) -> None:
        while True:
            try:
                self.connection.execute(BEGIN)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise
                time.sleep(ASK_EVERY)
            else:
                return
