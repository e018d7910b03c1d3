"""A PostgreSQL cluster in a folder of its own, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from execution.launcher.postgres_server import PostgresServer


@contextlib.contextmanager
def temporary_cluster(**settings: str) -> Iterator[PostgresServer]:
    """Run a cluster in a short folder of its own, gone at the end. ``settings`` are PostgreSQL's.

    Raises ``CommandError`` when PostgreSQL is not installed or does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="tr-pg-", dir="/tmp"))  # mode 0700, and short for a socket
    server = PostgresServer(folder, **settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
