"""The part of an account session that sends requests: cancels before creates, and each child at most once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core.faults import REQUESTS
from execution.core.guarantees.promise import CALL_BUDGET
from execution.core.states import ChildStatus
from execution.core.types import (
    Accepted,
    CancelConfirmed,
    CancelFailed,
    CancelGone,
    CreateOutcome,
    NotSent,
    OrderReport,
    Quote,
    Rejected,
    TimeInForce,
    VenueStatus,
)
from execution.engine.account_part import AccountPart
from execution.engine.cancel_together import CancelTogether
from execution.engine.clock import pause
from execution.engine.context import EngineContext
from execution.engine.failures import Health
from execution.engine.market_reading import quote_of_now
from execution.engine.order_look_ups import OrderLookUps
from execution.selectors.decisions.sessions import SessionChild, children_to_send, is_child_over
from execution.services.children.children import (
    SubmittedChild,
    child_cancelled,
    child_mark_unknown,
    child_outcome,
    child_report,
    child_submit,
)
from execution.venues.errors import hints_at_rules
from execution.venues.protocol import Gateway, VenueReadFailed

log = structlog.get_logger(__name__)

#: Pause after a row that could not be submitted.
NOT_NOW = 0.1  # seconds
POLL = 1.0  # seconds; a wake-up may be lost
#: A session that stops waits at most this long for a create to arrive. A create that may arrive later is unknown to
#: the next holder, which counts by the same guarantees.
LONGEST_ARRIVAL = timedelta(seconds=3)
#: Two clocks may differ by this much.
CLOCKS = timedelta(seconds=0.25)
#: The pauses before each look-up of an immediate-or-cancel child whose answer has only its ids.
LOOK_UP_AFTER = (0.1, 0.2, 0.4, 0.8)  # seconds
#: The stream has this long to report the end of a cancelled child if the answer has no filled quantity.
TOLD_WITHIN = 0.25  # seconds
IN_FLIGHT_GRACE = 3.0  # seconds given to requests that are under way when the session ends


class OrderSubmitter(AccountPart):
    """Sends creates and cancels of one account."""

    def __init__(
        self,
        context: EngineContext,
        gateway: Gateway,
        *,
        account_pk: int,
        fence: int,
        venue_pk: int,
        health: Health | None = None,
        doubt_rules: Callable[[], None] | None = None,
    ) -> None:
        """Set up a submitter.

        ``doubt_rules`` is called after a refusal that suggests a change of a market's rules.
        """
        super().__init__(context, gateway, account_pk=account_pk, fence=fence, health=health)
        self._venue_pk = venue_pk
        self._doubt_rules = doubt_rules
        self._look_ups = OrderLookUps(gateway, context.clock)
        self._together = CancelTogether(context, gateway, account_pk)
        self._under_way: dict[int, asyncio.Task[None]] = {}
        #: Children whose cancel waits for a place in the rate limit.
        self._waiting: dict[int, SessionChild] = {}
        self._not_before: dict[int, datetime] = {}

    def is_under_way(self, child_pk: int) -> bool:
        """Return True while a request for this child waits for its answer, so that a poll of the child would be too
        early.
        """
        return child_pk in self._under_way

    async def run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._round()
            except (DatabaseError, InterfaceError) as error:
                log.warning("intents could not be read", account=self._account_pk, error=str(error))
            await pause(self._context.clock, self._wake, POLL)

    async def let_arrive(self) -> None:
        """Wait until every request is answered, or can no longer arrive."""
        if self._under_way:
            within = self._gateway.guarantees.arrives_within or LONGEST_ARRIVAL
            timeout = min(within + CLOCKS, LONGEST_ARRIVAL).total_seconds()
            await asyncio.wait(self._under_way.values(), timeout=timeout)

    async def finish(self) -> None:
        """Wait a few seconds until the answers to open requests are recorded.

        A later session finds out about the others.
        """
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=IN_FLIGHT_GRACE)
        for task in self._under_way.values():
            task.cancel()
        self._together.close()

    async def _round(self) -> None:
        now = self._now()
        children = await self._context.database.read_first(children_to_send, self._account_pk)
        idle = [child for child in children if child.pk not in self._under_way]
        await self._spawn_cancels(
            [
                child
                for child in idle
                if child.status is ChildStatus.CANCELLING and self._not_before.get(child.pk, now) <= now
            ]
        )
        if self._context.lease.left() < CALL_BUDGET.total_seconds():
            return
        for child in idle:
            is_new = child.status is ChildStatus.PENDING_SUBMIT
            is_new = is_new and self._not_before.get(child.pk, now) <= now
            if is_new and (child.send_not_before is None or child.send_not_before <= now):
                self._spawn(child, self._create(child))

    def _spawn(self, child: SessionChild, request: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(child, request), name=f"request {child.ref.client_id}")
        self._under_way[child.pk] = task
        task.add_done_callback(lambda ended: self._ended(child, ended))

    async def _guarded(self, child: SessionChild, request: Coroutine[Any, Any, None]) -> None:
        try:
            await request
        except Exception as error:  # noqa: BLE001  counted, logged and shown with the account
            log.warning("a request failed", child=child.ref.client_id)
            wait = timedelta(seconds=await self._health.failed(REQUESTS, error))
            self._not_before[child.pk] = self._now() + wait
        else:
            await self._health.worked(REQUESTS)

    def _ended(self, child: SessionChild, task: asyncio.Task[None]) -> None:
        if self._under_way.get(child.pk) is task:
            del self._under_way[child.pk]
        self._context.poke_order(child.order_pk)
        self._wake.set()

    # --- create --------------------------------------------------------------------------------

    async def _create(self, child: SessionChild) -> None:
        """Create a child when the rate limit allows it. Release the limit's capacity if nothing was sent."""
        await self._gateway.ready("create", child.ref.symbol)
        if not await self._submit_and_send(child):
            self._gateway.give_back("create", child.ref.symbol)

    async def _submit_and_send(self, child: SessionChild) -> bool:
        """Check the lease, mark the row as submitted, and send the child. Return False if nothing was sent.

        The send follows at once when the mark is committed.
        """
        if self._context.lease.left() < CALL_BUDGET.total_seconds():
            await self._context.clock.sleep(NOT_NOW)
            return False
        quote = await quote_of_now(self._context, self._venue_pk, child.ref.symbol)
        asked_at = self._context.clock.boot()
        try:
            submitted = await self._submit(child, quote)
        except (DatabaseError, InterfaceError) as error:
            # Whether the submit was committed is not known. That nothing was sent is known.
            log.warning("a child could not be submitted", child=child.ref.client_id, error=str(error))
            await self._record(child, NotSent(f"the database did not answer: {error}"))
            return False
        if submitted is None:
            self._context.desk_book.forget()
            await self._context.clock.sleep(NOT_NOW)
            return False
        if reason := self._too_late(asked_at):
            await self._record(child, NotSent(reason))
            await self._note_error(reason)
            return False
        outcome = await self._send(submitted)
        await self._record(child, outcome)
        if isinstance(outcome, Rejected) and hints_at_rules(outcome) and self._doubt_rules is not None:
            self._doubt_rules()
        if isinstance(outcome, NotSent):
            await self._note_error(outcome.message)
        elif isinstance(outcome, Accepted):
            await self._look_up(child, submitted, outcome.report)
        return True

    async def _look_up(self, child: SessionChild, submitted: SubmittedChild, answer: OrderReport) -> None:
        """Look up an immediate-or-cancel child if the answer to its create has only its ids.

        An immediate-or-cancel child ends when it arrives. It is not looked up if the stream has reported its end. If
        all look-ups fail, a poll looks for it later.
        """
        if submitted.request.time_in_force is not TimeInForce.IOC or answer.status is not None:
            return
        ref = replace(child.ref, exchange_id=answer.exchange_id)
        for seconds in LOOK_UP_AFTER:
            await self._context.clock.sleep(max(seconds, self._look_ups.patience / 2))
            if await self._context.database.read_first(is_child_over, child.pk):
                return
            try:
                report = await self._look_ups.find(ref)
            except VenueReadFailed as error:
                await self._note_error(str(error))
                continue
            if report is not None:
                await self._keep(child_report, account_pk=self._account_pk, report=report, now=self._now())
                if report.status is not None and report.status is not VenueStatus.OPEN:
                    return

    def _too_late(self, asked_at: float) -> str:
        """Return the reason why a child that was just submitted must not be sent any more; empty if it may be.

        ``asked_at`` is a time just before the submit, in seconds of the boot clock. The child may be sent until
        ``CALL_BUDGET`` has passed after that time.
        """
        if self._context.clock.boot() - asked_at > CALL_BUDGET.total_seconds():
            return "the database took too long to submit it"
        if self._context.lease.left() <= 0:
            return "the lease ran out before it could be sent"
        return ""

    async def _submit(self, child: SessionChild, quote: Quote | None) -> SubmittedChild | None:
        return await self._context.database.run_durable(
            child_submit,
            child_pk=child.pk,
            order_pk=child.order_pk,
            worker_pk=self._context.lease.worker_pk,
            account_fence=self._fence,
            budget=CALL_BUDGET,
            quote=quote,
            now=self._now(),
        )

    async def _record(self, child: SessionChild, outcome: CreateOutcome) -> None:
        await self._keep(
            child_outcome,
            child_pk=child.pk,
            order_pk=child.order_pk,
            outcome=outcome,
            now=self._now(),
            fence=self._fence,
        )

    async def _send(self, submitted: SubmittedChild) -> CreateOutcome:
        left = self._context.lease.left()
        # Never longer than the lease, where the exchange takes so little: it refuses what is held up. Elsewhere what
        # arrives under the next holder belongs to a child that it holds as unknown.
        valid_for = min(CALL_BUDGET, timedelta(seconds=left))
        begun = self._context.clock.boot()
        outcome = await self._gateway.create(submitted.request, valid_for=valid_for)
        elapsed = (self._context.clock.boot() - begun) * 1000
        log.info(
            "child sent",
            child=submitted.request.client_id,
            outcome=type(outcome).__name__,
            milliseconds=round(elapsed, 1),
            detail=getattr(outcome, "message", ""),
        )
        return outcome

    # --- cancel --------------------------------------------------------------------------------

    async def _spawn_cancels(self, cancels: Sequence[SessionChild]) -> None:
        """Send ``cancels``, in one request where possible.

        One request for several children also replaces their earlier cancels that still wait for the rate limit.
        """
        alone = {child.pk: child for child in cancels}
        for group in await self._together.groups([*self._waiting.values(), *cancels]):
            answer = self._together.begin(group)
            for child in group.children:
                if self._waiting.pop(child.pk, None) is not None:
                    self._under_way[child.pk].cancel()
                alone.pop(child.pk, None)
                self._spawn(child, self._cancelled_together(child, answer))
        for child in alone.values():
            self._spawn(child, self._cancel(child))

    async def _cancelled_together(
        self, child: SessionChild, answer: asyncio.Task[Mapping[str, OrderReport] | CancelFailed]
    ) -> None:
        """Record a child's part of the answer to a cancel of several. If it failed, cancel the child by itself."""
        told = await asyncio.shield(answer)
        if isinstance(told, CancelFailed):
            await self._note_error(told.message)
            return await self._cancel(child)
        report = told.get(child.ref.exchange_id or "")
        return await self._cancel_confirmed(child, None if report is None else CancelConfirmed(report))

    async def _cancel(self, child: SessionChild) -> None:
        sent_at = child.last_possible_send_at
        age = None if sent_at is None else self._now() - sent_at
        self._waiting[child.pk] = child
        try:
            await self._gateway.ready("cancel", child.ref.symbol, age)
        finally:
            self._waiting.pop(child.pk, None)
        outcome = await self._gateway.cancel(child.ref)
        now = self._now()
        if isinstance(outcome, CancelConfirmed):
            await self._cancel_confirmed(child, outcome)
        elif isinstance(outcome, CancelGone):
            await self._find_out(child)
        else:
            self._not_before[child.pk] = now + outcome.retry_after
            log.warning("cancel not confirmed, again", child=child.ref.client_id, error=outcome.message)
            await self._note_error(outcome.message)

    async def _cancel_confirmed(self, child: SessionChild, outcome: CancelConfirmed | None) -> None:
        """Record how the order ended.

        If the answer does not say how, wait a moment for the stream, then look the order up.
        """
        if outcome is not None and await self._keep(
            child_cancelled, child_pk=child.pk, outcome=outcome, now=self._now()
        ):
            return
        await self._context.clock.sleep(max(TOLD_WITHIN, self._look_ups.patience))
        await self._find_out(child)

    async def _find_out(self, child: SessionChild) -> None:
        now = self._now()
        self._not_before[child.pk] = now + timedelta(seconds=1)
        if await self._context.database.read_first(is_child_over, child.pk):
            return  # the stream was faster
        try:
            report = await self._look_ups.find(child.ref)
        except VenueReadFailed as error:
            await self._note_error(str(error))
            return
        if report is not None:
            await self._keep(child_report, account_pk=self._account_pk, report=report, now=self._now())
        elif child.ref.exchange_id is None:
            message = "the exchange does not know the order, so there is nothing to cancel"
            await self._keep(child_mark_unknown, child_pk=child.pk, message=message, now=now)
