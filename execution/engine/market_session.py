"""A market session: the only connection that watches a venue's markets, for every account and engine of the desk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core import faults
from execution.core.market_data.feeds import Feed, MarketEvent
from execution.core.retry_pause import RetryPause
from execution.engine.context import EngineContext
from execution.engine.failures import Health
from execution.engine.history import MarketHistory
from execution.engine.market_board import MarketBoard
from execution.engine.market_candles import MarketCandles
from execution.engine.market_part import MarketPart, WatchedMarket
from execution.engine.market_samples import ASK_AFTER, MarketSamples
from execution.selectors.decisions.markets import MarketDetails, market_details
from execution.selectors.decisions.sessions import symbols_worked
from execution.services.engine.faults import worker_fault_clear, worker_fault_set
from execution.venues.protocol import MarketGateway, VenueReadFailed

log = structlog.get_logger(__name__)

OPEN_FIRST, OPEN_MAX = 0.5, 30.0  # seconds between attempts to reach the venue
#: The wait after a market that cannot be opened. A person must change its settings.
AFTER_REFUSAL = 60.0  # seconds
DETAILS_EVERY = 5.0  # seconds between polls for symbols that were added or taken away
BOOKS_EVERY = 0.5  # seconds between polls for books that are wanted

MarketGatewayFactory = Callable[[MarketDetails], MarketGateway]


class MarketSession:
    """Streams quotes, books, trades and candles of the symbols that the desk trades at one venue."""

    def __init__(
        self, context: EngineContext, venue_pk: int, fence: int, open_market: MarketGatewayFactory
    ) -> None:
        self.fence = fence
        self._context = context
        self._venue_pk = venue_pk
        self._open_market = open_market
        self._health = Health(context.clock, self._show_fault, self._clear_fault, venue=venue_pk)

    async def run(self) -> None:
        """Watch until cancelled, or until the venue's symbols or address change. The engine then runs it again."""
        details = await self._context.database.read(market_details, self._venue_pk)
        if details is None:
            return
        self._details = details
        try:
            # Making a client takes a third of a second of pure computing: on the loop it would stop every driver.
            gateway = await self._context.database.compute(self._open_market, details)
        except ValueError as error:
            log.warning("the market cannot be opened", venue=details.label, error=str(error))
            await self._context.clock.sleep(AFTER_REFUSAL)
            return
        try:
            await self._open(gateway)
            await self._work(gateway)
        finally:
            await asyncio.shield(asyncio.ensure_future(gateway.close()))

    async def _open(self, gateway: MarketGateway) -> None:
        pause = RetryPause(OPEN_FIRST, OPEN_MAX)
        while True:
            try:
                await gateway.open()
            except VenueReadFailed as error:
                log.warning("the venue cannot be reached", venue=self._details.label, error=str(error))
                await self._context.clock.sleep(pause.seconds())
            else:
                log.info("market open", venue=self._details.label, symbols=len(self._details.symbols))
                return

    async def _work(self, gateway: MarketGateway) -> None:
        venue_pk, symbols = self._venue_pk, self._details.symbols
        stream = gateway.watch_market(symbols)
        board = MarketBoard(self._context, venue_pk)
        market = WatchedMarket(self._context, gateway, stream, board, venue_pk, symbols)
        samples, books, minutes = MarketSamples(market), MarketBooks(market), MarketCandles(market)
        history = MarketHistory(self._context, gateway, venue_pk=venue_pk, symbols=symbols)

        async def follow() -> None:
            async with aclosing(stream.events()) as events:
                async for event in events:
                    self._take(event, board, samples)
                    minutes.take(event)

        parts: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            faults.MARKET_STREAM: follow,
            faults.MARKET_SAMPLES: samples.write,
            faults.QUOTES: samples.keep_quotes,
            faults.PUBLIC_TRADES: samples.keep_trades,
            faults.BOOKS: books.run,
            faults.CANDLES: history.run,
            faults.MINUTE_CANDLES: minutes.run,
        }
        tasks = [asyncio.ensure_future(self._keep(part, run)) for part, run in parts.items()]
        watch = asyncio.ensure_future(self._until_changed())
        try:
            await asyncio.wait([*tasks, watch], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            samples.close()
            books.close()
            for task in (*tasks, watch):
                task.cancel()
            await asyncio.gather(*tasks, watch, return_exceptions=True)

    async def _keep(self, part: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await self._health.keep(f"{part} of {self._details.label}", run)

    def _take(self, event: MarketEvent, board: MarketBoard, samples: MarketSamples) -> None:
        symbol = event.symbol
        for change in event.changes:
            board.change(symbol, change)
        if event.quote is not None:
            samples.put_quote(symbol, event.quote)
        if event.book is not None:
            board.put_book(symbol, event.book)
        samples.take_trades(event)

    async def _until_changed(self) -> None:
        """Return when an account has gained or lost symbols, or the venue its address."""
        while True:
            await self._context.clock.sleep(DETAILS_EVERY)
            try:
                details = await self._context.database.read(market_details, self._venue_pk)
            except (DatabaseError, InterfaceError) as error:
                log.warning("the venue's symbols could not be read", venue=self._venue_pk, error=str(error))
                continue
            if details != self._details:
                return

    async def _show_fault(self, fault: faults.Fault) -> None:
        worker_pk = self._context.lease.worker_pk
        await self._context.database.run(worker_fault_set, worker_pk=worker_pk, fault=fault)

    async def _clear_fault(self, part: str) -> None:
        worker_pk = self._context.lease.worker_pk
        await self._context.database.run(worker_fault_clear, worker_pk=worker_pk, part=part)


class MarketBooks(MarketPart):
    """Keeps the books of symbols in which an order works, or which somebody plans to trade."""

    async def run(self) -> None:
        """Subscribe twice a second to the needed books, and request missing ones over REST."""
        while True:
            now = self._context.clock.now()
            try:
                wanted = await self._context.database.read(symbols_worked, self._venue_pk, now=now)
            except (DatabaseError, InterfaceError) as error:
                log.warning("whose books are wanted is not known", error=str(error))
            else:
                wanted |= self._context.quotes.wanted_books(self._venue_pk, now)
                wanted &= set(self._symbols)
                self._stream.want_books(wanted)
                for symbol in wanted:
                    age = self._context.quotes.book_age(self._venue_pk, symbol)
                    if age is None or age >= ASK_AFTER:
                        self._requests.start((symbol, Feed.BOOK), partial(self._ask, symbol))
            await self._context.clock.sleep(BOOKS_EVERY)

    async def _ask(self, symbol: str) -> None:
        try:
            book = await self._gateway.book(symbol)
        except VenueReadFailed as error:
            self._board.not_read(symbol, Feed.BOOK, "no book", error)
            raise
        self._board.put_book(symbol, book)
