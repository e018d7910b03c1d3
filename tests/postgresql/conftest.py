"""Fixtures of the tests that need a real PostgreSQL.

``services_session`` is a session of pytest whose database is one; what only that session can do is left out of
every other. It runs beside the tests of hosts, which wait for most of their time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from execution.launcher.parent_death import dies_with_parent
from execution.launcher.postgres_server import PostgresServer, temporary_cluster
from tests.fixtures import committed_rows, redis_url

__all__ = ["committed_rows", "redis_url"]

REPOSITORY = Path(__file__).resolve().parents[2]
RACES = ["test_races.py", "test_full.py"]
OTHERS = ["test_cluster.py", "test_services.py", "test_restored.py", "test_hosts.py"]
collect_ignore = OTHERS if "TRANCHE_TEST_DATABASE_URL" in os.environ else RACES
#: What SQLite's single writer, its loose types or its float arithmetic could hide.
SERVICES = (
    *("children", "driving", "fills", "fields", "halt_races", "invariants", "random_facts"),
    *("submit", "workers", "account_orders", "statements"),
)


@pytest.fixture(scope="session")
def cluster(postgresql_programs: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL of the tests' own."""
    with temporary_cluster() as server:
        yield server


@dataclass
class Session:
    """A session of pytest under way."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]

    def wait(self, seconds: float) -> tuple[int, str]:
        """Its exit code and what it said."""
        code = self.process.wait(seconds)
        self.output.seek(0)
        return code, self.output.read().decode()


@pytest.fixture(scope="session")
def services_session(cluster: PostgresServer) -> Iterator[Session]:
    """The services' tests and the races, begun at the first use."""
    files = [f"tests/services/test_{name}.py" for name in SERVICES]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "tests/postgresql",
        *files,
    ]
    # The session's own conftest.py names the settings, after it has chosen a folder.
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=environment | {"TRANCHE_TEST_DATABASE_URL": cluster.url()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=dies_with_parent(),
        )
        try:
            yield Session(process, output)
        finally:
            process.kill()
            process.wait(10)
