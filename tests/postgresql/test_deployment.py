"""The deployment guide, followed command by command in a copy of this machine: install, trade, back up, upgrade.

Not as on a real machine are ``apt-get`` and ``pipx`` (no network), ``systemctl`` (systemd is not the first process)
and Redis's TLS (the tests' server has none): ``tests/postgresql/substitutes.py`` has programs in their place. The test
itself stands in for nginx.
"""

from __future__ import annotations

import subprocess
import time
import urllib.error
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
import pytest

from execution.core.states import ORDER_FINAL, OrderStatus
from execution.models import Fill, Order
from tests.checks import REPOSITORY
from tests.desk.books import books_in
from tests.desk.running import wait_until
from tests.engine.running import check_books
from tests.postgresql.deployed import GIVEN, Deployed, Guide, offer_checkout
from tests.postgresql.hosts import database_at
from tests.postgresql.machine import Machine, machine_copy, network_of_its_own, shell_of

USERS = {
    "tranche-web": "tranche",
    "tranche-beat": "tranche",
    "tranche-worker@1": "tranche-worker",
    "tranche-worker@2": "tranche-worker",
    "tranche-compute": "tranche-compute",
    "tranche-paper@alpha": "tranche-worker",
    "redis-server": "redis",
}
#: Who may read a secret, beside root.
READERS = {
    "/var/lib/tranche-worker/keyring": "tranche-worker",
    "/etc/tranche/alert_keyring": "tranche-compute",
    "/etc/tranche/owner.env": None,
    "/etc/tranche/db.key": "postgres",
}
ONE = "One machine, or the first of many"


@pytest.fixture
def machine(postgresql_programs: Path, curl_path: str, git_path: str) -> Iterator[Machine]:
    """Yield a copy of this machine with this checkout to clone; this thread is in its network."""
    listed = subprocess.run(
        [git_path, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [Path(name) for name in listed.stdout.split("\0") if name and (REPOSITORY / name).is_file()]
    with network_of_its_own(), machine_copy() as copy:
        assert not (copy.root / "etc/tranche").exists(), "this machine has a desk of its own"
        copy.substitute("apt-get", "systemctl", "pipx", "redis-server")
        offer_checkout(copy, files)
        yield copy


def install(machine: Machine, guide: Guide) -> Deployed:
    """Follow the guide to a desk with an account, and return it."""
    guide.shell.run("".join(f"{name}={text}\n" for name, text in GIVEN.items()))
    said = guide.follow("deployment", ONE)
    assert "System check identified no issues" in said
    assert "live\n" in said
    assert all(f'"{part}": "ok"' in said for part in ("database", "redis", "engines"))
    assert "alpha: key …" in said
    people = machine.read("/var/lib/tranche-worker/people.txt")
    return Deployed(machine, dict(line.split(" ", 1) for line in people.splitlines()))


def check_users(desk: Deployed) -> None:
    """Check that every process runs as its unit's user, and that nobody reads what is not his."""
    for unit, user in USERS.items():
        said = desk.machine.run("stat", "-c", "%U %G", f"/proc/{desk.pid(unit)}")
        assert said.stdout.split()[:1] == [user], f"{unit}: {said.stdout}{said.stderr}"
        if "worker" in unit or "compute" in unit:
            environment = desk.machine.run("cat", f"/proc/{desk.pid(unit)}/environ", user=user).stdout
            assert "DATABASE_URL=" in environment
            assert "SECRET_KEY=" not in environment, unit
    for path, reader in READERS.items():
        for user in {"postgres", *USERS.values()}:
            said = desk.machine.run("cat", path, user=user)
            is_refused = "Permission denied" in said.stderr and not said.stdout
            assert is_refused is (user != reader), f"{user} and {path}: {said.stderr}"


def check_rights(desk: Deployed) -> None:
    """Check that the desk's role reaches the journal over TLS, and can neither change nor shorten it."""
    with psycopg.connect(desk.database_url(), autocommit=True) as connection:
        tls = connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        assert tls == (True,)
        count = connection.execute("SELECT count(*) FROM execution_journalentry").fetchone()
        assert count is not None
        assert count[0] > 0
        for statement in (
            "UPDATE execution_journalentry SET actor = 'nobody'",
            "DELETE FROM execution_journalentry",
            "TRUNCATE execution_auditentry",
            "ALTER TABLE execution_journalentry DISABLE TRIGGER ALL",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def launch(desk: Deployed, **terms: str) -> str:
    """Launch a TWAP as the trader, once the desk knows the market. Return the order's public id."""
    trader, sent = desk.visitor(), []

    def is_taken() -> bool:
        try:
            sent.append(trader.launch(**terms))
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise
        return bool(sent)

    wait_until(is_taken, within=30, what="the desk to take an order")
    return str(sent[0])


def order_of(public_id: str) -> Order:
    return Order.objects.get(public_id=public_id)


def check_completed(desk: Deployed, public_id: str, within: float) -> None:
    """Wait until an order is complete, resumed by its trader where it paused; its books are the exchange's."""

    trader = desk.visitor()

    def is_final() -> bool:
        order = order_of(public_id)
        trader.resume_if_paused(order)
        return order.status in ORDER_FINAL

    wait_until(is_final, within=within, what="the end of the order")
    order = order_of(public_id)
    assert order.status == OrderStatus.COMPLETED, order.reason
    assert order.filled == order.quantity
    check_books(order, books_in(desk.paper.ledger(), "alpha", public_id))


def check_driven(desk: Deployed, public_id: str) -> None:
    """Wait until an engine fills more of an order, resumed by its trader where it paused."""
    trader, filled = desk.visitor(), order_of(public_id).filled

    def has_more() -> bool:
        order = order_of(public_id)
        trader.resume_if_paused(order)
        return order.filled > filled

    wait_until(has_more, within=90, what="the upgraded desk to fill more of the order")


def restore(guide: Guide) -> None:
    guide.follow("backup", "Back up PostgreSQL")
    assert "orders wait for a person" in guide.follow("backup", "Restore")


@pytest.mark.timeout(2400)
def test_the_guide_makes_a_desk_that_trades_is_restored_and_upgraded(
    machine: Machine, django_db_blocker: Any
) -> None:
    begun = time.monotonic()
    with shell_of(machine) as shell:
        guide = Guide(shell)
        desk = install(machine, guide)
        check_users(desk)
        with database_at(desk.database_url(), django_db_blocker):
            order = launch(desk, quantity="0.05", duration="00:00:10", slices="2")
            check_completed(desk, order, within=40)
            check_rights(desk)
            fills = Fill.objects.count()
        restore(guide)
        with database_at(desk.database_url(), django_db_blocker):
            assert order_of(order).status == OrderStatus.COMPLETED
            assert Fill.objects.count() == fills
            second = launch(desk, quantity="0.1", duration="01:00:00", slices="360")
            wait_until(lambda: order_of(second).filled, within=40, what="a fill")
            assert order_of(second).status not in ORDER_FINAL
        guide.follow("deployment", "Upgrade")
        with database_at(desk.database_url(), django_db_blocker):
            check_driven(desk, second)
            desk.visitor().end_in(40, order_of(second))
            check_completed(desk, second, within=100)
        check_users(desk)
    print(f"{time.monotonic() - begun:6.1f} s  in all")
