"""The options of each kind of database."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from pathlib import Path

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS as DEFAULT
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from psycopg import IsolationLevel

from config.databases import application_name, with_options
from config.sqlite.base import DatabaseWrapper

SERVICES = Path(__file__).resolve().parents[1] / "execution" / "services"


def configured(url: str) -> dict[str, object]:
    return with_options(environ.Env.db_url_config(url))


def test_postgresql_is_told_its_isolation_and_every_time_out() -> None:
    database = configured("postgres://tranche:secret@db.example:5433/desk")
    options = database["OPTIONS"]
    assert isinstance(options, dict)
    assert options["isolation_level"] == IsolationLevel.READ_COMMITTED
    told = str(options["options"])
    for name in (
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "tcp_user_timeout",
    ):
        assert re.search(rf"-c {name}=\d+", told)
    assert database["CONN_MAX_AGE"] == 0


def test_what_the_url_says_itself_stays() -> None:
    database = configured("postgres://db.example/desk?sslmode=verify-full&application_name=mine")
    options = database["OPTIONS"]
    assert isinstance(options, dict)
    assert (options["sslmode"], options["application_name"]) == ("verify-full", "mine")
    assert "isolation_level" in options


def test_another_database_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="mysql: SQLite and PostgreSQL are served"):
        configured("mysql://db.example/desk")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["/srv/tranche/config/web.py", "-b", "127.0.0.1"], "tranche web"),
        (["/venv/celery/__main__.py", "-A", "config", "worker", "-n", "engine1@%h"], "tranche engine1"),
        (["manage.py", "migrate"], "tranche migrate"),
    ],
)
def test_a_process_is_known_by_its_name_in_pg_stat_activity(arguments: list[str], name: str) -> None:
    assert application_name(arguments) == name


def test_every_row_lock_leaves_the_key_to_foreign_keys() -> None:
    """FOR UPDATE would deadlock with the FOR KEY SHARE of a row that refers to it (services/records/locking.py)."""
    calls = [
        f"{path.name}: {call}"
        for path in SERVICES.rglob("*.py")
        for call in re.findall(r"select_for_update\([^)]*\)?[^)]*\)", path.read_text(encoding="utf-8"))
    ]
    assert len(calls) > 10
    assert [call for call in calls if "no_key=True" not in call] == []


def sqlite_at(path: Path, timeout: float) -> DatabaseWrapper:
    settings = configured(f"sqlite:///{path}") | {
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": timeout}
    }
    return DatabaseWrapper(
        ConnectionHandler({DEFAULT: settings}).configure_settings({DEFAULT: settings})[DEFAULT]
    )


@pytest.mark.django_db
def test_sqlite_who_waits_for_a_writer_begins_when_it_is_done(tmp_path: Path) -> None:
    wrapper = sqlite_at(tmp_path / "desk.sqlite3", timeout=20)
    wrapper.ensure_connection()
    writer = sqlite3.connect(tmp_path / "desk.sqlite3", isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.2, lambda: writer.execute("COMMIT"))
    done.start()
    begun = time.monotonic()
    wrapper.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    assert time.monotonic() - begun >= 0.15
    assert wrapper.connection.in_transaction
    assert wrapper.connection.execute("PRAGMA busy_timeout").fetchone() == (20_000,)
    wrapper.close()
    done.join()


@pytest.mark.django_db
def test_sqlite_who_waits_too_long_for_a_writer_gives_up_and_holds_nothing(tmp_path: Path) -> None:
    wrapper = sqlite_at(tmp_path / "desk.sqlite3", timeout=0.05)
    wrapper.ensure_connection()
    writer = sqlite3.connect(tmp_path / "desk.sqlite3", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"):
        wrapper.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    assert not wrapper.connection.in_transaction
    wrapper.close()
