"""A program outside the desk that spends from the same accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Protocol

from execution.core.types import ZERO
from execution.verification.faults import wallets
from execution.verification.faults.exchange import Exchange
from execution.verification.faults.fault_injector import ANOTHER_PROGRAM, FaultInjector


class SpendingWorld(Protocol):
    """A simulation with accounts that another program may use."""

    injector: FaultInjector
    accounts: list[str]

    @property
    def exchanges(self) -> Mapping[str, Exchange]: ...

    def random(self, purpose: str) -> Random: ...

    def tell(self, text: str) -> None: ...


async def spend_elsewhere(world: SpendingWorld) -> None:
    """Spend from the accounts a few times at random, as another program would, in some of the seeds."""
    random = world.random("another program")
    for _ in range(random.choice((0, 0, 1, 2, 4))):
        await asyncio.sleep(random.random() * 5)
        if world.injector.is_clear:
            return
        label, currency = random.choice(world.accounts), random.choice((wallets.BASE, wallets.QUOTE))
        share = Decimal(random.randint(2, 10)) / 10
        world.injector.note(ANOTHER_PROGRAM)
        exchange = world.exchanges[label]
        spent = (exchange.balances(label)[currency].free or ZERO) * share
        exchange.wallets.spend(label, currency, spent)
        world.tell(f"another program spends {spent} {currency} of {label}")
