"""A PostgreSQL that takes no more connections stops no stop: the web process has kept some for them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.dashboard.desk_fixture import make_office
from tests.desk.running import wait_until
from tests.patience import slowness
from tests.web.process import browser, program, running_web


@contextlib.contextmanager
def every_connection_taken() -> Iterator[None]:
    """Open connections until the server refuses one."""
    with contextlib.ExitStack() as stack:
        parameters = connection.get_connection_params()
        wanted = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port")}

        def take_all() -> None:
            while True:
                stack.enter_context(psycopg.connect(**wanted))

        with pytest.raises(psycopg.OperationalError, match=r"connection slots|too many clients"):
            take_all()
        yield


def kept() -> int:
    """Return the number of connections that web processes have open."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tranche web'")
        return int(cursor.fetchone()[0])


def test_a_database_that_takes_no_more_connections_stops_no_stop(
    transactional_db: None, redis_url: str, tmp_path: Path
) -> None:
    office = make_office()
    order = office.order()
    trader, page = program(office.trader), browser(office, office.supervisor)
    with running_web(tmp_path, redis_url) as web:
        wait_until(lambda: kept() >= 10, within=10, what="the connections of the stops were to be open")
        with every_connection_taken():
            refused = web.ask("/api/v1/accounts", trader)
            assert refused.status == 503, "a read has no connection"
            for action in ("pause", "cancel"):
                answer = web.ask(f"/api/v1/orders/{order.public_id}/{action}", trader, data=b"{}")
                assert (answer.status, answer.seconds < 5 * slowness()) == (200, True), action
            assert web.ask("/halts/new/", page).status == 200
            form = b"kind=stop&scope=desk&phrase=HALT+DESK&reason=a+drill"
            answer = web.ask("/halts/new/", page, data=form)
            assert (answer.status, answer.seconds < 5 * slowness()) == (303, True)
        assert web.ask("/api/v1/accounts", trader).status == 200
    order.refresh_from_db()
    assert order.outcome == "cancelled"
