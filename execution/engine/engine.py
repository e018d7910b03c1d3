"""The engine: one asyncio loop that claims accounts and orders and runs their sessions and drivers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import structlog

from execution.core.faults import CLAIMS, DISK, HALTS, Fault
from execution.core.market_data.candles import KnownCandles
from execution.core.market_data.feeds import Feed, FeedStatus
from execution.core.types import Book, Quote
from execution.engine.account_session import AccountSession, GatewayFactory
from execution.engine.clock import Clock, pause
from execution.engine.context import EngineContext, OwnLease, unpublished
from execution.engine.db.database import Database
from execution.engine.desk_book import DeskBook
from execution.engine.failures import Health, is_outage
from execution.engine.market_session import MarketGatewayFactory, MarketSession
from execution.engine.order_driver import OrderDriver
from execution.engine.quotes import QuoteBoard
from execution.services.engine.faults import worker_fault_clear, worker_fault_set
from execution.services.engine.workers import (
    accounts_claim,
    markets_claim,
    orders_claim,
    owned,
    pause_if_away,
    worker_release,
    worker_stop,
)
from execution.services.halts import halts_tend

log = structlog.get_logger(__name__)

POLL_EVERY = 0.5  # seconds between polls for what is free
POLL_GAP = 0.1  # at least, however often the doorbell rings: it rings for other engines' orders as well
DISK_EVERY = 2.0  # seconds between reads of the free space
TEND_EVERY = 0.5  # seconds between polls of the halts in force
CLAIM_ORDERS = 500  # at most, in one poll
CLAIM_ACCOUNTS = 20
#: For this long after an order is due, only the worker that holds its account may claim it.
PATIENCE = timedelta(seconds=2)
RESTART_FIRST, RESTART_MAX = 0.5, 10.0  # seconds before a failed actor is started again
RAN_WELL = 60.0  # seconds after which a failure is a new one
PULL_PATIENCE = timedelta(seconds=2)

T = TypeVar("T")
Helpers = dict[str, Callable[[], Coroutine[Any, Any, None]]]


@dataclass(slots=True)
class Running:
    """A driver or session, and the task that runs it."""

    actor: OrderDriver | AccountSession | MarketSession
    task: asyncio.Task[None]


class Engine:
    """Runs drivers and sessions.

    All external things, such as clock, database and exchanges, are passed to it as arguments.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        database: Database,
        lease: OwnLease,
        open_gateway: GatewayFactory,
        open_market: MarketGatewayFactory,
        publish_quote: Callable[[int, str, Quote], None],
        publish_book: Callable[[int, str, Book], None] = unpublished,
        publish_feeds: Callable[[int, str, Mapping[Feed, FeedStatus]], None] = unpublished,
        publish_candles: Callable[[int, str, KnownCandles], None] = unpublished,
        helpers: Callable[[Engine], Helpers] = lambda _engine: {},
        room: Callable[[], str] = str,
    ) -> None:
        self._clock = clock
        self._lease = lease
        self._database = database
        self._open_gateway = open_gateway
        self._open_market = open_market
        self._helpers = helpers
        self._drivers: dict[int, Running] = {}
        self._sessions: dict[int, Running] = {}
        self._markets: dict[int, Running] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._health = Health(clock, self._show_fault, self._clear_fault)
        self.parts = EngineContext(
            clock=clock,
            database=database,
            lease=lease,
            quotes=QuoteBoard(clock),
            desk_book=DeskBook(clock, database),
            poke_order=self.poke_order,
            poke_account=self.poke_account,
            publish_quote=publish_quote,
            publish_book=publish_book,
            publish_feeds=publish_feeds,
            publish_candles=publish_candles,
            room=room,
        )

    # --- wake-ups (on the loop) ------------------------------------------------------------------

    def want_book(self, venue_pk: int, symbol: str) -> None:
        """Keep the book of a market fresh for a while, because somebody looks at it."""
        self.parts.quotes.want_book(venue_pk, symbol, self._clock.now())

    def poke_order(self, order_pk: int, version: int | None = None) -> None:
        """Wake the order's driver, unless the driver has already seen ``version`` of the order.

        If this engine has no driver for the order, the order may be new and belong to no engine. So the engine claims
        free orders at once. It does not do so for a version above 1, because another engine usually works such an
        order.
        """
        running = self._drivers.get(order_pk)
        if running is None:
            if version is None or version == 1:
                self._wake.set()
        elif isinstance(running.actor, OrderDriver):
            running.actor.poke(version)

    def poke_account(self, account_pk: int) -> None:
        running = self._sessions.get(account_pk)
        if running is not None and isinstance(running.actor, AccountSession):
            running.actor.poke()

    def stop(self) -> None:
        """Ask the engine to stop. ``run`` returns when all accounts and orders are released."""
        self._stopping = True
        self._wake.set()

    async def _show_fault(self, fault: Fault) -> None:
        await self._database.run(worker_fault_set, worker_pk=self._lease.worker_pk, fault=fault)

    async def _clear_fault(self, part: str) -> None:
        await self._database.run(worker_fault_clear, worker_pk=self._lease.worker_pk, part=part)

    # --- the loop --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Claim accounts and orders, and work them until ``stop`` is called. Then release all of them."""
        paused = await self._once_there(lambda: pause_if_away(now=self._clock.now()))
        if paused:
            log.warning("the desk was away: orders resume paused", orders=paused)
        await self._once_there(self._lease.start)
        heart = asyncio.create_task(self._beat())
        helpers = [asyncio.create_task(self._tend_halts()), asyncio.create_task(self._watch_disk())]
        helpers += [
            asyncio.create_task(self._health.keep(name, run)) for name, run in self._helpers(self).items()
        ]
        try:
            while not self._stopping:
                self._wake.clear()
                await self._guarded_poll()
                await self._clock.sleep(POLL_GAP)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_EVERY - POLL_GAP):
                        await self._wake.wait()
            await self._shut_down()
        finally:
            for task in (heart, *helpers):
                task.cancel()

    async def _once_there(self, call: Callable[[], T]) -> T:
        """Repeat ``call`` until the database answers, instead of ending the process."""
        while True:
            try:
                return await self._database.run(call)
            except Exception as error:
                if self._stopping or not is_outage(error):
                    raise
                log.warning("the engine waits for the database", error=str(error))
            await self._clock.sleep(POLL_EVERY)

    async def _beat(self) -> None:
        while True:
            self._lease.turned()
            await self._clock.sleep(0.1)

    async def _tend_halts(self) -> None:
        """Carry out each halt until all children that it stops have ended.

        Every engine does this, because each may be the only engine that runs.
        """
        while True:
            wait = TEND_EVERY
            try:
                await self._database.run(halts_tend, now=self._clock.now())
            except Exception as error:  # noqa: BLE001  counted, logged and shown on the wall
                wait = await self._health.failed(HALTS, error)
            else:
                await self._health.worked(HALTS)
            await self._clock.sleep(wait)

    async def _watch_disk(self) -> None:
        """Show on the wall that this host's disk is nearly full. Remove the notice when there is room again."""
        is_shown = False
        while True:
            short = self.parts.room()
            if bool(short) != is_shown:
                try:
                    if short:
                        await self._show_fault(Fault(DISK, short, "", self._clock.now()))
                    else:
                        await self._clear_fault(DISK)
                except Exception as error:  # noqa: BLE001  asked again: it is a full disk that may refuse it
                    log.warning("the state of the disk could not be written", error=str(error))
                else:
                    is_shown = bool(short)
            await self._clock.sleep(DISK_EVERY)

    async def _guarded_poll(self) -> None:
        """Poll, and survive a failure. An engine that cannot claim goes on with its orders, and pages say so."""
        try:
            await self._poll()
        except Exception as error:  # noqa: BLE001  counted, logged and shown on the wall
            await pause(self._clock, self._wake, await self._health.failed(CLAIMS, error))
        else:
            await self._health.worked(CLAIMS)

    async def _poll(self) -> None:
        """Claim free accounts, markets and orders, and wake the drivers of changed orders.

        Sessions and drivers are started and ended to match the claims.
        """
        if self._lease.left() <= 0:
            return
        worker_pk = self._lease.worker_pk
        await self._database.run(accounts_claim, worker_pk=worker_pk, most=CLAIM_ACCOUNTS)
        await self._database.run(markets_claim, worker_pk=worker_pk)
        await self._database.run(
            orders_claim, worker_pk=worker_pk, most=CLAIM_ORDERS, patience=PATIENCE, now=self._clock.now()
        )
        holds = await self._database.read(owned, worker_pk=worker_pk)
        for account_pk, fence in holds.accounts.items():
            self._ensure(self._sessions, account_pk, fence, self._session)
        for venue_pk, fence in holds.markets.items():
            self._ensure(self._markets, venue_pk, fence, self._market)
        for order_pk, (fence, version) in holds.orders.items():
            self._ensure(self._drivers, order_pk, fence, self._driver)
            self._wake_if_changed(order_pk, version)
        for account_pk in set(self._sessions) - set(holds.accounts):
            self._sessions.pop(account_pk).task.cancel()
        for venue_pk in set(self._markets) - set(holds.markets):
            self._markets.pop(venue_pk).task.cancel()

    def _wake_if_changed(self, order_pk: int, version: int) -> None:
        """Wake the driver of an order whose version changed. This replaces a wake-up message that was lost."""
        running = self._drivers.get(order_pk)
        if running is not None and isinstance(running.actor, OrderDriver):
            running.actor.poke(version)

    def _ensure(
        self, running: dict[int, Running], pk: int, fence: int, start: Callable[[int, int], Running]
    ) -> None:
        """Start the driver or session of ``pk``, unless it runs already under this fence."""
        current = running.get(pk)
        if current is not None and current.actor.fence == fence:
            return
        if current is not None:
            current.task.cancel()
        running[pk] = start(pk, fence)

    # --- actors ----------------------------------------------------------------------------------

    def _driver(self, order_pk: int, fence: int) -> Running:
        driver = OrderDriver(self.parts, order_pk, fence)
        task = asyncio.create_task(self._keep_running(driver.run, f"driver {order_pk}"))
        task.add_done_callback(lambda done: self._forget(self._drivers, order_pk, done))
        return Running(driver, task)

    def _session(self, account_pk: int, fence: int) -> Running:
        session = AccountSession(self.parts, account_pk, fence, self._open_gateway)
        task = asyncio.create_task(self._keep_running(session.run, f"session {account_pk}"))
        task.add_done_callback(lambda done: self._forget(self._sessions, account_pk, done))
        return Running(session, task)

    def _market(self, venue_pk: int, fence: int) -> Running:
        session = MarketSession(self.parts, venue_pk, fence, self._open_market)
        task = asyncio.create_task(self._keep_running(session.run, f"market {venue_pk}"))
        task.add_done_callback(lambda done: self._forget(self._markets, venue_pk, done))
        return Running(session, task)

    async def _keep_running(self, run: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        """Run a driver or session, and start it again after each failure, with growing pauses.

        So one bad order stops no other.
        """
        wait = RESTART_FIRST
        while True:
            begun = self._clock.boot()
            try:
                await run()
            except Exception:
                if self._clock.boot() - begun > RAN_WELL:
                    wait = RESTART_FIRST
                log.exception("an actor failed and starts again", actor=name, pause=wait)
            else:
                return
            await self._clock.sleep(wait)
            wait = min(wait * 2, RESTART_MAX)

    def _forget(self, running: dict[int, Running], pk: int, task: asyncio.Task[None]) -> None:
        current = running.get(pk)
        if current is not None and current.task is task:
            del running[pk]

    # --- stopping --------------------------------------------------------------------------------

    async def _shut_down(self) -> None:
        """End all drivers. If no other worker runs, cancel all resting children. Then release everything."""
        await self._end(self._drivers)
        # Nothing is decided or created from here on; cancels and facts need no lease.
        self._lease.stop()
        # The next statement lets others claim the accounts: what was sent under this fence has arrived by then.
        await asyncio.gather(*(session.let_arrive() for session in self._open_sessions()))
        is_last = await self._database.retry_until_committed(worker_stop, worker_pk=self._lease.worker_pk)
        if is_last:
            await self._pull()
        await self._end(self._sessions)
        await self._end(self._markets)
        await self._database.retry_until_committed(worker_release, worker_pk=self._lease.worker_pk)
        log.info("engine stopped", was_last=is_last)

    async def _pull(self) -> None:
        """Cancel all resting children, and log the number of children that could not be cancelled."""
        worker_pk = self._lease.worker_pk
        await self._database.retry_until_committed(accounts_claim, worker_pk=worker_pk, most=CLAIM_ACCOUNTS)
        holds = await self._database.retry_until_committed(owned, worker_pk=worker_pk)
        for account_pk, fence in holds.accounts.items():
            self._ensure(self._sessions, account_pk, fence, self._session)
        pulls = (session.pull("the desk stops", PULL_PATIENCE) for session in self._open_sessions())
        left = await asyncio.gather(*pulls)
        if sum(left):
            log.warning("children stay at the venues", count=sum(left))

    def _open_sessions(self) -> list[AccountSession]:
        return [r.actor for r in self._sessions.values() if isinstance(r.actor, AccountSession)]

    async def _end(self, running: dict[int, Running]) -> None:
        tasks = [entry.task for entry in running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        running.clear()
