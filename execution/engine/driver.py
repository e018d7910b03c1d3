"""An order's driver: look, decide, intend, and wait until there is a reason to look again."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core.decide import decide
from execution.core.states import ORDER_FINAL
from execution.core.types import Quote
from execution.core.view import MAX_QUOTE_AGE, Decision
from execution.engine.clock import pause
from execution.engine.parts import Parts
from execution.selectors.driving import Looked, order_look, order_market
from execution.selectors.quotes import quote_latest
from execution.services.driving import Applied, decision_apply

log = structlog.get_logger(__name__)

#: Without any news the driver looks again after this long: a wake-up may have been lost.
LONGEST_WAIT = 5.0  # seconds
AFTER_ERROR = 0.5  # seconds


class OrderDriver:
    """Drives one claimed order until it is final or somebody else's."""

    def __init__(self, parts: Parts, order_pk: int, fence: int) -> None:
        self._parts = parts
        self._order_pk = order_pk
        self.fence = fence
        self._wake = asyncio.Event()
        self._below: Decimal | None = None
        self._above: Decimal | None = None
        self._last: tuple[str, datetime | None] | None = None
        #: The order's version at the last look.
        self.seen = -1

    def poke(self) -> None:
        """There is news of the order."""
        self._wake.set()

    async def run(self) -> None:
        """Drive; returns when there is nothing more to do for this driver."""
        market = await self._parts.database.run(order_market, self._order_pk)
        if market is None:
            return
        unlisten = self._parts.quotes.listen(*market, self._on_quote)
        try:
            while True:
                self._wake.clear()
                try:
                    wait = await self._step(market)
                except (DatabaseError, InterfaceError) as error:
                    log.warning(
                        "the driver could not reach the database", order=self._order_pk, error=str(error)
                    )
                    wait = AFTER_ERROR
                if wait is None:
                    return
                await self._pause(wait)
        finally:
            unlisten()

    async def _step(self, market: tuple[int, str]) -> float | None:
        """One look and decision; seconds to wait at most, or None when the driver is done."""
        quote = await self._quote(*market)
        now = self._parts.clock.now()
        looked = await self._parts.database.run(order_look, order_pk=self._order_pk, quote=quote, now=now)
        self.seen = looked.version
        if looked.fence != self.fence or looked.owner != self._parts.lease.worker_pk:
            return None
        if looked.view.status in ORDER_FINAL:
            return None
        if self._parts.lease.left() <= 0:
            return AFTER_ERROR
        decision = decide(looked.view)
        self._below, self._above = decision.wake_below, decision.wake_above
        if not decision.commands and self._last == (decision.why, decision.due_at):
            return self._seconds_until(decision)
        return await self._apply(looked, decision, quote)

    async def _apply(self, looked: Looked, decision: Decision, quote: Quote | None) -> float | None:
        applied = await self._parts.database.run(
            decision_apply,
            order_pk=self._order_pk,
            worker_pk=self._parts.lease.worker_pk,
            fence=self.fence,
            version=looked.version,
            decision=decision,
            quote=quote,
            now=self._parts.clock.now(),
        )
        if applied is Applied.FENCED:
            log.info("the order is another driver's now", order=self._order_pk)
            return None
        if applied is Applied.STALE or decision.commands:
            self._last = None
            self._parts.poke_account(looked.account_pk)
            return 0.0
        self._last = (decision.why, decision.due_at)
        return self._seconds_until(decision)

    async def _quote(self, venue_pk: int, symbol: str) -> Quote | None:
        """From this engine's own stream; from Redis where another worker watches the market."""
        quote = self._parts.quotes.get(venue_pk, symbol)
        if quote is not None and self._parts.clock.now() - quote.at < MAX_QUOTE_AGE / 2:
            return quote
        # Not on the database's thread: a Redis that hangs would hold up every fact.
        remote = await self._parts.database.compute(quote_latest, venue_pk, symbol)
        return max((q for q in (quote, remote) if q is not None), key=lambda q: q.at, default=None)

    def _on_quote(self, quote: Quote) -> None:
        below, above = self._below, self._above
        if (below is not None and quote.ask <= below) or (above is not None and quote.bid >= above):
            self._wake.set()

    def _seconds_until(self, decision: Decision) -> float:
        if decision.due_at is None:
            return LONGEST_WAIT
        left = decision.due_at - self._parts.clock.now()
        return min(max(left / timedelta(seconds=1), 0.0), LONGEST_WAIT)

    async def _pause(self, seconds: float) -> None:
        """Until a wake-up, or for ``seconds``."""
        if seconds <= 0:
            await self._parts.clock.sleep(0)
            return
        await pause(self._parts.clock, self._wake, seconds)
