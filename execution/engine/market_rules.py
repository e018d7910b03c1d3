"""The rules of an account's markets, read when its session begins, every few minutes, and after certain refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from execution.core import faults
from execution.engine.clock import pause
from execution.engine.context import EngineContext
from execution.engine.failures import Health
from execution.selectors.decisions.sessions import AccountDetails
from execution.services.accounts.markets import listing_record, markets_record
from execution.services.orders.market_rules import orders_adopt_markets
from execution.venues.protocol import Gateway, VenueReadFailed

log = structlog.get_logger(__name__)

REFRESH_EVERY = 300.0  # seconds
REFRESH_AGAIN = 60.0  # after a time that failed
REFRESH_WAITING = 15.0  # while a live order waits for a market to open: nothing else would tell
REFRESH_SOONEST = 10.0  # after the last time, whatever hints at new rules


class MarketRules:
    """Reads the market rules from the venue, stores them, and applies them to the live orders."""

    def __init__(
        self,
        context: EngineContext,
        gateway: Gateway,
        details: AccountDetails,
        *,
        health: Health,
        failed: Callable[[str], Awaitable[None]],
    ) -> None:
        self._context = context
        self._gateway = gateway
        self._details = details
        self._health = health
        self._failed = failed
        self._doubted = asyncio.Event()
        self._wait = REFRESH_EVERY
        self._missing: list[str] = []
        self._listed: frozenset[str] = frozenset()

    def doubt(self) -> None:
        """Read the rules again soon, because a refused order hints at a change."""
        self._doubted.set()

    def is_unlisted(self, symbol: str) -> bool:
        """Return whether this symbol of the account was missing in the venue's last list of markets."""
        return symbol in self._missing

    async def load(self) -> tuple[str, ...]:
        """Read the rules of the account's symbols, and return those that the venue lists.

        Raises ``VenueReadFailed``. The earlier rules then stay in use.
        """
        details, database = self._details, self._context.database
        markets = await self._gateway.markets(details.symbols)
        missing = sorted(set(details.symbols) - set(markets))
        if missing and missing != self._missing:
            log.warning("the venue does not list symbols", account=details.label, symbols=missing)
        self._missing = missing
        now, asked = self._context.clock.now(), details.symbols
        await database.retry_until_committed(
            markets_record, venue_pk=details.venue_pk, markets=markets, now=now, asked=asked
        )
        await self._record_listing()
        adopted = await database.retry_until_committed(
            orders_adopt_markets, venue_pk=details.venue_pk, now=now
        )
        self._wait = REFRESH_WAITING if adopted.is_waiting else REFRESH_EVERY
        for order_pk in adopted.orders:
            self._context.poke_order(order_pk)
        return tuple(sorted(markets))

    async def _record_listing(self) -> None:
        """Store the venue's list of symbols, from which admins choose, if it has changed in this session."""
        listed = self._gateway.listed_symbols
        if listed and listed != self._listed:
            await self._context.database.retry_until_committed(
                listing_record, venue_pk=self._details.venue_pk, symbols=listed, now=self._context.clock.now()
            )
            self._listed = listed

    async def run(self) -> None:
        """Read the rules again and again.

        The first reading comes after a pause, because the session has just read the rules.
        """
        while True:
            await self._context.clock.sleep(REFRESH_SOONEST)
            await pause(self._context.clock, self._doubted, self._wait - REFRESH_SOONEST)
            self._doubted.clear()
            self._wait = REFRESH_AGAIN
            try:
                await self.load()
            except VenueReadFailed as error:
                await self._failed(str(error))
            else:
                await self._health.worked(faults.MARKET_LIMITS)
