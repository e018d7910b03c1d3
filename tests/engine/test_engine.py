"""The engine's own loop."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from kombu.utils.imports import symbol_by_name

from config.celery import app
from execution import tasks
from execution.core.types import Quote
from execution.engine.account_session import AccountSession
from execution.engine.clock import SystemClock
from execution.engine.engine import Engine, Running
from execution.engine.lease import Lease
from execution.engine.market_reading import newest_data
from execution.engine.order_driver import OrderDriver
from execution.selectors.quotes import quote_latest
from tests.engine.desk import Desk
from tests.factories import NOW, Rows


class NoDatabase:
    """Neither on threads nor at all; ``used`` names what was asked of it."""

    def __init__(self) -> None:
        self.used: list[str] = []

    async def run(self, function: Any, *_: Any, **__: Any) -> None:
        self.used.append(function.__name__)

    async def retry_until_committed(self, function: Any, *_: Any, **__: Any) -> None:
        self.used.append(function.__name__)

    async def compute(self, function: Any, *_: Any, **__: Any) -> None: ...


def engine_without(database: NoDatabase) -> Engine:
    clock = SystemClock()
    return Engine(
        clock=clock,
        database=database,  # type: ignore[arg-type]
        lease=Lease(clock, on_lost=lambda _: None),
        open_gateway=lambda _: pytest.fail("nothing is opened"),
        open_market=lambda _: pytest.fail("nothing is opened"),
        publish_quote=lambda *_: None,
    )


async def test_an_engine_that_stops_gives_nothing_away_before_what_it_sent_has_arrived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = NoDatabase()
    engine = engine_without(database)
    engine._lease._until = engine._clock.boot() + 60  # type: ignore[attr-defined]
    left = []

    async def let_arrive(_: AccountSession) -> None:
        left.append(engine._lease.left())
        database.used.append("arrived")

    monkeypatch.setattr(AccountSession, "let_arrive", let_arrive)
    session = AccountSession(engine.parts, 1, 1, lambda _: pytest.fail("nothing is opened"))
    engine._sessions[1] = Running(session, asyncio.create_task(asyncio.sleep(60)))
    await engine._shut_down()
    assert database.used == ["arrived", "worker_stop", "worker_release"]
    assert left == [0.0], "nothing new is sent meanwhile"


@pytest.mark.parametrize("way", ["stop", "terminate"])
def test_a_worker_ends_after_its_engine_however_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    joined = []
    monkeypatch.setattr(tasks, "_host", lambda: SimpleNamespace(join=lambda: joined.append(way)))
    (step,) = [symbol_by_name(name) for name in app.steps["worker"]]
    getattr(step(SimpleNamespace()), way)(SimpleNamespace())
    assert joined == [way]


async def test_a_doorbell_that_never_stops_does_not_make_the_engine_check_all_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine, clock = engine_without(NoDatabase()), SystemClock()
    looks = []

    async def look() -> None:
        looks.append(clock.boot())

    monkeypatch.setattr(engine, "_poll", look)
    task = asyncio.create_task(engine.run())
    until = clock.boot() + 0.5
    while clock.boot() < until:
        engine.poke_order(1)  # another engine's order
        await asyncio.sleep(0.001)
    task.cancel()
    assert 1 <= len(looks) <= 6


async def test_the_quote_in_redis_is_not_read_on_the_databases_thread(rows: Rows) -> None:
    desk = Desk(rows)
    database = NoDatabase()
    object.__setattr__(desk.parts, "database", database)
    assert (
        await newest_data(desk.parts, [rows.venue.pk], "BTC/USDT", desk.parts.quotes.quote, quote_latest)
        == {}
    )
    assert database.used == []


@pytest.mark.parametrize(("ask", "wakes"), [("99", True), ("NaN", False), ("101", False)])
def test_a_quote_wakes_its_driver_beyond_the_bound_and_one_that_is_no_number_harms_nobody(
    rows: Rows, ask: str, wakes: bool
) -> None:
    driver = OrderDriver(Desk(rows).parts, 1, 1)
    driver._below = Decimal(100)
    driver._on_quote(Quote(Decimal(98), Decimal(ask), None, None, NOW))
    assert driver._wake.is_set() == wakes


async def test_an_actor_that_ran_well_for_long_is_started_again_at_once(rows: Rows) -> None:
    clock = Desk(rows).clock
    engine = Engine(
        clock=clock,
        database=NoDatabase(),  # type: ignore[arg-type]
        lease=Lease(clock, on_lost=lambda _: None),
        open_gateway=lambda _: pytest.fail("nothing is opened"),
        open_market=lambda _: pytest.fail("nothing is opened"),
        publish_quote=lambda *_: None,
    )
    ran, pauses = iter([0, 0, 0, 3600, 0]), []
    ended = clock.boot()

    async def run() -> None:
        nonlocal ended
        pauses.append(clock.boot() - ended)
        seconds = next(ran, None)
        if seconds is None:
            return
        clock.pass_by(seconds)
        ended = clock.boot()
        raise RuntimeError("a fault of ours")

    await engine._keep_running(run, "test")
    assert pauses == [0, 0.5, 1, 2, 0.5, 1]
