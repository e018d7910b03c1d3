"""The times at which the rules of markets are read: every five minutes, sooner for a reason, never continuously."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from execution.core.types import Market
from execution.engine.failures import unseen
from execution.engine.market_rules import MarketRules
from execution.services.accounts.markets import markets_record
from execution.services.orders.market_rules import Adopted
from execution.venues.protocol import VenueReadFailed
from tests.engine.desk import StillClock


@dataclass
class Asked:
    """A gateway and a database in one: when the venue was asked, and what it answers."""

    clock: StillClock = field(default_factory=StillClock)
    times: list[float] = field(default_factory=list)
    fails: bool = False
    waiting: bool = False
    poked: list[int] = field(default_factory=list)
    listed_symbols: frozenset[str] = frozenset()
    errors: list[str] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: int = 0
    then: Callable[[], None] | None = None

    async def markets(self, symbols: Sequence[str]) -> dict[str, Market]:
        self.times.append(self.clock.boot())
        if len(self.times) == self.wanted:
            self.enough.set()
        if self.then is not None:
            self.then()
        if self.fails:
            raise VenueReadFailed("away")
        return {}

    async def retry_until_committed(self, function: Any, **_: Any) -> Adopted | None:
        return None if function is markets_record else Adopted([7], self.waiting)

    def made(self) -> MarketRules:
        context: Any = SimpleNamespace(clock=self.clock, database=self, poke_order=self.poked.append)
        details: Any = SimpleNamespace(symbols=("BTC/USDT",), venue_pk=1, label="alpha")
        gateway: Any = self

        async def failed(error: str) -> None:
            self.errors.append(error)

        return MarketRules(context, gateway, details, health=unseen(self.clock), failed=failed)


class PatientClock(StillClock):
    """Longer than ten seconds nobody sleeps to the end: only a wake-up ends it."""

    async def sleep(self, seconds: float) -> None:
        if seconds > 10:
            await asyncio.Event().wait()
        await super().sleep(seconds)


async def until_asked(asked: Asked, rules: MarketRules, times: int) -> None:
    """Let its loop run until the venue was asked so many times more."""
    asked.enough, asked.wanted = asyncio.Event(), len(asked.times) + times
    running = asyncio.create_task(rules.run())
    await asyncio.wait_for(asked.enough.wait(), 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_they_are_asked_for_every_five_minutes_and_orders_that_changed_are_poked() -> None:
    asked = Asked()
    await until_asked(asked, asked.made(), 2)
    assert asked.times == [300, 600]
    assert asked.poked[:1] == [7]


async def test_after_a_telling_refusal_they_are_asked_for_at_once_but_not_within_ten_seconds() -> None:
    asked = Asked(clock=PatientClock())
    rules = asked.made()
    asked.then = rules.doubt  # each time another refusal comes while the answer is on its way
    rules.doubt()
    rules.doubt()
    await until_asked(asked, rules, 3)
    assert asked.times == [10, 20, 30]


async def test_after_a_time_that_failed_they_are_asked_for_again_in_a_minute() -> None:
    asked = Asked(fails=True)
    await until_asked(asked, asked.made(), 2)
    assert asked.times == [300, 360]
    assert asked.errors[0] == "away"


async def test_while_an_order_waits_for_a_market_they_are_asked_for_every_fifteen_seconds() -> None:
    asked = Asked(waiting=True)
    await until_asked(asked, asked.made(), 3)
    assert asked.times == [300, 315, 330]
