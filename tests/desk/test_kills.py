"""Engines killed with kill -9 in the middle of slices: another goes on, nothing is sent twice or lost."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from execution.core.states import ORDER_FINAL, OrderStatus
from execution.models import Account, Worker
from tests.desk.books import compare
from tests.desk.database import ALIAS, database_of, order_of
from tests.desk.running import RunningDesk, wait_until
from tests.desk.visitor import Visitor

#: The order lasts 12 s for each of them; TRANCHE_KILLS=10 for a longer run.
KILLS = int(os.environ.get("TRANCHE_KILLS", "2"))
OTHERS_WITHIN = 15.0  # the promise is 5 s on a machine that does nothing else; measured figures are printed


def engines_alive() -> int:
    """Workers with a running lease, by the rows and by the processes."""
    now = datetime.now(UTC)
    rows = Worker.objects.using(ALIAS).filter(stopped_at=None, lease_until__gt=now)
    return sum(1 for worker in rows if psutil.pid_exists(worker.process_id))


def account() -> Account:
    return Account.objects.using(ALIAS).get(label="alpha")


def goes_on(public_id: str, dead: int, polled_since: datetime | None) -> bool:
    """Another worker drives the order, one holds its account, and has looked at the exchange if it is a new one."""
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


@pytest.mark.timeout(600)
def test_kills_in_the_middle_of_slices_lose_nothing_and_send_nothing_twice(
    desk_factory: Callable[..., RunningDesk], tmp_path: Path, django_db_blocker: Any
) -> None:
    seed = int(os.environ.get("TRANCHE_KILL_SEED", random.SystemRandom().randrange(10**6)))
    print(f"\nseed of the kills: {seed}")
    draw = random.Random(seed)
    # Three engines, so that two are left while the third starts again.
    desk = desk_factory(tmp_path / "var", arguments=("--workers", "3"))
    desk.wait()
    with database_of(desk, django_db_blocker):
        wait_until(lambda: engines_alive() == 3, within=60, what="three engines")
        seconds, slices = str(12 * KILLS), str(2 * KILLS + 2)
        public_id = Visitor(desk).launch(quantity="0.9", duration=seconds, slices=slices, catch_up_cap="20")
        wait_until(lambda: order_of(public_id).owner is not None, within=10, what="a driver")
        took = []
        for _ in range(KILLS):
            wait_until(lambda: engines_alive() >= 2, within=60, what="an engine beside the one to be killed")
            time.sleep(draw.uniform(0.5, 4.5))
            if order_of(public_id).status != OrderStatus.WORKING:
                break
            took.append(kill_owner(public_id))
        print("seconds until another went on:", ", ".join(f"{seconds:.1f}" for seconds in took))
        assert len(took) == KILLS, f"only {len(took)} kills met the order at work"
        finish(public_id)
        compare(desk, public_id)


@pytest.mark.timeout(300)
def test_when_every_engine_is_killed_at_once_the_desk_starts_them_again_and_the_order_goes_on(
    desk: RunningDesk, django_db_blocker: Any
) -> None:
    with database_of(desk, django_db_blocker):
        wait_until(lambda: engines_alive() == 2, within=60, what="two engines")
        public_id = Visitor(desk).launch(quantity="0.5", duration="00:00:40", slices="8", catch_up_cap="8")
        try:
            wait_until(lambda: order_of(public_id).filled > 0, within=20, what="the first fill")
        finally:
            order = order_of(public_id)
            print(f"\n{order.status}, filled {order.filled}: {order.why}")
        since, begun = datetime.now(UTC), time.monotonic()
        assert order.owner_id is not None
        for name in ("engine1", "engine2"):
            desk.kill(name)
        wait_until(
            lambda: goes_on(public_id, order.owner_id or 0, since), within=40, what="an engine to go on"
        )
        print(f"\nseconds until an engine went on with none left: {time.monotonic() - begun:.1f}")
        finish(public_id)
        compare(desk, public_id)
