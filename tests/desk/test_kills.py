"""Engines killed with kill -9 in the middle of slices: another goes on, nothing is sent twice or lost."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest

from execution.core.states import ORDER_FINAL, OrderStatus
from execution.models import Account, Worker
from tests.desk.books import compare
from tests.desk.database import ALIAS, database_of, order_of
from tests.desk.running import RunningDesk, wait_until
from tests.desk.visitor import Visitor

#: Before the last one. TRANCHE_KILLS=10 for a longer run.
KILLS = int(os.environ.get("TRANCHE_KILLS", "2"))
OTHERS_WITHIN = 15.0  # the promise is 5 s on a machine that does nothing else; measured figures are printed


def engines_alive() -> int:
    """Return the number of workers with a running lease, by the rows and by the processes."""
    now = datetime.now(UTC)
    rows = Worker.objects.using(ALIAS).filter(stopped_at=None, lease_until__gt=now)
    return sum(1 for worker in rows if psutil.pid_exists(worker.process_id))


def account() -> Account:
    return Account.objects.using(ALIAS).get(label="alpha")


def goes_on(public_id: str, dead: int, polled_since: datetime | None) -> bool:
    """Return whether another worker drives the order, and one holds its account, and has polled the exchange if it
    is a new one.
    """
    order, alpha = order_of(public_id), account()
    if order.status in ORDER_FINAL:
        return True
    owners = {order.owner_id, alpha.owner_id}
    looked = polled_since is None or (
        alpha.reconciled_until is not None and alpha.reconciled_until > polled_since
    )
    return dead not in owners and None not in owners and looked


def kill_owner(public_id: str) -> float:
    """Kill the engine that drives the order; seconds until another goes on."""
    order = order_of(public_id)
    assert order.owner is not None
    dead = order.owner.pk
    # An engine that was quick may hold the account of an order that another one drives.
    since = datetime.now(UTC) if account().owner_id == dead else None
    os.kill(order.owner.process_id, signal.SIGKILL)
    begun = time.monotonic()
    wait_until(lambda: goes_on(public_id, dead, since), within=OTHERS_WITHIN, what="another engine to go on")
    return time.monotonic() - begun


def finish(public_id: str) -> None:
    """Wait for the end of the order."""
    wait_until(lambda: order_of(public_id).status in ORDER_FINAL, within=120, what="the end of the order")


@pytest.mark.timeout(1800)
def test_kills_in_the_middle_of_slices_lose_nothing_and_send_nothing_twice(
    desk: RunningDesk, django_db_blocker: Any
) -> None:
    """One engine after another, and at last all at once: the desk starts them again, and the order goes on."""
    seed = int(os.environ.get("TRANCHE_KILL_SEED", random.SystemRandom().randrange(10**6)))
    print(f"\nseed of the kills: {seed}")
    draw = random.Random(seed)
    with database_of(desk, django_db_blocker):
        wait_until(lambda: engines_alive() == 2, within=60, what="two engines")
        trader, terms = Visitor(desk), {"duration": "01:00:00", "slices": "600", "catch_up_cap": "20"}
        public_id = trader.launch(quantity="0.9", **terms)
        wait_until(lambda: order_of(public_id).owner is not None, within=10, what="a driver")
        took = []
        for _ in range(KILLS):
            time.sleep(draw.uniform(0.5, 4.5))
            wait_until(lambda: engines_alive() == 2, within=60, what="an engine beside the one to be killed")
            expect_at_work(public_id)
            took.append(kill_owner(public_id))
        print("seconds until another went on:", ", ".join(f"{seconds:.1f}" for seconds in took))
        wait_until(lambda: engines_alive() == 2, within=60, what="two engines")
        expect_at_work(public_id)
        print(f"seconds until an engine went on with none left: {kill_every_engine(desk, public_id):.1f}")
        trader.end_in(30, order_of(public_id))
        finish(public_id)
        compare(desk, public_id)


def expect_at_work(public_id: str) -> None:
    """Wait until the order is at work, so that a kill meets it there."""
    order = order_of(public_id)
    assert order.status == OrderStatus.WORKING, f"{order.status}, filled {order.filled}: {order.why}"


def kill_every_engine(desk: RunningDesk, public_id: str) -> float:
    """Kill both engines; seconds until one goes on that the desk has started again."""
    wait_until(lambda: order_of(public_id).filled > 0, within=20, what="the first fill")
    order = order_of(public_id)
    assert order.owner_id is not None
    since, begun, dead = datetime.now(UTC), time.monotonic(), order.owner_id
    for name in ("engine1", "engine2"):
        desk.kill(name)
    wait_until(lambda: goes_on(public_id, dead, since), within=40, what="an engine to go on")
    return time.monotonic() - begun
