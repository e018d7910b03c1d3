"""The tests of the services that matter most, and the races of two sessions, in a session on PostgreSQL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from execution.management.desk.postgres_server import PostgresServer

REPOSITORY = Path(__file__).resolve().parents[2]
#: What SQLite's single writer, its loose types or its float arithmetic could hide.
SERVICES = (
    *("children", "driving", "fills", "fields", "halts", "halt_races", "invariants", "random_facts"),
    *("submit", "workers", "account_orders"),
)
FEWEST = 150  # tests: a selection that has become empty is no success


@pytest.mark.timeout(280)
def test_the_services_do_on_postgresql_what_they_do_on_sqlite(cluster: PostgresServer) -> None:
    files = [f"tests/services/test_{name}.py" for name in SERVICES]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/postgresql"]
    done = subprocess.run(
        [*command, *files],
        cwd=REPOSITORY,
        env=os.environ | {"TRANCHE_TEST_DATABASE_URL": cluster.url()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    tail = done.stdout[-6000:]
    passed = re.search(r"(\d+) passed", tail)
    assert done.returncode == 0, tail
    assert passed is not None, tail
    assert int(passed[1]) >= FEWEST, tail
    assert "skipped" not in tail.splitlines()[-1], tail
    print(f"on PostgreSQL: {tail.splitlines()[-1]}")
