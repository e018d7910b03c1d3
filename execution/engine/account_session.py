"""An account session. It alone talks to the exchange with an account's key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core import faults
from execution.core.retry_pause import RetryPause
from execution.core.types import OrderReport, StreamEvent, Trade, VenueStatus
from execution.engine.account_balances import AccountBalances
from execution.engine.account_reconciler import AccountReconciler
from execution.engine.context import EngineContext
from execution.engine.dead_mans_switch import DeadMansSwitch, switch_of
from execution.engine.ended_fills import EndedFills
from execution.engine.failures import Health
from execution.engine.market_rules import MarketRules
from execution.engine.order_submitter import OrderSubmitter
from execution.selectors.decisions.sessions import (
    AccountDetails,
    account_details,
    clients_of_address,
    session_wanted,
    unsettled_children,
)
from execution.services.accounts.credentials import (
    credential_check_failed,
    credential_checked,
    credential_refused,
)
from execution.services.accounts.sessions import (
    account_doubted,
    account_failed,
    account_poll_taken,
    account_seen,
    account_stream_suspected,
    children_pull,
)
from execution.services.children.children import children_recover
from execution.services.children.events import by_order, event_record
from execution.services.engine.faults import account_fault_clear, account_fault_set
from execution.venues.protocol import Gateway, VenueReadFailed

log = structlog.get_logger(__name__)

CHECKS_EVERY = 1.0
#: At most this many events of the private stream are recorded at a time. More wait, such as during an outage.
EVENTS_AT_ONCE = 16
OPEN_FIRST, OPEN_MAX = 0.5, 5.0  # seconds between attempts to reach the venue


GatewayFactory = Callable[[AccountDetails], Gateway]


class AccountSession:
    """The session of an account that this engine owns: one signer, rate limit, private stream and reconciliation."""

    def __init__(
        self, parts: EngineContext, account_pk: int, fence: int, open_gateway: GatewayFactory
    ) -> None:
        self.fence = fence
        self._context = parts
        self._account_pk = account_pk
        self._open_gateway = open_gateway
        self._sender: OrderSubmitter | None = None
        self._balances_wanted = asyncio.Event()
        self._switch: DeadMansSwitch | None = None
        self._listed: tuple[str, ...] = ()
        self._health = Health(parts.clock, self._show_fault, self._clear_fault, account=account_pk)

    def poke(self) -> None:
        """Wake the submitter and the dead-man's switch, because there may be something to send."""
        if self._sender is not None:
            self._sender.poke()
        if self._switch is not None:
            self._switch.poke()

    async def let_arrive(self) -> None:
        """Wait until no sent request can still reach the exchange's book."""
        if self._sender is not None:
            await self._sender.let_arrive()

    async def run(self) -> None:
        """Open the account, check the children of earlier sessions, then send, poll and listen until cancelled.

        Raises the error that ended the session. The engine then runs it again. From the third failure in a row, the
        account's page shows it.
        """
        structlog.contextvars.bind_contextvars(account=self._account_pk)  # every line that this task logs
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
        self._rules = MarketRules(
            self._context, self._gateway, details, health=self._health, failed=self._failed
        )
        sender = OrderSubmitter(
            self._context,
            self._gateway,
            account_pk=details.pk,
            fence=self.fence,
            venue_pk=details.venue_pk,
            health=self._health,
            doubt_rules=self._rules.doubt,
        )
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
            await self._doubt(self._context.clock.now())
            self._sender = sender
            await self._work(sender)
        finally:
            self._sender = None
            # Answers of requests under way are facts: they are recorded before the connections close.
            await asyncio.shield(asyncio.ensure_future(self._finish_and_close(sender)))

    async def _work(self, sender: OrderSubmitter) -> None:
        self._reconciler = AccountReconciler(
            self._context,
            self._gateway,
            account_pk=self._account_pk,
            fence=self.fence,
            marks=self._details.marks,
            is_under_way=sender.is_under_way,
            symbols=self._listed,
            orphans=self._details.orphans,
            health=self._health,
            is_unlisted=self._rules.is_unlisted,
            suspect_stream=self._suspect_stream,
        )
        self._ended_fills = EndedFills(
            self._context,
            self._gateway,
            self._reconciler.missing_fills,
            account_pk=self._account_pk,
            fence=self.fence,
            health=self._health,
        )
        self._switch = switch_of(
            self._context, self._gateway, self._details, self.fence, self._poll_before_all, self._health
        )
        balances = AccountBalances(
            self._context, self._gateway, self._account_pk, self._failed, self._balances_wanted
        )
        keep = self._health.keep
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep(faults.RECONCILIATION, self._reconciler.run, works_after=None))
            tasks.create_task(keep(faults.FILLS, self._ended_fills.run))
            tasks.create_task(keep(faults.SENDING, sender.run))
            tasks.create_task(keep(faults.PRIVATE_STREAM, self._listen, self._lose_stream))
            tasks.create_task(keep(faults.KEY_CHECKS, self._answer_checks))
            if self._switch is not None:
                tasks.create_task(keep(faults.SWITCH, self._switch.run))
            tasks.create_task(keep(faults.BALANCES, balances.run))
            tasks.create_task(keep(faults.MARKET_LIMITS, self._rules.run, works_after=None))

    async def _poll_before_all(self) -> None:
        """Poll all symbols before new children are sent: the dead-man's switch may have cancelled resting ones."""
        await self._doubt(self._context.clock.now())
        self._reconciler.poke()

    async def _finish_and_close(self, sender: OrderSubmitter) -> None:
        try:
            await sender.finish()
            if self._switch is not None:
                await self._switch.end()
        finally:
            await self._gateway.close()

    async def pull(self, reason: str, patience: timedelta) -> int:
        """Cancel all resting children. Return how many children still lack their end or trades after ``patience``."""
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
        """Show why opening failed. Return True if a person must correct exchange id, options or addresses."""
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
        """Wait for a request to check this key. A new key makes the engine replace this session."""
        credential_pk = self._details.credential_pk
        while not (await self._context.database.read(session_wanted, credential_pk)).check:
            await self._context.clock.sleep(CHECKS_EVERY)

    async def _open(self) -> None:
        """Open the gateway, check the key and load the market rules. Try again until all of that works."""
        pause = RetryPause(OPEN_FIRST, OPEN_MAX)
        is_to_be_checked = self._details.key_is_in_use
        while True:
            try:
                await self._gateway.open()
                if is_to_be_checked:
                    await self._check_key()
                self._listed = await self._rules.load()
            except VenueReadFailed as error:
                log.warning("the venue cannot be reached", account=self._details.label, error=str(error))
                await self._failed(str(error))
                if is_to_be_checked and await self._note_failed_check(error):
                    is_to_be_checked = False  # what rests is still to be cancelled, if it can be
                await self._context.clock.sleep(pause.seconds())
            else:
                log.info("account open", account=self._details.label, fence=self.fence)
                return

    async def _check_key(self) -> None:
        """Ask for the key's rights. Where they are not reported, a read of the balances shows that it may read."""
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
        """Store the reason of a failed check for the person who asked. Return True if the exchange refused the key."""
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
        """Check the key or poll on request. Update the account's share of limits by IP address."""
        while True:
            await self._context.clock.sleep(CHECKS_EVERY)
            try:
                clients = await self._context.database.read(clients_of_address, self._account_pk)
                self._gateway.share_limits(clients)
                wanted = await self._context.database.read(session_wanted, self._details.credential_pk)
                if wanted.poll and await self._context.database.run(
                    account_poll_taken, account_pk=self._account_pk
                ):
                    self._reconciler.poke()
                if wanted.check:
                    await self._check_key()
            except VenueReadFailed as error:
                await self._failed(str(error))
                await self._note_failed_check(error)
            except (DatabaseError, InterfaceError) as error:
                log.warning("wanted checks could not be read", account=self._account_pk, error=str(error))

    # --- listening -----------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Record the events of the private stream. After a reconnect, poll for events that may have been missed.

        Several events are recorded at a time, because their sequence does not matter. Events that wait for
        the database together share a transaction.
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
        self._reconciler.stream.told(event)
        if event.lost:
            await self._lose_stream()
        if event.resumed:
            self._reconciler.stream_is_healthy = True
            self._reconciler.stream.began(now)
            self._reconciler.catch_up(now)
            await self._context.database.retry_until_committed(
                account_seen, account_pk=self._details.pk, stream_at=now
            )

    async def _lose_stream(self) -> None:
        """Treat the stream as lost. New children wait for a poll. Polls are frequent until the stream is back."""
        if self._reconciler.stream_is_healthy:
            self._reconciler.stream_is_healthy = False
            self._reconciler.stream.ended()
            now = self._context.clock.now()
            self._reconciler.doubt(now)
            await self._doubt(now)

    async def _suspect_stream(self, silence: str) -> None:
        """Treat the stream as lost and reconnect it, because a poll found something that it should have reported."""
        await self._lose_stream()
        self._gateway.reconnect_account(silence)
        await self._context.database.retry_until_committed(
            account_stream_suspected,
            account_pk=self._account_pk,
            fence=self.fence,
            words=silence,
            now=self._context.clock.now(),
        )

    async def _doubt(self, now: datetime) -> None:
        """Hold back each symbol's new children until a poll of it that began at ``now`` or later is complete."""
        await self._context.database.retry_until_committed(
            account_doubted, account_pk=self._account_pk, fence=self.fence, now=now
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
            # Said in the log already; the poll brings what this event brought, and the next ones go on.
            await self._failed(f"an event could not be recorded: {error}")
            self._reconciler.poke()
        finally:
            room.release()
        if event.trades:
            self._balances_wanted.set()
        elif any(report.status not in (None, VenueStatus.OPEN) for report in event.reports):
            self._ended_fills.poke()  # some streams tell no trades

    async def _record_of_one(
        self, reports: list[OrderReport], trades: list[Trade], now: datetime
    ) -> list[int]:
        return await self._context.database.retry_until_committed(
            event_record, account_pk=self._details.pk, reports=reports, trades=trades, now=now
        )

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
