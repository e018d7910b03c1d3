"""The part of an account session that sends: cancels before creates, each row at most once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core.faults import REQUESTS
from execution.core.states import ChildStatus
from execution.core.types import (
    CancelConfirmed,
    CancelGone,
    CreateOutcome,
    NotSent,
)
from execution.engine.clock import pause
from execution.engine.context import EngineContext
from execution.engine.failures import Health, unseen
from execution.selectors.decisions.sessions import SessionChild, children_to_send
from execution.services.accounts.sessions import account_failed
from execution.services.children.children import (
    Taken,
    child_cancelled,
    child_mark_unknown,
    child_outcome,
    child_report,
    child_take,
)
from execution.venues.protocol import Gateway, VenueReadFailed

log = structlog.get_logger(__name__)

#: How long a create may take to reach the exchange. The exchange refuses it later (its validity window).
CALL_BUDGET = timedelta(seconds=1)
#: Before a row that could not be taken is looked at again.
NOT_NOW = 0.1  # seconds
POLL = 1.0  # seconds; a wake-up may be lost
#: After it has left, by whatever clock, a create has arrived or is refused by its validity window.
ARRIVAL = CALL_BUDGET.total_seconds() + 0.25
IN_FLIGHT_GRACE = 3.0  # seconds given to requests that are under way when the session ends


class Sender:
    """Sends what is intended on one account."""

    def __init__(
        self,
        parts: EngineContext,
        gateway: Gateway,
        account_pk: int,
        fence: int,
        health: Health | None = None,
    ) -> None:
        self._context = parts
        self._gateway = gateway
        self._account_pk = account_pk
        self._fence = fence
        self._health = health or unseen(parts.clock)
        self._wake = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._not_before: dict[int, datetime] = {}

    def poke(self) -> None:
        self._wake.set()

    def is_under_way(self, child_pk: int) -> bool:
        """True while a request of this child waits for its answer: a look would see too early a picture."""
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
        """Wait until every request is answered, or can arrive no more."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=ARRIVAL)

    async def finish(self) -> None:
        """Let requests that are under way record their answers; what is left is for the next holder."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=IN_FLIGHT_GRACE)
        for task in self._under_way.values():
            task.cancel()

    async def _round(self) -> None:
        """One look at the rows: first every cancel that is due, then every create."""
        now = self._context.clock.now()
        children = await self._context.database.read(children_to_send, self._account_pk)
        idle = [child for child in children if child.pk not in self._under_way]
        for child in idle:
            if child.status is ChildStatus.CANCELLING and self._not_before.get(child.pk, now) <= now:
                self._spawn(child, self._cancel(child))
        if self._context.lease.left() < CALL_BUDGET.total_seconds():
            return
        for child in idle:
            is_new = child.status is ChildStatus.INTENDED and not child.was_taken
            is_new = is_new and self._not_before.get(child.pk, now) <= now
            if is_new and (child.send_not_before is None or child.send_not_before <= now):
                self._spawn(child, self._create(child))

    def _spawn(self, child: SessionChild, request: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(child, request), name=f"request {child.ref.client_id}")
        self._under_way[child.pk] = task
        task.add_done_callback(lambda _: self._ended(child))

    async def _guarded(self, child: SessionChild, request: Coroutine[Any, Any, None]) -> None:
        """A request that fails in our own code is seen, and not tried again at once."""
        try:
            await request
        except Exception as error:  # noqa: BLE001  counted, logged and shown with the account
            log.warning("a request failed", child=child.ref.client_id)
            wait = timedelta(seconds=await self._health.failed(REQUESTS, error))
            self._not_before[child.pk] = self._context.clock.now() + wait
        else:
            await self._health.worked(REQUESTS)

    def _ended(self, child: SessionChild) -> None:
        self._under_way.pop(child.pk, None)
        self._context.poke_order(child.order_pk)
        self._wake.set()

    # --- create --------------------------------------------------------------------------------

    async def _create(self, child: SessionChild) -> None:
        """Wait for a place, check the lease, take the row, send. After the take nothing waits any more."""
        await self._gateway.ready("create")
        if self._context.lease.left() < CALL_BUDGET.total_seconds():
            await self._context.clock.sleep(NOT_NOW)
            return
        asked_at = self._context.clock.boot()
        try:
            taken = await self._take(child)
        except (DatabaseError, InterfaceError) as error:
            # Whether the taking was committed is not known; that nothing has left is.
            log.warning("a child could not be taken", child=child.ref.client_id, error=str(error))
            await self._give_back(child, NotSent(f"the database could not give it: {error}"))
            return
        if taken is None:
            await self._context.clock.sleep(NOT_NOW)
            return
        outcome = await self._send(taken, asked_at)
        await self._context.database.retry_until_committed(
            child_outcome,
            child_pk=taken.child_pk,
            order_pk=taken.order_pk,
            outcome=outcome,
            now=self._context.clock.now(),
            fence=taken.fence,
        )
        if isinstance(outcome, NotSent):
            await self._note_error(outcome.message)

    async def _take(self, child: SessionChild) -> Taken | None:
        return await self._context.database.run_durable(
            child_take,
            child_pk=child.pk,
            order_pk=child.order_pk,
            worker_pk=self._context.lease.worker_pk,
            account_fence=self._fence,
            budget=CALL_BUDGET,
            now=self._context.clock.now(),
        )

    async def _give_back(self, child: SessionChild, outcome: NotSent) -> None:
        """The same row goes later, unless another session has taken it since."""
        await self._context.database.retry_until_committed(
            child_outcome,
            child_pk=child.pk,
            outcome=outcome,
            now=self._context.clock.now(),
            fence=self._fence,
        )

    async def _send(self, taken: Taken, asked_at: float) -> CreateOutcome:
        """Send within what the row says: its last possible send is counted from before it was taken."""
        if self._context.clock.boot() - asked_at > CALL_BUDGET.total_seconds():
            return NotSent("the database took too long to give it")
        left = self._context.lease.left()
        if left <= 0:
            return NotSent("the lease ran out before it could leave")
        # Never longer than the lease: a request that is held up is refused by the exchange itself.
        valid_for = min(CALL_BUDGET, timedelta(seconds=left))
        begun = self._context.clock.boot()
        outcome = await self._gateway.create(taken.request, valid_for=valid_for)
        elapsed = (self._context.clock.boot() - begun) * 1000
        log.info(
            "child sent",
            child=taken.request.client_id,
            outcome=type(outcome).__name__,
            milliseconds=round(elapsed, 1),
            detail=getattr(outcome, "message", ""),
        )
        return outcome

    # --- cancel --------------------------------------------------------------------------------

    async def _cancel(self, child: SessionChild) -> None:
        """Cancel, and when the exchange has no such open order, ask what became of it."""
        await self._gateway.ready("cancel")
        outcome = await self._gateway.cancel(child.ref)
        now = self._context.clock.now()
        if isinstance(outcome, CancelConfirmed):
            complete = await self._context.database.retry_until_committed(
                child_cancelled, child_pk=child.pk, outcome=outcome, now=now
            )
            if complete:
                return
        elif not isinstance(outcome, CancelGone):
            self._not_before[child.pk] = now + outcome.retry_after
            log.warning("cancel not confirmed, again", child=child.ref.client_id, error=outcome.message)
            await self._note_error(outcome.message)
            return
        await self._find_out(child)

    async def _find_out(self, child: SessionChild) -> None:
        now = self._context.clock.now()
        self._not_before[child.pk] = now + timedelta(seconds=1)
        try:
            report = await self._gateway.find(child.ref)
        except VenueReadFailed as error:
            await self._note_error(str(error))
            return
        if report is not None:
            await self._context.database.retry_until_committed(
                child_report, account_pk=self._account_pk, report=report, now=self._context.clock.now()
            )
        elif child.ref.exchange_id is None:
            message = "the exchange knows neither the order nor anything to cancel"
            await self._context.database.retry_until_committed(
                child_mark_unknown, child_pk=child.pk, message=message, now=now
            )

    async def _note_error(self, message: str) -> None:
        await self._context.database.retry_until_committed(
            account_failed, account_pk=self._account_pk, error=message, now=self._context.clock.now()
        )
