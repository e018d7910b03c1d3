"""Look-ups of single orders, combined where the exchange answers many in one request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from execution.core.types import OrderRef, OrderReport
from execution.engine.clock import Clock
from execution.venues.protocol import Gateway, VenueReadFailed

#: Look-ups that share requests take this part of the rate limit at most.
SHARE = 0.5
LONGEST_PATIENCE = 1.0  # seconds


@dataclass(slots=True, eq=False)
class _Wanted:
    """An order that somebody looks up. Once ``is_answered``, ``report`` or ``error`` has the result.

    ``is_left_out`` means that the answer for several orders lacked this one. One unknown id may spoil an answer for
    several orders.
    """

    ref: OrderRef
    is_left_out: bool = False
    is_answered: bool = False
    report: OrderReport | None = None
    error: VenueReadFailed | None = None


class OrderLookUps:
    """Runs one request at a time. Look-ups that are wanted during a request share the next one.

    Otherwise forty look-ups would be forty requests, and the rate limit would delay all later requests. The combined
    requests use at most half of the rate limit.
    """

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock
        self._next_at = 0.0
        self._turn = asyncio.Lock()
        self._waiting: list[_Wanted] = []

    @property
    def patience(self) -> float:
        """Return the seconds to wait for the stream's report on an order before a look-up is worth its cost."""
        return min(self._gateway.seconds_of("find"), LONGEST_PATIENCE)

    async def find(self, ref: OrderRef) -> OrderReport | None:
        """Return the exchange's report on an order; None where it knows none. Raises ``VenueReadFailed``."""
        if self._gateway.orders_at_once < 2 or not ref.exchange_id:
            return await self._gateway.find(ref)
        wanted = _Wanted(ref)
        self._waiting.append(wanted)
        try:
            async with self._turn:
                if not wanted.is_answered:
                    if (wait := self._next_at - self._clock.boot()) > 0:
                        await self._clock.sleep(wait)
                    await self._ask(wanted)
        finally:
            self._waiting.remove(wanted)
        if wanted.error is not None:
            raise wanted.error
        return wanted.report

    async def _ask(self, first: _Wanted) -> None:
        """Look up ``first`` together with the other waiting orders. If the answer lacks it, look it up by itself."""
        others = [
            one for one in self._waiting if one is not first and not one.is_answered and not one.is_left_out
        ]
        if others and not first.is_left_out:
            self._take_time()
            batch = [first, *others][: self._gateway.orders_at_once]
            await self._ask_together(batch)
        if not first.is_answered:
            self._take_time()
            first.report = await self._gateway.find(first.ref)
            first.is_answered = True

    def _take_time(self) -> None:
        """Delay the next request until the rate limit has recovered from this one."""
        now = self._clock.boot()
        self._next_at = max(self._next_at, now) + self._gateway.seconds_of("find") / SHARE

    async def _ask_together(self, batch: list[_Wanted]) -> None:
        by_id = {str(one.ref.exchange_id): one for one in batch}
        try:
            found = await self._gateway.find_all(list(by_id))
        except VenueReadFailed as error:
            for one in batch:
                one.error, one.is_answered = error, True
            return
        for exchange_id, report in found.items():
            one = by_id[exchange_id]
            one.report, one.is_answered = report, True
        for one in batch:
            one.is_left_out = not one.is_answered
