"""Reads of an account that are retried before they count as failed.

On an ordinary day one request in fifty to an exchange may fail. Without a retry a poll of many symbols would hardly
ever succeed as a whole.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from execution.core.types import OrderRef, OrderReport, Trade
from execution.engine.clock import Clock
from execution.venues.protocol import Gateway, Listing, VenueReadFailed

T = TypeVar("T")

#: Seconds before the second and the third try.
PAUSES = (0.25, 0.75)
#: If the exchange asks for a pause of up to this many seconds, a read waits for it. A longer one ends the poll.
LONGEST_WAIT = 2.0


def ends_poll(error: VenueReadFailed) -> bool:
    """Return True for a failure that every other request would have too: a ban, or a refused key."""
    return error.refuses_key or _asked_pause(error) > LONGEST_WAIT


class PatientReads:
    """The reads that polls make through a gateway.

    Each is tried several times before it raises ``VenueReadFailed``.
    """

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock
        self.guarantees = gateway.guarantees

    @property
    def lists_all_trades(self) -> bool:
        """Return True if the trades of all symbols cost no more than those of one."""
        return "trades" in self._gateway.account_questions(1)

    async def open_orders(self, symbol: str | None) -> Listing[OrderReport]:
        return await self._tried(lambda: self._gateway.open_orders(symbol))

    async def closed_orders(self, symbol: str, since: datetime) -> Listing[OrderReport]:
        return await self._tried(lambda: self._gateway.closed_orders(symbol, since))

    async def trades(self, symbol: str | None, since: datetime) -> Listing[Trade]:
        return await self._tried(lambda: self._gateway.trades(symbol, since))

    async def order_trades(self, ref: OrderRef) -> Listing[Trade]:
        return await self._tried(lambda: self._gateway.order_trades(ref))

    async def find_all(self, exchange_ids: Sequence[str]) -> Mapping[str, OrderReport]:
        return await self._tried(lambda: self._gateway.find_all(exchange_ids))

    async def find(self, ref: OrderRef) -> OrderReport | None:
        return await self._tried(lambda: self._gateway.find(ref))

    async def _tried(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Call ``ask`` up to three times, but only once for an answer that our own code cannot read.

        A second answer would be just as unreadable.
        """
        for pause in PAUSES:
            try:
                return await ask()
            except VenueReadFailed as error:
                if error.incident or ends_poll(error):
                    raise
                await self._clock.sleep(max(pause, _asked_pause(error)))
        return await ask()


def _asked_pause(error: VenueReadFailed) -> float:
    return error.retry_after.total_seconds() if error.retry_after else 0.0
