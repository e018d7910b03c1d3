"""The reading of an account's balances, at intervals and soon after fills."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from execution.engine.context import EngineContext
from execution.services.accounts.markets import balances_record
from execution.venues.protocol import Gateway, VenueReadFailed

EVERY = 20.0  # seconds
#: Fills come in bursts. The balances are requested this long after the first fill of a burst.
AFTER_FILL = 1.0
#: Requests after fills take at most this part of the account's rate limit.
PART = 0.1


class AccountBalances:
    """Keeps the stored balances of one account up to date.

    When the balances cannot be read, it calls ``failed`` with the reason. After a fill, other parts set ``wanted`` to
    request a reading soon.
    """

    def __init__(
        self,
        context: EngineContext,
        gateway: Gateway,
        account_pk: int,
        failed: Callable[[str], Awaitable[None]],
        wanted: asyncio.Event,
    ) -> None:
        self._context = context
        self._gateway = gateway
        self._account_pk = account_pk
        self._failed = failed
        self._wanted = wanted

    async def run(self) -> None:
        while True:
            try:
                balances = await self._gateway.balances()
                await self._context.database.retry_until_committed(
                    balances_record,
                    account_pk=self._account_pk,
                    balances=balances,
                    now=self._context.clock.now(),
                )
            except VenueReadFailed as error:
                await self._failed(str(error))
            self._wanted.clear()
            least = min(self._gateway.seconds_of("balances") / PART, EVERY)
            with suppress(TimeoutError):
                await self._context.clock.sleep(max(least - AFTER_FILL, 0.0))
                async with asyncio.timeout(max(EVERY - least, AFTER_FILL)):
                    await self._wanted.wait()
                await self._context.clock.sleep(AFTER_FILL)
