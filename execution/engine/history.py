"""The part of an account session that keeps the markets' five-minute candles up to date."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core.orders.parameters import MAX_LOOKBACK
from execution.engine.context import EngineContext
from execution.selectors.candles import CANDLE_LENGTH, candles_known_until
from execution.services.accounts.markets import candles_record
from execution.venues.protocol import Gateway, VenueReadFailed

log = structlog.get_logger(__name__)

#: The history is fetched after whatever an opening account has to do first.
FIRST_AFTER = 2.0  # seconds
LOOK_EVERY = 10.0  # seconds
#: A candle is asked for when it has been over for a moment: exchanges list it late.
SETTLES = timedelta(seconds=3)


class MarketHistory:
    """Keeps the candles of one account's symbols, as far back as any plan looks."""

    def __init__(
        self, parts: EngineContext, gateway: Gateway, *, venue_pk: int, symbols: tuple[str, ...]
    ) -> None:
        self._context = parts
        self._gateway = gateway
        self._venue_pk = venue_pk
        self._symbols = symbols

    async def run(self) -> None:
        await self._context.clock.sleep(FIRST_AFTER)
        while True:
            for symbol in self._symbols:
                try:
                    await self.refresh(symbol)
                except VenueReadFailed as error:
                    log.warning("no candles", symbol=symbol, error=str(error))
                except (DatabaseError, InterfaceError) as error:
                    log.warning("candles could not be kept", symbol=symbol, error=str(error))
            await self._context.clock.sleep(LOOK_EVERY)

    async def refresh(self, symbol: str) -> None:
        """Fetch what was finished since the last time; nothing, if another account there has just done so."""
        until = last_finished(self._context.clock.now() - SETTLES)
        known = await self._context.database.read(candles_known_until, self._venue_pk, symbol)
        if known is not None and known >= until:
            return
        oldest = until - timedelta(days=MAX_LOOKBACK)
        since = oldest if known is None else max(known, oldest)
        candles = await self._gateway.candles(symbol, since, until)
        await self._context.database.run(
            candles_record, venue_pk=self._venue_pk, symbol=symbol, candles=candles, known_until=until
        )


def last_finished(now: datetime) -> datetime:
    """When the last candle that is over by ``now`` ended."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (now - midnight) // CANDLE_LENGTH * CANDLE_LENGTH
