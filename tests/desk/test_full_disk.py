"""A real desk on a small disk that is full for a while: everything comes back by itself, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from execution.core.states import ORDER_FINAL, OrderStatus
from execution.models import Account, Order
from tests.desk.books import books_of
from tests.desk.database import ALIAS, database_of, order_of
from tests.desk.running import PAPER_LABELS, RunningDesk, wait_until
from tests.desk.test_kills import engines_alive
from tests.desk.visitor import Visitor
from tests.engine.running import check_books

MEGABYTES = 40
ORDERS = 10
FULL_FOR = 12.0  # seconds: longer than a lease, shorter than an absence after which orders wait for a person
BACK_WITHIN = 30.0


def run_as_root(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of the test's own, in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    is_mounted = run_as_root("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(disk))
    if not is_mounted:
        pytest.skip("NOT TESTED: a desk on a full disk; only root may mount a small one")
    try:
        yield disk
    finally:
        run_as_root("umount", "-l", str(disk))


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Keep the disk full within the block: freed space is taken again at once."""
    ends = threading.Event()
    ballast = disk / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file:
            while not ends.is_set():
                for size in (1 << 20, 4096):
                    try:
                        while True:
                            file.write(b"x" * size)
                    except OSError:
                        continue
                time.sleep(0.02)

    filler = threading.Thread(target=fill)
    filler.start()
    try:
        wait_until(lambda: free_bytes(disk) == 0, within=10, what="the disk to be full")
        yield
    finally:
        ends.set()
        filler.join()
        ballast.unlink()


def free_bytes(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


def refusal_of(visitor: Visitor) -> str:
    """Return the page that refuses a ticket."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        visitor.launch(quantity="0.1")
    assert refused.value.code == 422
    return refused.value.read().decode()


def is_back(desk: RunningDesk, since: datetime) -> bool:
    """Return whether every process runs, two engines hold a lease, and every account was looked at since."""
    pids = desk.pids()
    runs = all(os.path.exists(f"/proc/{pid}") for pid in pids.values()) and len(pids) == 10
    looked = Account.objects.using(ALIAS).filter(polled_at__gt=since).count() == len(PAPER_LABELS)
    answers = all(desk.paper(label).answers() for label in PAPER_LABELS)
    return runs and looked and answers and engines_alive() == 2


def has_more(trader: Visitor, public_id: str, filled: Decimal) -> bool:
    """Return whether the order is filled further. Resume it if all this took so long that the desk paused it."""
    order = order_of(public_id)
    trader.resume_if_paused(order)
    return order.filled > filled


@pytest.mark.timeout(1800)
def test_a_disk_that_was_full_while_ten_orders_lived_loses_nothing_and_everything_comes_back(
    desk_factory: Callable[..., RunningDesk], small_disk: Path, django_db_blocker: Any
) -> None:
    desk = desk_factory(small_disk / "var")
    desk.wait()
    with database_of(desk, django_db_blocker):
        accounts = Account.objects.using(ALIAS)
        wait_until(
            lambda: accounts.filter(reconciled_until=None).count() == 0, within=30, what="open accounts"
        )
        trader, supervisor = Visitor(desk), Visitor(desk, "supervisor")
        terms = {"quantity": "0.5", "duration": "01:00:00", "slices": "600", "catch_up_cap": "10"}
        orders = [trader.launch(**terms) for _ in range(ORDERS)]
        wait_until(lambda: all(order_of(each).filled for each in orders), within=30, what="a fill of each")
        begun = time.monotonic()
        with full(small_disk):
            assert "No new order starts below 4.2 MB" in refusal_of(trader)
            assert "No new order starts below" in trader.get("/orders/new/")
            assert "of disk are free, and no new order starts" in supervisor.get("/wall/")
            time.sleep(max(0.0, FULL_FOR - (time.monotonic() - begun)))
        since, begun = datetime.now(UTC), time.monotonic()
        wait_until(lambda: is_back(desk, since), within=BACK_WITHIN, what="everything to be back")
        print(f"\neverything was back after {time.monotonic() - begun:.1f} s")
        wait_until(
            lambda: "lines could not be written here" in desk.log(), within=10, what="the log to say so"
        )
        filled = {each: order_of(each).filled for each in orders}
        wait_until(
            lambda: all(has_more(trader, each, filled[each]) for each in orders), within=60, what="more fills"
        )
        for public_id in orders:
            trader.end_in(30, order_of(public_id))
        wait_until(
            lambda: all(order_of(each).status in ORDER_FINAL for each in orders),
            within=90,
            what="the end of every order",
        )
        for public_id in orders:
            order = order_of(public_id)
            assert order.status == OrderStatus.COMPLETED, order.reason
            check_books(order, books_of(desk, public_id))
        assert Order.objects.using(ALIAS).count() == ORDERS
