"""A process that is killed while it sends a basket leaves all of it or nothing. A repetition makes it whole."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.checks import REPOSITORY
from tests.factories import Rows


@pytest.mark.real_process
@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_a_basket_is_there_whole_or_not_at_all(rows: Rows, tmp_path: Path) -> None:
    """SIGKILL, for real, among the statements, before the commit, and between the commit and the doorbell."""
    connection.ensure_connection()
    with sqlite3.connect(tmp_path / "desk.sqlite3") as copy:
        connection.connection.backup(copy)
    copy.close()
    folder = tmp_path / "killed"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.services.basket_kills", tmp_path / "desk.sqlite3", folder],
        cwd=REPOSITORY,
        env=os.environ
        | {"DATABASE_URL": f"sqlite:///{tmp_path / 'desk.sqlite3'}", "REDIS_URL": rows.redis_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    orders = [line["orders"] for line in lines if "orders" in line]
    *killed, whole = [line for line in lines if "step" in line]
    assert len(killed) >= 20, lines
    assert {run["ended"] for run in killed} == {-signal.SIGKILL}, done.stderr[-2000:]
    assert whole["ended"] == 0
    assert [run for run in (*killed, whole) if run["again"] != 0] == [], done.stderr[-2000:]
    assert set(orders[:-2]) == {0}, "until the commit there is nothing"
    assert orders[-2:] == [3, 3], "after it there is everything, whoever was woken"
