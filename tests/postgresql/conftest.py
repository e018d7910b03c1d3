"""Fixtures of the tests that need a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from execution.management.desk.postgres_server import PostgresServer, programs_folder, temporary_cluster
from tests.fixtures import redis_url
from tests.required import required

__all__ = ["redis_url"]


@pytest.fixture(scope="session")
def cluster() -> Iterator[PostgresServer]:
    """A PostgreSQL of the tests' own; skips loudly where none is installed."""
    required("POSTGRESQL", is_there=programs_folder() is not None, install="postgresql")
    with temporary_cluster() as server:
        yield server
