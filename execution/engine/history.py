"""The part of a market session that keeps the markets' five-minute candles up to date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core.days import midnight_of
from execution.core.orders.parameters import MAX_LOOKBACK
from execution.engine.context import EngineContext
from execution.selectors.candles import CANDLE_LENGTH, candles_known_until
from execution.services.accounts.markets import candles_record
from execution.venues.protocol import MarketGateway, VenueReadFailed

log = structlog.get_logger(__name__)

#: The first fetch waits this long, because an account that opens has other things to do first.
FIRST_AFTER = 2.0  # seconds
POLL_EVERY = 10.0  # seconds
#: A candle is requested this long after its end, because exchanges list it late.
SETTLES = timedelta(seconds=3)
#: The last candles are requested again with each new one, because exchanges correct them.
OVERLAP = 12 * CANDLE_LENGTH
#: A market is read again after this part of the time for which it has brought nothing new,
PATIENCE = 1 / 8
#: but not before this many seconds for each requested day, because a long history takes many requests,
PER_DAY = 5.0
#: and apart from that after at most this many seconds.
MAX_PAUSE = 3600.0


@dataclass(slots=True)
class Pause:
    """The time of a symbol's next read, in seconds of a monotonic clock.

    The longer reads bring nothing new, the longer the pause until the next read.
    """

    fruitless_since: float | None = None
    due: float = 0.0

    def end(self) -> None:
        """End the pause, because something new came or nothing is missing."""
        self.fruitless_since, self.due = None, 0.0

    def grow(self, *, at: float, least: float) -> None:
        """Set the next read to at least ``least`` seconds after ``at``. The pause grows, because nothing new came."""
        if self.fruitless_since is None:
            self.fruitless_since = at
        self.due = at + max(min((at - self.fruitless_since) * PATIENCE, MAX_PAUSE), least)


@dataclass(frozen=True, slots=True)
class Missing:
    """The range of candles to request, from ``since`` until ``until``.

    It begins an hour before the end of the known candles, but never before the earliest time that any plan uses. If no
    candles are known, it begins at that earliest time.
    """

    known: datetime | None
    since: datetime
    until: datetime

    @property
    def days(self) -> float:
        return (self.until - self.since) / timedelta(days=1)


class MarketHistory:
    """Keeps the candles of a venue's symbols, as far back as any plan looks."""

    def __init__(
        self, parts: EngineContext, gateway: MarketGateway, *, venue_pk: int, symbols: tuple[str, ...]
    ) -> None:
        self._context = parts
        self._gateway = gateway
        self._venue_pk = venue_pk
        self._pauses = {symbol: Pause() for symbol in symbols}

    async def run(self) -> None:
        await self._context.clock.sleep(FIRST_AFTER)
        while True:
            await self.refresh_due()
            await self._context.clock.sleep(POLL_EVERY)

    async def refresh_due(self) -> None:
        """Refresh each symbol whose pause is over.

        Raise an error of our own code only after all symbols were tried.
        """
        failures: list[Exception] = []
        for symbol, pause in self._pauses.items():
            if self._context.clock.boot() < pause.due:
                continue
            try:
                await self._refresh_and_wait(symbol, pause)
            except Exception as error:  # noqa: BLE001  # raised below
                pause.grow(at=self._context.clock.boot(), least=0)
                failures.append(error)
        if failures:
            raise failures[0]

    async def _refresh_and_wait(self, symbol: str, pause: Pause) -> None:
        least = 0.0
        try:
            missing = await self._missing(symbol)
            if missing is None:
                return pause.end()
            least = missing.days * PER_DAY
            if await self._fetch(symbol, missing):
                return pause.end()
        except VenueReadFailed as error:
            least = max(least, error.retry_after.total_seconds() if error.retry_after else 0.0)
            log.warning("no candles", symbol=symbol, error=str(error))
        except (DatabaseError, InterfaceError) as error:
            log.warning("candles could not be kept", symbol=symbol, error=str(error))
        return pause.grow(at=self._context.clock.boot(), least=least)

    async def refresh(self, symbol: str) -> None:
        """Read the candles that were finished since the last time, and the last hour again."""
        if (missing := await self._missing(symbol)) is not None:
            await self._fetch(symbol, missing)

    async def _missing(self, symbol: str) -> Missing | None:
        """Return the missing range; None if all finished candles are known."""
        until = last_finished(self._context.clock.now() - SETTLES)
        known = await self._context.database.read(candles_known_until, self._venue_pk, symbol)
        if known is not None and known >= until:
            return None
        oldest = until - timedelta(days=MAX_LOOKBACK)
        return Missing(known, oldest if known is None else max(known - OVERLAP, oldest), until)

    async def _fetch(self, symbol: str, missing: Missing) -> bool:
        """Request and store the missing candles. Return True if one of them is new."""
        history = await self._gateway.candles(symbol, missing.since, missing.until)
        await self._context.database.run(
            candles_record, venue_pk=self._venue_pk, symbol=symbol, history=history
        )
        if not history.candles:
            return False
        return missing.known is None or history.candles[-1].opened_at >= missing.known


def last_finished(now: datetime) -> datetime:
    """Return the end of the last candle that is finished by ``now``."""
    midnight = midnight_of(now)
    return midnight + (now - midnight) // CANDLE_LENGTH * CANDLE_LENGTH
