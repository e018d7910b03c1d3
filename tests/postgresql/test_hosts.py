"""Two hosts of one installation: one is cut off, the other goes on, and nothing is sent twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from execution.core.orders.terms import parse_order_request
from execution.core.states import ORDER_FINAL
from execution.launcher.postgres_server import PostgresServer
from execution.models import Account, ChildOrder, Fill, Order, User
from execution.services.orders.orders import order_submit
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.engine.running import check_books, end_in, now
from tests.invariants import check_final
from tests.postgresql.hosts import KEY, SYMBOL, Host, database_at, installation_make, proxied

LEASE = 3.0  # seconds
#: The lease, a look a second, and two busy cores.
TAKEN_OVER_WITHIN = 25.0


def submit(account: Account, key: str, seconds: int, slices: int, **changes: str) -> Order:
    raw: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": "buy",
        "quantity": "0.08",
        "unit": "base",
        "algorithm": "twap",
        "accounts": [account.public_id],
        "parameters": {"duration": str(seconds), "slices": str(slices), "urgency": "0.9"},
    } | changes
    request = parse_order_request(raw)
    return order_submit(person=User.objects.get(username="trader"), request=request, key=key, now=now())


def wait_open(account: Account) -> None:
    wait_until(
        lambda: not Account.objects.filter(pk=account.pk, reconciled_until=None).exists(),
        within=90,
        what="the account was to be reconciled",
    )


def owner_of(order: Order, hosts: list[Host]) -> Host | None:
    order.refresh_from_db()
    return next((host for host in hosts if (w := host.worker) is not None and order.owner_id == w.pk), None)


def sent_under(fence: int) -> set[str]:
    """Return client ids that a session took under a fence."""
    return set(ChildOrder.objects.filter(submitted_fence=fence).values_list("client_id", flat=True))


@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("services_session")  # it runs meanwhile
def test_a_host_that_is_cut_off_sends_nothing_more_and_the_other_goes_on(
    cluster: PostgresServer,
    exchange: Exchange,
    host_factory: Callable[..., Host],
    redis_url: str,
    tmp_path: Path,
    settings: Settings,
    django_db_blocker: Any,
) -> None:
    cluster.create_database("hosts")
    settings.REDIS_URL = redis_url
    hosts = [host_factory(name, "hosts") for name in ("a", "b")]
    wires = {host.name: proxied(host, cluster, redis_url) for host in hosts}
    with database_at(cluster.url("hosts"), django_db_blocker):
        account = installation_make(tmp_path / "keyring", exchange)
        for host in hosts:
            host.start()
        wait_open(account)
        wait_until(lambda: all(host.worker for host in hosts), within=60, what="both hosts were to run")
        order = submit(account, "one", 3600, 360)
        wait_until(Fill.objects.exists, within=30, what="a first fill")

        holder = owner_of(order, hosts)
        assert holder is not None
        other = next(host for host in hosts if host is not holder)
        account.refresh_from_db()
        fence, fills = account.fence, Fill.objects.count()
        wires[holder.name][0].cut()
        begun = time.monotonic()
        wait_until(
            lambda: owner_of(order, hosts) is other,
            within=TAKEN_OVER_WITHIN,
            what="the other host takes over",
        )
        took = time.monotonic() - begun
        theirs = {row["client_id"] for row in exchange.ledger()[KEY]["orders"]}
        wait_until(lambda: Fill.objects.count() > fills, within=30, what="fills go on at the other host")
        account.refresh_from_db()
        later = {row["client_id"] for row in exchange.ledger()[KEY]["orders"]} - theirs
        assert not later & sent_under(fence), "the host that was cut off sent something after its lease"
        assert account.fence > fence

        wires[holder.name][0].heal()
        assert holder.process is not None
        assert holder.process.wait(30) == 70, holder.log[-3000:]  # it has lost its lease, and says so
        holder.start()
        end_in(30, order)
        wires[other.name][1].cut()  # only the doorbell: rows are looked at anyway
        wait_until(
            lambda: Order.objects.filter(pk=order.pk, status__in=ORDER_FINAL).exists(),
            within=60,
            what="the order was to end without Redis",
        )
        wires[other.name][1].heal()
        order.refresh_from_db()
        check_final(order)
        check_books(order, exchange.ledger()[KEY])
        assert order.filled == order.quantity
        print(f"taken over after {took:.1f} s")
