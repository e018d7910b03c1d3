"""An account session: the only one that talks to the exchange with an account's key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core import faults
from execution.core.types import OrderReport, StreamEvent, Trade
from execution.engine.account_reconciler import AccountReconciler
from execution.engine.context import EngineContext
from execution.engine.failures import Health
from execution.engine.history import MarketHistory
from execution.engine.market_watch import MarketWatch
from execution.engine.order_submitter import Sender
from execution.selectors.decisions.sessions import (
    AccountDetails,
    account_details,
    session_wanted,
    unsettled_children,
)
from execution.services.accounts.credentials import (
    credential_check_failed,
    credential_checked,
    credential_refused,
)
from execution.services.accounts.markets import balances_record, markets_record
from execution.services.accounts.sessions import (
    account_doubted,
    account_failed,
    account_look_taken,
    account_seen,
    children_pull,
)
from execution.services.children.children import children_recover
from execution.services.children.events import by_order, event_record
from execution.services.engine.faults import account_fault_clear, account_fault_set
from execution.venues.protocol import Gateway, VenueReadFailed

log = structlog.get_logger(__name__)

BALANCES_EVERY = 20.0  # seconds
MARKETS_EVERY = 3600.0
MARKETS_AGAIN = 60.0  # after a time that failed
CHECKS_EVERY = 1.0
#: Fills come in bursts; the balance is asked for this long after the last one.
BALANCES_AFTER_FILL = 1.0
#: Events of the private stream that are being recorded; more wait, as while the database is away.
EVENTS_AT_ONCE = 16
OPEN_FIRST, OPEN_MOST = 0.5, 5.0  # seconds between attempts to reach the venue


GatewayFactory = Callable[[AccountDetails], Gateway]


class AccountSession:
    """One signer, one rate limit, one private stream, one reconciliation, for one fence of one account."""

    def __init__(
        self, parts: EngineContext, account_pk: int, fence: int, open_gateway: GatewayFactory
    ) -> None:
        self.fence = fence
        self._context = parts
        self._account_pk = account_pk
        self._open_gateway = open_gateway
        self._balances_wanted = asyncio.Event()
        self._sender: Sender | None = None
        self._listed: tuple[str, ...] = ()
        self._markets_in = MARKETS_EVERY
        self._health = Health(parts.clock, self._show_fault, self._clear_fault, account=account_pk)

    def poke(self) -> None:
        """There may be something to send."""
        if self._sender is not None:
            self._sender.poke()

    async def let_arrive(self) -> None:
        """Wait until nothing that was sent can still reach the exchange's book."""
        if self._sender is not None:
            await self._sender.let_arrive()

    async def run(self) -> None:
        """Open the account, settle what an earlier holder left, then send, look and listen until cancelled.

        Raises what made it fail, to be run again; the account says so from the third time in a row.
        """
        try:
            await self._run()
        except Exception as error:
            if not isinstance(error, VenueReadFailed):
                await self._health.failed(faults.SESSION, error)
            raise

    async def _run(self) -> None:
        details = await self._context.database.read(account_details, self._account_pk)
        if details is None:
            return
        self._details = details
        # Making a client takes a third of a second of pure computing: on the loop it would stop every driver.
        try:
            self._gateway = await self._context.database.compute(self._open_gateway, details)
        except Exception as error:
            if await self._cannot_open(error):
                return
            raise
        sender = Sender(self._context, self._gateway, details.pk, self.fence, self._health)
        try:
            await self._open()
            recovered = await self._context.database.retry_until_committed(
                children_recover,
                account_pk=details.pk,
                account_fence=self.fence,
                now=self._context.clock.now(),
            )
            if recovered:
                log.warning("children of an earlier session are unknown", children=recovered)
            await self._doubt()
            self._sender = sender
            await self._work(sender)
        finally:
            self._sender = None
            # Answers of requests under way are facts: they are recorded before the connections close.
            await asyncio.shield(asyncio.ensure_future(self._finish_and_close(sender)))

    async def _work(self, sender: Sender) -> None:
        self._looker = AccountReconciler(
            self._context,
            self._gateway,
            account_pk=self._account_pk,
            fence=self.fence,
            marks=self._details.marks,
            is_under_way=sender.is_under_way,
            symbols=self._listed,
            orphans=self._details.orphans,
            health=self._health,
        )
        keep = self._health.keep
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep(faults.RECONCILIATION, self._looker.run, works_after=None))
            tasks.create_task(keep(faults.SENDING, sender.run))
            tasks.create_task(keep(faults.PRIVATE_STREAM, self._listen, self._lose_stream))
            tasks.create_task(keep(faults.KEY_CHECKS, self._answer_checks))
            tasks.create_task(self._watch_markets())
            tasks.create_task(keep(faults.BALANCES, self._refresh_balances))
            tasks.create_task(keep(faults.MARKET_LIMITS, self._refresh_markets, works_after=None))

    async def _watch_markets(self) -> None:
        """Of several accounts at a venue one watches its markets; when its session ends the next one does."""
        venue_pk, symbols = self._details.venue_pk, self._details.symbols
        watch = MarketWatch(self._context, self._gateway, venue_pk=venue_pk, symbols=symbols)
        history = MarketHistory(self._context, self._gateway, venue_pk=venue_pk, symbols=symbols)
        keep = self._health.keep
        async with self._context.watches[venue_pk, symbols], asyncio.TaskGroup() as tasks:
            tasks.create_task(keep(faults.MARKET_STREAM, watch.stream))
            tasks.create_task(keep(faults.MARKET_SAMPLES, watch.sample))
            tasks.create_task(keep(faults.BOOKS, watch.books))
            tasks.create_task(keep(faults.CANDLES, history.run))

    async def _finish_and_close(self, sender: Sender) -> None:
        await sender.finish()
        await self._gateway.close()

    async def pull(self, reason: str, patience: timedelta) -> int:
        """Cancel everything that rests and wait for it; how many are still not settled after ``patience``."""
        database = self._context.database
        await database.retry_until_committed(
            children_pull, account_pk=self._account_pk, reason=reason, now=self._context.clock.now()
        )
        self.poke()
        until = self._context.clock.now() + patience
        while left := len(await database.read(unsettled_children, self._account_pk)):
            if self._context.clock.now() >= until:
                return left
            await self._context.clock.sleep(0.05)
        return 0

    # --- opening -------------------------------------------------------------------------------

    async def _cannot_open(self, error: Exception) -> bool:
        """Say why; True when a person must mend it: an exchange, options or addresses that cannot be used."""
        reason = f"the account cannot be opened: {error}"
        await self._failed(reason)
        if not isinstance(error, ValueError):
            return False
        log.warning("the account cannot be opened", account=self._details.label, error=str(error))
        if self._details.key_is_in_use:
            await self._refuse_key(reason)
        else:
            await self._wait_for_check()
        return True

    async def _wait_for_check(self) -> None:
        """Try no more until somebody asks for a check. Another key ends this session: it comes with another fence."""
        credential_pk = self._details.credential_pk
        while not (await self._context.database.read(session_wanted, credential_pk)).check:
            await self._context.clock.sleep(CHECKS_EVERY)

    async def _open(self) -> None:
        """Reach the venue, however long it takes: markets, and what the key may do."""
        pause = OPEN_FIRST
        is_to_be_checked = self._details.key_is_in_use
        while True:
            try:
                await self._gateway.open()
                if is_to_be_checked:
                    await self._check_key()
                await self._load_markets()
            except VenueReadFailed as error:
                log.warning("the venue cannot be reached", account=self._details.label, error=str(error))
                await self._failed(str(error))
                if is_to_be_checked and await self._note_failed_check(error):
                    is_to_be_checked = False  # what rests is still to be cancelled, if it can be
                await self._context.clock.sleep(pause)
                pause = min(pause * 2, OPEN_MOST)
            else:
                log.info("account open", account=self._details.label, fence=self.fence)
                return

    async def _check_key(self) -> None:
        """Ask what the key may do. Where the exchange does not tell, a private call shows that it reads."""
        permissions = await self._gateway.permissions()
        if permissions.read is None:
            await self._gateway.balances()
            permissions = replace(permissions, read=True)
        credential = await self._context.database.retry_until_committed(
            credential_checked,
            credential_pk=self._details.credential_pk,
            permissions=permissions,
            now=self._context.clock.now(),
        )
        log.info("key checked", account=self._details.label, state=credential.state, error=credential.error)

    async def _note_failed_check(self, error: VenueReadFailed) -> bool:
        """Keep why a check failed for who asked for it; True when the exchange refused the key itself."""
        if error.refuses_key:
            await self._refuse_key(f"the exchange refuses the key: {error}")
            return True
        await self._context.database.retry_until_committed(
            credential_check_failed,
            credential_pk=self._details.credential_pk,
            error=f"the exchange is unreachable or gave no usable answer: {error}",
        )
        return False

    async def _refuse_key(self, reason: str) -> None:
        await self._context.database.retry_until_committed(
            credential_refused,
            credential_pk=self._details.credential_pk,
            error=reason,
            now=self._context.clock.now(),
        )

    async def _answer_checks(self) -> None:
        """Check the key again, and look at once, whenever somebody asks for it."""
        while True:
            await self._context.clock.sleep(CHECKS_EVERY)
            try:
                wanted = await self._context.database.read(session_wanted, self._details.credential_pk)
                if wanted.look and await self._context.database.run(
                    account_look_taken, account_pk=self._account_pk
                ):
                    self._looker.poke()
                if wanted.check:
                    await self._check_key()
            except VenueReadFailed as error:
                await self._failed(str(error))
                await self._note_failed_check(error)
            except (DatabaseError, InterfaceError) as error:
                log.warning("wanted checks could not be read", account=self._account_pk, error=str(error))

    async def _load_markets(self) -> None:
        markets = await self._gateway.markets(self._details.symbols)
        self._listed = tuple(sorted(markets))
        missing = sorted(set(self._details.symbols) - set(markets))
        if missing:
            log.warning("the venue does not list symbols", account=self._details.label, symbols=missing)
        await self._context.database.retry_until_committed(
            markets_record, venue_pk=self._details.venue_pk, markets=markets, now=self._context.clock.now()
        )

    # --- listening -----------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Record what the private stream says; a reconnect means that something may have been missed.

        What comes next does not wait until it is recorded: facts may come to the database in any order, and of a
        burst those that wait there together are one transaction.
        """
        room = asyncio.Semaphore(EVENTS_AT_ONCE)
        async with asyncio.TaskGroup() as recording:
            async for event in self._gateway.watch_account(self._details.symbols):
                now = self._context.clock.now()
                await self._heed(event, now)
                if event.reports or event.trades:
                    await room.acquire()
                    recording.create_task(self._record(event, now, room))

    async def _heed(self, event: StreamEvent, now: datetime) -> None:
        """What an event says of the stream itself."""
        if event.lost:
            await self._lose_stream()
        if event.resumed:
            self._looker.stream_is_healthy = True
            self._looker.poke()
            await self._context.database.retry_until_committed(
                account_seen, account_pk=self._details.pk, stream_at=now
            )

    async def _lose_stream(self) -> None:
        """Until it is back, looks stand in for it; the first one ends the doubt that the loss leaves."""
        if self._looker.stream_is_healthy:
            self._looker.stream_is_healthy = False
            await self._doubt()
            self._looker.poke()

    async def _doubt(self) -> None:
        """No new child before a complete look that begins from now on."""
        await self._context.database.retry_until_committed(
            account_doubted, account_pk=self._account_pk, fence=self.fence, now=self._context.clock.now()
        )

    async def _record(self, event: StreamEvent, now: datetime, room: asyncio.Semaphore) -> None:
        try:
            # All at once to the database's thread: between two of them a child may be taken, and nothing later.
            facts = by_order(event.reports, event.trades)
            for moved in await asyncio.gather(
                *(self._record_of_one(said, made, now) for said, made in facts)
            ):
                for order_pk in moved:
                    self._context.poke_order(order_pk)
        except (DatabaseError, InterfaceError) as error:
            # Said in the log already; the look brings what this event brought, and the next ones go on.
            await self._failed(f"an event could not be recorded: {error}")
            self._looker.poke()
        finally:
            room.release()
        if event.trades:
            self._balances_wanted.set()

    async def _record_of_one(
        self, reports: list[OrderReport], trades: list[Trade], now: datetime
    ) -> list[int]:
        return await self._context.database.retry_until_committed(
            event_record, account_pk=self._details.pk, reports=reports, trades=trades, now=now
        )

    async def _refresh_balances(self) -> None:
        while True:
            try:
                balances = await self._gateway.balances()
                await self._context.database.retry_until_committed(
                    balances_record,
                    account_pk=self._details.pk,
                    balances=balances,
                    now=self._context.clock.now(),
                )
            except VenueReadFailed as error:
                await self._failed(str(error))
            self._balances_wanted.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._balances_wanted.wait(), BALANCES_EVERY)
                await self._context.clock.sleep(BALANCES_AFTER_FILL)

    async def _refresh_markets(self) -> None:
        """Every hour, and sooner when the last time failed: the session has just loaded them when it begins."""
        while True:
            await self._context.clock.sleep(self._markets_in)
            self._markets_in = MARKETS_AGAIN
            try:
                await self._load_markets()
            except VenueReadFailed as error:
                await self._failed(str(error))
            else:
                self._markets_in = MARKETS_EVERY
                await self._health.worked(faults.MARKET_LIMITS)

    async def _show_fault(self, fault: faults.Fault) -> None:
        await self._context.database.run(
            account_fault_set, account_pk=self._account_pk, fence=self.fence, fault=fault
        )

    async def _clear_fault(self, part: str) -> None:
        await self._context.database.run(account_fault_clear, account_pk=self._account_pk, part=part)

    async def _failed(self, error: str) -> None:
        await self._context.database.retry_until_committed(
            account_failed, account_pk=self._details.pk, error=error, now=self._context.clock.now()
        )
