"""The PostgreSQL of our own: it starts, is restarted on the same port whatever ended it, and is gone at the end."""

from __future__ import annotations

import signal

import psycopg
import pytest
from django.core.management import CommandError

from execution.launcher import postgres_server
from tests.postgresql.cluster import temporary_cluster


@pytest.mark.usefixtures("cluster")
def test_a_cluster_keeps_its_rows_and_its_port_however_it_ends() -> None:
    with temporary_cluster() as server:
        url, folder = server.url(), server.folder
        with server.connect() as connection:
            connection.execute("CREATE TABLE kept (number int)")
        for number, how in enumerate((signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), start=1):
            with server.connect() as connection:
                connection.execute("INSERT INTO kept VALUES (%s)", [number])
            server.restart(how)
            assert server.url() == url
            with server.connect() as connection:
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (number,)
    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)


@pytest.mark.usefixtures("cluster")
def test_nobody_comes_in_without_the_password() -> None:
    # A cluster of its own: tests that take every connection may run on the shared one.
    with (
        temporary_cluster() as server,
        pytest.raises(psycopg.OperationalError, match="password authentication failed"),
    ):
        psycopg.connect(server.url().replace("tranche:", "tranche:x"), connect_timeout=2)


def test_a_machine_without_postgresql_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "programs_folder", lambda: None)
    with pytest.raises(CommandError, match="install postgresql"), temporary_cluster():
        pytest.fail("started")
