"""The options of the connections to SQLite and PostgreSQL. They set the isolation, the durability and the
time limits on which the services rely.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

SQLITE = "django.db.backends.sqlite3"
#: The desk's own SQLite backend, which waits for other writers in another way than Django's.
PATIENT_SQLITE = "config.sqlite"
POSTGRESQL = "django.db.backends.postgresql"
#: The time in ms after which PostgreSQL ends an idle transaction, and so frees the locks of a stopped or cut-off
#: process.
IDLE_IN_TRANSACTION = 5_000
#: The longest wait for a lock, in ms. It is longer than any lock is held. After it a process gives up, and tries
#: again.
LOCK_WAIT = 6_000
STATEMENT = 15_000  # ms


def with_options(database: dict[str, Any]) -> dict[str, Any]:
    """Add the desk's options to the parsed ``DATABASE_URL``. Options in the URL itself have precedence.

    Raises ``ImproperlyConfigured`` for a kind of database that the services do not support.
    """
    options = {SQLITE: _sqlite, POSTGRESQL: _postgresql}.get(database["ENGINE"])
    if options is None:
        raise ImproperlyConfigured(
            f"DATABASE_URL names {database['ENGINE']}: SQLite and PostgreSQL are served"
        )
    # Requests come in on many threads: each would keep a connection. The engine's own threads keep theirs.
    ours = {"CONN_MAX_AGE": 0, "OPTIONS": options() | database.get("OPTIONS", {})}
    if database["ENGINE"] == SQLITE:
        ours["ENGINE"] = PATIENT_SQLITE
    return database | ours


def _sqlite() -> dict[str, Any]:
    """Return options for SQLite. IMMEDIATE transactions and WAL let writers queue instead of failing. With FULL
    synchronisation a power cut loses nothing.
    """
    return {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA journal_size_limit=67108864;"
            "PRAGMA foreign_keys=ON"
        ),
    }


def _postgresql() -> dict[str, Any]:
    """Return options for PostgreSQL. In READ COMMITTED, a statement after a wait for a lock sees what others
    committed during the wait.

    Client and server both notice within seconds that the other host is cut off. Of the TCP options,
    ``tcp_user_timeout`` is in ms and the others are in s.
    """
    from psycopg import IsolationLevel  # a desk on SQLite is spared the import in each of its processes

    limits = {
        "statement_timeout": STATEMENT,
        "lock_timeout": LOCK_WAIT,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION,
        "tcp_user_timeout": 5_000,
        "tcp_keepalives_idle": 5,
        "tcp_keepalives_interval": 2,
        "tcp_keepalives_count": 3,
    }
    return {
        "isolation_level": IsolationLevel.READ_COMMITTED,
        "application_name": application_name(sys.argv),
        "connect_timeout": 5,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 5_000,
        "options": " ".join(f"-c {name}={limit}" for name, limit in limits.items()),
    }


def application_name(arguments: list[str]) -> str:
    """Return this process's name for ``pg_stat_activity``: "tranche" with its command, or with Celery's node name."""
    program = Path(arguments[0])
    is_module = program.suffix == ".py" and program.name != "manage.py"
    words = [
        program.parent.name if program.name == "__main__.py" else program.stem if is_module else program.name
    ]
    if "-n" in arguments[:-1]:
        words = [arguments[arguments.index("-n") + 1].partition("@")[0]]
    elif len(arguments) > 1 and words == ["manage.py"]:
        words = [arguments[1]]
    return " ".join(["tranche", *words])[:63]
