"""A backup, restored for real: dump, trade on, die, restore, start. Nothing is sent twice, and orphans are found."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from execution.core.states import OrderStatus
from execution.launcher.postgres_server import PostgresServer
from execution.models import Account, ChildOrder, Difference, Fill, Order, Worker
from execution.services.engine.workers import database_now
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.postgresql.hosts import KEY, Host, database_at, installation_make
from tests.postgresql.test_hosts import submit, wait_open


def run_program(cluster: PostgresServer, name: str, database: str, *arguments: str) -> None:
    """Run pg_dump or pg_restore, as docs/how-to/backup.md has them."""
    url = cluster.url(database).replace("postgres://", "postgresql://")
    subprocess.run([str(cluster.programs / name), "--dbname", url, *arguments], check=True)


def resting(order: Order) -> list[ChildOrder]:
    return list(order.children.filter(status="open"))


def order_price(order: Order) -> Decimal:
    """Return about the market's price: a whole number below the order's average price."""
    order.refresh_from_db()
    return (order.notional / order.filled).quantize(Decimal(1))


def orphans_of(account: Account) -> list[str]:
    """Return client ids of open orders with the desk's mark that had no child, whatever was done with them."""
    return list(Difference.objects.filter(account=account, kind="orphan").values_list("key", flat=True))


@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("services_session")  # it runs meanwhile
def test_what_was_sent_after_the_backup_is_found_and_nothing_is_sent_again(
    cluster: PostgresServer,
    exchange: Exchange,
    host_factory: Callable[..., Host],
    redis_url: str,
    tmp_path: Path,
    settings: Settings,
    django_db_blocker: Any,
) -> None:
    for name in ("before", "after"):
        cluster.create_database(name)
    settings.REDIS_URL = redis_url
    dump = str(tmp_path / "dump")
    first = host_factory("first", "before")
    with database_at(cluster.url("before"), django_db_blocker):
        account = installation_make(tmp_path / "keyring", exchange)
        first.start()
        wait_open(account)
        order = submit(account, "one", 300, 100)  # it outlasts the restore on a slow machine too
        wait_until(Fill.objects.exists, within=30, what="a first fill")
        run_program(cluster, "pg_dump", "before", "--format=custom", "--file", dump)
        wait_until(lambda: len(exchange.ledger()[KEY]["trades"]) >= 2, within=40, what="trades after it")
        far = submit(account, "two", 60, 1, quantity="0.02", limit_price=str(order_price(order) - 2000))
        wait_until(lambda: resting(far), within=30, what="an order to rest after the backup")
        first.kill()
        orphan = resting(far)[0].client_id
    before = {row["client_id"]: row for row in exchange.ledger()[KEY]["orders"]}
    with database_at(cluster.url("after"), django_db_blocker):
        run_program(cluster, "pg_restore", "after", "--no-owner", dump)
        Worker.objects.update(lease_until=database_now())  # the backup's workers are long gone
        call_command("after_restore", reason="a drill")
        second = host_factory("second", "after")
        second.start()
        wait_open(account)
        wait_until(lambda: orphan in orphans_of(account), within=30, what="the orphan to be found")
        order.refresh_from_db()
        assert (order.status, order.needs_person) == (OrderStatus.PAUSED, True)
        seen = exchange.ledger()[KEY]
        recorded = set(Fill.objects.values_list("trade_id", flat=True))
        assert {str(trade["id"]) for trade in seen["trades"]} == recorded, (
            "a trade since the backup is missing"
        )
        assert {row["client_id"] for row in seen["orders"]} == set(before), "something was sent unasked"
        assert all(row["times_accepted"] == 1 for row in seen["orders"])
