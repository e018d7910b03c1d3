"""The part of an account session that keeps the exchange's dead-man's switch armed while a child may rest.

The switch is a timer at the exchange. If the engine does not renew it in time, for example because the host or the
network is dead, the exchange cancels every open order of the account. So it is armed only on accounts that an admin
has marked as the desk's alone. An engine that cannot read its rows, or has lost its lease, renews nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core.guarantees.promise import SwitchBounds
from execution.engine.account_part import AccountPart
from execution.engine.clock import pause
from execution.engine.context import EngineContext
from execution.engine.failures import Health
from execution.selectors.decisions.sessions import AccountDetails, SwitchFacts, switch_facts
from execution.services.accounts.sessions import account_switch_kept
from execution.venues.protocol import Gateway, VenueReadFailed

log = structlog.get_logger(__name__)

CHECK_EVERY = 1.0  # seconds; okx takes one call a second
#: The switch is renewed when this share of its time is over. Then twice as long is left for more attempts.
RENEW_AFTER = 1 / 3
#: The exchange counts from its receipt of a request. For a switch that an earlier session armed, the receipt is this
#: much later than the sending, at most.
ANSWERED_WITHIN = 5.0  # seconds


class DeadMansSwitch(AccountPart):
    """Arms, renews and disarms the switch of one account. It measures time by a clock that nobody can set."""

    def __init__(
        self,
        context: EngineContext,
        gateway: Gateway,
        *,
        account_pk: int,
        fence: int,
        bounds: SwitchBounds,
        period: timedelta,
        may_have_fired: Callable[[], Awaitable[None]],
        health: Health | None = None,
    ) -> None:
        """Set up a switch. ``period`` is rounded to whole seconds, and raised or lowered to ``bounds``.

        ``may_have_fired`` is called at each check at which the exchange may be cancelling the open orders.
        """
        super().__init__(context, gateway, account_pk=account_pk, fence=fence, health=health)
        self._period = bounds.period(period)
        self._may_have_fired = may_have_fired
        self._is_exclusive = False
        self._is_taken_over = False
        self._until: datetime | None = None
        self._renew_at = 0.0
        self._failing_since: datetime | None = None
        #: The error that the account's row shows. None means that the row still has an earlier session's text.
        self._noted: str | None = None
        #: The earliest and the latest time at which each attempt to arm may fire. The exchange may have received an
        #: attempt without an answer.
        self._fires: list[tuple[float, float]] = []

    def poke(self) -> None:
        """Wake the part if the switch is not armed, because a child may be about to rest."""
        if self._is_exclusive and self._until is None:
            super().poke()

    async def run(self) -> None:
        while True:
            self._wake.clear()
            await pause(self._context.clock, self._wake, await self.check())

    async def check(self) -> float:
        """Arm, renew or disarm the switch as needed. Return the seconds until the next check."""
        facts = await self._facts()
        if facts is None or self._context.lease.left() <= 0:
            return CHECK_EVERY
        self._take_over(facts)
        await self._heed_firing()
        is_due = self._context.clock.boot() >= self._renew_at
        if facts.is_exclusive and facts.may_rest:
            return await self._arm() if self._until is None or is_due else CHECK_EVERY
        if self._until is not None and (is_due or not facts.is_exclusive):
            return await self._disarm()
        if self._until is None and not self._fires and self._noted != "":
            await self._note("")  # nothing rests, so nothing is wrong any more
        return CHECK_EVERY

    async def end(self) -> None:
        """Disarm the switch at an orderly end, unless a child may rest or another worker holds the account."""
        if self._until is None:
            return
        try:
            facts = await self._facts()
            if facts is not None and not facts.may_rest:
                await self._disarm()
        except (DatabaseError, InterfaceError) as error:
            log.warning("the switch stays armed", account=self._account_pk, error=str(error))

    async def _facts(self) -> SwitchFacts | None:
        worker_pk = self._context.lease.worker_pk
        facts = await self._context.database.read(
            switch_facts, self._account_pk, worker_pk=worker_pk, fence=self._fence
        )
        self._is_exclusive = facts is not None and facts.is_exclusive
        return facts

    def _take_over(self, facts: SwitchFacts) -> None:
        """Take over a switch that an earlier session armed, so that it is renewed or disarmed at once."""
        if self._is_taken_over:
            return
        self._is_taken_over, self._until = True, facts.until
        if facts.until is not None:
            left = max((facts.until - self._now()).total_seconds(), 0.0)
            first = self._context.clock.boot() + left
            self._fires = [(first, first + ANSWERED_WITHIN)]

    async def _heed_firing(self) -> None:
        """Call ``may_have_fired`` while the switch may be firing. After that record the switch as not armed."""
        now = self._context.clock.boot()
        if not any(first <= now for first, _ in self._fires):
            return
        await self._may_have_fired()
        self._fires = [window for window in self._fires if now < window[1]]
        if self._until is not None and self._until <= self._now():
            log.warning("the dead-man's switch may have fired", account=self._account_pk)
            by = f"{self._until:%H:%M:%S} UTC"
            error = f"it was not renewed by {by}: the exchange may have cancelled all open orders"
            self._until = None
            await self._note(error)

    async def _arm(self) -> float:
        boot, sent_at = self._context.clock.boot, self._now()
        begun, period = boot(), self._period.total_seconds()
        try:
            await self._gateway.arm_switch(int(period))
        except VenueReadFailed as error:
            self._fires.append((begun + period, boot() + period))
            return await self._failed("renewed" if self._until else "armed", error)
        self._until, self._renew_at = sent_at + self._period, begun + period * RENEW_AFTER
        self._fires = [(begun + period, boot() + period)]
        await self._note("")
        return CHECK_EVERY

    async def _disarm(self) -> float:
        try:
            await self._gateway.disarm_switch()
        except VenueReadFailed as error:
            return await self._failed("taken back", error)
        self._until, self._fires = None, []
        await self._note("")
        return CHECK_EVERY

    async def _failed(self, what: str, error: VenueReadFailed) -> float:
        log.warning("the dead-man's switch failed", account=self._account_pk, what=what, error=str(error))
        self._failing_since = self._failing_since or self._now()
        await self._note(f"it could not be {what} since {self._failing_since:%H:%M:%S} UTC: {error}")
        asked = error.retry_after.total_seconds() if error.retry_after else 0.0
        return max(CHECK_EVERY, asked)

    async def _note(self, error: str) -> None:
        self._noted = error
        if not error:
            self._failing_since = None
        await self._keep(
            account_switch_kept,
            account_pk=self._account_pk,
            fence=self._fence,
            until=self._until,
            error=error,
        )


def switch_of(
    context: EngineContext,
    gateway: Gateway,
    details: AccountDetails,
    fence: int,
    may_have_fired: Callable[[], Awaitable[None]],
    health: Health,
) -> DeadMansSwitch | None:
    """Return the object that arms an account's switch; None if the account's exchange has no switch."""
    bounds = gateway.guarantees.dead_mans_switch.value
    if bounds is None:
        return None
    return DeadMansSwitch(
        context,
        gateway,
        account_pk=details.pk,
        fence=fence,
        bounds=bounds,
        period=details.switch_period,
        may_have_fired=may_have_fired,
        health=health,
    )
