"""Post-only children refused because they would have taken, in a market that moves every 100 ms.

``uv run pytest -s tests/benchmarks/post_only.py`` prints their number in a thousand.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from execution.core.types import TimeInForce
from execution.models import ChildOrder
from tests.engine.exchange import Exchange
from tests.engine.running import EngineThread, World

SECONDS = 120.0
ORDERS = 6
TICK = Decimal("0.01")
#: Ticks that the middle of the market moves each time: a level of the paper exchange is a hundred apart.
STEP = 60


@contextmanager
def moving(exchange: Exchange) -> Iterator[None]:
    """Move the middle of the market up or down every 100 ms."""
    ended, draw = threading.Event(), random.Random(1)

    def move() -> None:
        mid = Decimal(64_500)
        while not ended.wait(0.1):
            mid += STEP * TICK * draw.choice((-1, 1))
            exchange.control("POST", "market", {"symbol": "BTC/USDT", "mid": str(mid)})

    thread = threading.Thread(target=move)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.real_process
@pytest.mark.timeout(1800)
def test_refused_in_a_thousand(world: World, engine: EngineThread) -> None:
    world.exchange.add_accounts([])
    accounts = [world.account(f"rests-{number}") for number in range(ORDERS)]
    world.exchange.kill()
    world.exchange.add_accounts([account.label for account in accounts])
    world.exchange.start()
    engine.start()
    world.wait_open(accounts)
    duration = {"duration": str(int(SECONDS)), "slices": "6", "urgency": "0.5"}
    with moving(world.exchange):
        for account in accounts:
            world.submit(account, quantity="3", parameters=duration)
        time.sleep(SECONDS)
    resting = ChildOrder.objects.filter(time_in_force=TimeInForce.POST_ONLY, submitted_at__isnull=False)
    count = resting.count()
    refused = resting.filter(status="rejected", reason__startswith="OrderImmediatelyFillable").count()
    print(
        f"\n{refused} of {count} post-only children were refused: {1000 * refused / count:.0f} in a thousand"
    )
