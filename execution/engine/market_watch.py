"""The part of an account session that watches markets: quotes for decisions and pages, seconds for charts."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core.types import ZERO, MarketEvent, PublicTrade, Quote
from execution.engine.context import EngineContext
from execution.models import MarketSample
from execution.selectors.decisions.sessions import symbols_with_orders, symbols_worked
from execution.services.accounts.markets import samples_record
from execution.venues.protocol import Gateway, VenueReadFailed

log = structlog.get_logger(__name__)

#: A quote that the stream has not renewed for this long is asked for.
ASK_AFTER = timedelta(seconds=2)
#: Markets are sampled this long after their last order ended.
SAMPLE_AFTER = timedelta(minutes=5)
BOOKS_EVERY = 0.5  # seconds between looks for books that are wanted
#: A book this young is not asked for again.
BOOK_LASTS = timedelta(seconds=0.8)
PUBLISH_EVERY = timedelta(milliseconds=250)


@dataclass(slots=True)
class _Second:
    """What was traded in a second."""

    volume: Decimal = ZERO
    notional: Decimal = ZERO


class MarketWatch:
    """Watches the symbols of one account."""

    def __init__(
        self, parts: EngineContext, gateway: Gateway, *, venue_pk: int, symbols: tuple[str, ...]
    ) -> None:
        self._context = parts
        self._gateway = gateway
        self._venue_pk = venue_pk
        self._symbols = symbols
        self._traded: defaultdict[tuple[str, datetime], _Second] = defaultdict(_Second)
        self._published: dict[str, datetime] = {}

    async def stream(self) -> None:
        async for event in self._gateway.watch_market(self._symbols):
            self._take(event)

    def _take(self, event: MarketEvent) -> None:
        if event.quote is not None:
            self._put(event.symbol, event.quote)
        for trade in event.trades:
            self._count(trade)

    def _put(self, symbol: str, quote: Quote) -> None:
        self._context.quotes.put(self._venue_pk, symbol, quote)
        last = self._published.get(symbol)
        if last is None or quote.at - last >= PUBLISH_EVERY:
            self._published[symbol] = quote.at
            self._context.publish_quote(self._venue_pk, symbol, quote)

    def _count(self, trade: PublicTrade) -> None:
        second = self._traded[trade.symbol, trade.at.replace(microsecond=0)]
        second.volume += trade.quantity
        second.notional += trade.quantity * trade.price

    async def sample(self) -> None:
        """Once a second: keep the second that has passed, and ask for quotes that have grown old:
        of every market in which an order lives, and of one other in turn.
        """
        turn = 0
        while True:
            try:
                since = self._context.clock.now() - SAMPLE_AFTER
                wanted = await self._context.database.read(symbols_with_orders, self._venue_pk, since=since)
                sampled = wanted & set(self._symbols)
                await self._keep(sampled)
                for symbol in sampled | {self._symbols[turn % len(self._symbols)]}:
                    await self._refresh(symbol)
            except (DatabaseError, InterfaceError) as error:
                log.warning("market samples could not be kept", error=str(error))
            turn += 1
            now = self._context.clock.now()
            await self._context.clock.sleep(1 - now.microsecond / 1_000_000)

    async def books(self) -> None:
        """Every half second: the book of each symbol that an order works in, or somebody plans one.

        REST and not the stream: a few levels a second cost little where nobody watches them in between.
        """
        while True:
            try:
                now = self._context.clock.now()
                wanted = await self._context.database.read(symbols_worked, self._venue_pk, now=now)
            except (DatabaseError, InterfaceError) as error:
                log.warning("whose books are wanted is not known", error=str(error))
            else:
                wanted |= self._context.quotes.looked_at(self._venue_pk, now)
                await asyncio.gather(*(self._look_at_book(symbol) for symbol in wanted & set(self._symbols)))
            await self._context.clock.sleep(BOOKS_EVERY)

    async def _look_at_book(self, symbol: str) -> None:
        """Ask for a book, unless another account at the venue has just done so."""
        known = self._context.quotes.book(self._venue_pk, symbol)
        if known is not None and self._context.clock.now() - known.at < BOOK_LASTS:
            return
        try:
            book = await self._gateway.book(symbol)
        except VenueReadFailed as error:
            log.warning("no book", symbol=symbol, error=str(error))
            return
        self._context.quotes.put_book(self._venue_pk, symbol, book)
        self._context.publish_book(self._venue_pk, symbol, book)

    async def _keep(self, symbols: set[str]) -> None:
        """Write the last full second, and any late trade's second before it is forgotten."""
        this_second = self._context.clock.now().replace(microsecond=0)
        last = this_second - timedelta(seconds=1)
        rows = [self._row(symbol, last) for symbol in sorted(symbols)]
        for key in [key for key in self._traded if key[1] < this_second]:
            del self._traded[key]
        if rows:
            await self._context.database.run(samples_record, samples=rows)

    def _row(self, symbol: str, second: datetime) -> MarketSample:
        quote = self._context.quotes.get(self._venue_pk, symbol)
        fresh = quote is not None and second - quote.at < ASK_AFTER * 2 and quote.is_sane
        traded = self._traded.get((symbol, second), _Second())
        return MarketSample(
            venue_id=self._venue_pk,
            symbol=symbol,
            second=second,
            bid=quote.bid if quote is not None and fresh else None,
            ask=quote.ask if quote is not None and fresh else None,
            volume=traded.volume,
            notional=traded.notional,
        )

    async def _refresh(self, symbol: str) -> None:
        """Ask over REST for a quote that the stream has left to grow old."""
        quote = self._context.quotes.get(self._venue_pk, symbol)
        if quote is not None and self._context.clock.now() - quote.at < ASK_AFTER:
            return
        try:
            self._put(symbol, await self._gateway.quote(symbol))
        except VenueReadFailed as error:
            log.warning("no quote", symbol=symbol, error=str(error))
