"""Fixtures of the tests that need a real PostgreSQL.

``test_on_postgresql.py`` starts a session of pytest whose database is one; what only that session can do is
left out of every other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from execution.management.desk.postgres_server import PostgresServer, programs_folder, temporary_cluster
from tests.fixtures import committed_rows, redis_url
from tests.required import required

__all__ = ["committed_rows", "redis_url"]

RACES = ["test_races.py"]
OTHERS = ["test_cluster.py", "test_on_postgresql.py", "test_restored.py", "test_hosts.py"]
collect_ignore = OTHERS if "TRANCHE_TEST_DATABASE_URL" in os.environ else RACES


@pytest.fixture(scope="session")
def cluster() -> Iterator[PostgresServer]:
    """A PostgreSQL of the tests' own; skips loudly where none is installed."""
    required("POSTGRESQL", is_there=programs_folder() is not None, install="postgresql")
    with temporary_cluster() as server:
        yield server
