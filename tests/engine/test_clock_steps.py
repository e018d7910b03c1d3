"""The wall clock is set back an hour while a feed is mute: the real engine and ccxt on a real paper exchange (T20)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest

from execution.core.market_data.freshness import MAX_QUOTE_AGE, is_fresh
from execution.engine.clock import SystemClock
from execution.models import Account
from tests.desk.running import wait_until
from tests.engine.running import EngineThread, World, check_against_ledger, open_market
from tests.factories import SYMBOL

pytestmark = pytest.mark.real_process

HOUR = timedelta(hours=1)


class SetClock(SystemClock):
    """The machine's clocks, of which somebody sets the one on the wall."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def engine(world: World, clock: SetClock) -> Iterator[EngineThread]:
    """Yield an engine whose host has the clock. So have its gateways and the people's tickets."""
    world.clock = clock.now
    running = EngineThread(world.gateway, open_market_of=partial(open_market, clock=clock.now), clock=clock)
    try:
        yield running
    finally:
        running.stop()
    assert not running.lost


def opened(world: World, engine: EngineThread) -> Account:
    world.exchange.add_accounts(["alpha"])
    account = world.account("alpha")
    engine.start()
    world.wait_open([account])
    wait_until(lambda: is_quote_fresh(world, engine), within=30, what="a fresh quote")
    return account


def is_quote_fresh(world: World, engine: EngineThread) -> bool:
    quote = engine.quotes.quote(world.venue.pk, SYMBOL)
    return quote is not None and is_fresh(quote.at, world.clock())


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["back", "ahead"])
def test_a_wall_clock_that_is_set_makes_no_old_quote_fresh_and_no_fresh_one_old(
    world: World, engine: EngineThread, clock: SetClock, step: timedelta
) -> None:
    account = opened(world, engine)
    clock.ahead = step
    for _ in range(20):
        assert is_quote_fresh(world, engine), "the stream goes on"
    world.exchange.control("POST", "streams/cut", {"silent_seconds": 600})
    world.exchange.control("POST", "faults", {"on": "market", "kind": "status_503", "count": None})
    wait_until(
        lambda: not is_quote_fresh(world, engine), within=MAX_QUOTE_AGE.seconds + 3, what="a quote to be old"
    )
    clock.ahead = 2 * step  # once more, now that it is old
    order = world.submit(account, parameters={"urgency": "1"})

    def waits() -> bool:
        order.refresh_from_db()
        return "market data is stale since" in order.why

    wait_until(waits, within=20, what="the order to say that it waits")
    assert not order.children.exists()
    world.exchange.control("DELETE", "faults")
    world.exchange.control("POST", "streams/cut", {"silent_seconds": 0})
    world.exchange.control("POST", "streams/cut")
    world.wait_final([order], within=60)
    order.refresh_from_db()
    assert order.status == "completed", order.reason
    check_against_ledger(order, world.exchange.ledger())
