"""The engine inside a Celery worker, on a thread with its own event loop beside the tasks."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import structlog
from django.conf import settings

from execution.core.market_data.candles import KnownCandles
from execution.core.market_data.feeds import Feed, FeedStatus
from execution.core.types import Book, Quote
from execution.engine.clock import Clock, SystemClock
from execution.engine.db.database import Database
from execution.engine.doorbell import Bells, QuotePublisher, listen
from execution.engine.engine import Engine, Helpers
from execution.engine.keyring import KeyringFile
from execution.engine.lease import Lease
from execution.selectors.decisions.markets import MarketDetails
from execution.selectors.decisions.sessions import AccountDetails
from execution.selectors.quote_signatures import signing_key
from execution.selectors.quotes import (
    book_key,
    book_to_json,
    candles_key,
    candles_to_json,
    feeds_key,
    feeds_to_json,
    quote_key,
    quote_to_json,
)
from execution.selectors.room import held_back
from execution.venues.gateway import open_gateway
from execution.venues.market_gateway import open_market_gateway
from execution.venues.protocol import Gateway, MarketGateway

log = structlog.get_logger(__name__)

#: The exit code of an engine that cannot go on. Its process ends, because a restarted one is alive for certain.
EXIT_LOST = 70
#: The seconds for which one Python thread keeps the others waiting. The database's threads let go at every statement.
#: While the loop is busy, each would wait the usual 5 ms to go on: a check of seven statements took 40 ms, of which 9
#: were its own. With 0.5 ms a decision of twelve statements still waited for twice its own time.
SWITCH_INTERVAL = 0.0001
#: The number of garbage collections of the middle generation before a full one.
FULL_COLLECTION = 1000
STOP_PATIENCE = 4.5  # seconds
FACTS_PATIENCE = 3.0  # seconds for answers under way after the lease is lost


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop of uvloop, or asyncio's own on Windows, where uvloop does not exist.

    For the same work, uvloop takes half the time of asyncio's loop.
    """
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


def _open_account(keyring: KeyringFile, clock: Clock, details: AccountDetails) -> Gateway:
    secrets = keyring.open(details.sealed, bound_to=details.public_id)
    return open_gateway(
        exchange_id=details.exchange,
        options=details.options,
        api_key=secrets["apiKey"],
        secret=secrets["secret"],
        passphrase=secrets.get("password"),
        clock=clock.now,
        network=details.network,
    )


def _open_venue(clock: Clock, details: MarketDetails) -> MarketGateway:
    return open_market_gateway(
        exchange_id=details.exchange, options=details.options, clock=clock.now, network=details.network
    )


class EngineHost:
    """Starts, wakes and stops the engine of this process."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._engine: Engine | None = None
        self._stopping = False

    def start(self) -> None:
        """Run the engine on its own thread. Call it once, when the worker is ready."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        # What was imported stays, and what lives long here is freed by its references: a full collection held
        # everything up for 130 to 200 ms, time and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the engine to release its accounts and orders and to stop, without waiting for it."""
        self._stopping = True
        if self._loop is not None and self._engine is not None:
            self._loop.call_soon_threadsafe(self._engine.stop)

    def join(self) -> None:
        """Wait until the engine has stopped, at most ``STOP_PATIENCE`` seconds."""
        if self._thread is not None:
            self._thread.join(STOP_PATIENCE)

    def hint(self, order_pk: int) -> None:
        """Tell the engine, from any thread, that an order may need to be checked."""
        if self._loop is not None and self._engine is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._engine.poke_order, order_pk)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_new_loop) as runner:
                runner.run(self._main())
        except BaseException:
            log.exception("the engine failed; its process ends")
            os._exit(EXIT_LOST)
        if not self._stopping:
            log.error("the engine ended by itself; its process ends")
            os._exit(EXIT_LOST)

    async def _main(self) -> None:
        clock = SystemClock()
        self._loop = asyncio.get_running_loop()
        database = Database.opened(clock)
        publisher = QuotePublisher(settings.REDIS_URL)
        keyring = KeyringFile(Path(settings.TRANCHE_KEYRING))

        def publish(venue_pk: int, symbol: str, quote: Quote) -> None:
            publisher.put(quote_key(venue_pk, symbol), quote_to_json(quote, clock.boot()))

        def publish_book(venue_pk: int, symbol: str, book: Book) -> None:
            publisher.put(book_key(venue_pk, symbol), book_to_json(book, clock.boot()))

        def publish_feeds(venue_pk: int, symbol: str, feeds: Mapping[Feed, FeedStatus]) -> None:
            publisher.put(feeds_key(venue_pk, symbol), feeds_to_json(feeds))

        def publish_candles(venue_pk: int, symbol: str, candles: KnownCandles) -> None:
            publisher.put(candles_key(venue_pk, symbol), candles_to_json(candles))

        async def publish_all() -> None:
            await database.read(signing_key)  # once; the publisher's loop must not ask the database
            await publisher.run()

        def helpers(engine: Engine) -> Helpers:
            bells = Bells(engine.poke_order, engine.poke_account, engine.want_book)
            return {"quotes": publish_all, "doorbell": partial(listen, settings.REDIS_URL, bells)}

        self._engine = Engine(
            clock=clock,
            database=database,
            lease=Lease(clock, on_lost=self._lost),
            open_gateway=partial(_open_account, keyring, clock),
            open_market=partial(_open_venue, clock),
            publish_quote=publish,
            publish_book=publish_book,
            publish_feeds=publish_feeds,
            publish_candles=publish_candles,
            helpers=helpers,
            room=held_back,
        )
        if self._stopping:
            return
        log.info("engine starts", process=os.getpid())
        await self._engine.run()
        await database.close()

    def _lost(self, reason: str) -> None:
        """End the process soon after the loss of the lease. The lease's thread calls this.

        When it is called, decisions and sends have stopped. Requests that wait for an answer have ``FACTS_PATIENCE``
        seconds to record it, because facts need no lease.
        """
        log.error("the lease is lost; the process ends", reason=reason)
        threading.Timer(FACTS_PATIENCE, os._exit, args=(EXIT_LOST,)).start()


host = EngineHost()
