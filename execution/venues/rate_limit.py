"""The rate limits of an exchange, in units. Each call costs some units.

Cancels have a reserve. Creates come before reads, but reads have a minimum.

ccxt's own limiter is switched off. It would wait after the desk's last check of an order, so the request would be sent
late. With this one, the caller waits first, and makes the check afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Protocol

from execution.venues.spec import Limits

#: The minimum for waiting reads, as a part of what the reserve for cancels leaves.
READ_FLOOR = 0.25


class Use(IntEnum):
    """The purpose of a call. Each use has its own queue.

    A use with a higher number may take at least as much of the limit as a use with a lower number.

    A look-up reads the state of one order. It is more urgent than other reads, because the desk places nothing new for
    that parent order until it knows the state.
    """

    READ = 0
    LOOK_UP = 1
    CREATE = 2
    CANCEL = 3


class Count(Protocol):
    """The way in which an exchange adds up the units of calls. Times are in seconds of a monotonic clock."""

    def used(self, now: float) -> float:
        """Return the number of units that are in use at ``now``."""

    def take(self, cost: float, now: float) -> None: ...

    def give_back(self, cost: float) -> None:
        """Remove the newest entry with this cost, because its call was not sent; do nothing if there is none."""

    def seconds_until(self, excess: float, now: float) -> float:
        """Return the seconds from ``now`` until the count has fallen by ``excess`` units."""


class WindowCount:
    """A count of the units of the last ``window`` seconds."""

    def __init__(self, window: float) -> None:
        self.window = window
        self._taken: deque[tuple[float, float]] = deque()
        self._used = 0.0

    def used(self, now: float) -> float:
        while self._taken and self._taken[0][0] + self.window <= now:
            self._used -= self._taken.popleft()[1]
        if not self._taken:
            self._used = 0.0  # fractions add up to dust over a long time
        return self._used

    def take(self, cost: float, now: float) -> None:
        self._taken.append((now, cost))
        self._used += cost

    def give_back(self, cost: float) -> None:
        for taken in reversed(self._taken):
            if taken[1] == cost:
                self._taken.remove(taken)
                self._used -= cost
                return

    def seconds_until(self, excess: float, now: float) -> float:
        for taken_at, taken in self._taken:
            excess -= taken
            if excess <= 0:
                return taken_at + self.window - now
        return self.window


class DecayCount:
    """A counter that falls by ``rate`` units a second, as kraken's do."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._used = 0.0
        self._at = float("-inf")

    def used(self, now: float) -> float:
        if now > self._at:
            self._used = max(0.0, self._used - (now - self._at) * self.rate)
            self._at = now
        return self._used

    def take(self, cost: float, now: float) -> None:
        self._used = self.used(now) + cost

    def give_back(self, cost: float) -> None:
        self._used = max(0.0, self._used - cost)

    def seconds_until(self, excess: float, now: float) -> float:  # noqa: ARG002  it does not matter when
        return excess / self.rate


class Throttle:
    """Keeps the counted units within ``budget``. Calls of one use are sent in the order in which they came.

    Only cancels may use the last ``reserve`` units. Of the other units, reads use at most the share ``read_share``. If
    other clients share the limit, ``resize`` reduces all these figures to our part. The most expensive call always
    stays possible.

    Reads have a minimum: the share ``read_floor`` of the units that are not reserved for cancels. While a read waits,
    creates leave free what reads have not used of their minimum. Otherwise many creates would keep out the reads that
    show the creates' outcome. ``reads`` counts the units that reads used.

    ``clock`` counts seconds and never goes back; ``sleep`` waits for seconds.
    """

    def __init__(
        self,
        *,
        budget: float,
        reserve: float,
        count: Count,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        read_share: float = 1.0,
        dearest: float = 1.0,
        reads: Count | None = None,
        read_floor: float = 0.0,
    ) -> None:
        if not 0 <= reserve < budget:
            raise ValueError(f"a budget of {budget} cannot keep a reserve of {reserve}")
        self.budget = budget
        self.reserve = reserve
        self._count = count
        self._clock = clock
        self._sleep = sleep
        self._read_share = read_share
        self._dearest = dearest
        self._reads = reads
        self._read_floor = 0.0 if reads is None else read_floor
        self._share = 1.0
        self._held_until = self._reads_held_until = self._closed_until = float("-inf")
        self._queues = {use: asyncio.Lock() for use in Use}

    async def acquire(self, cost: float, use: Use = Use.READ) -> None:
        """Wait until ``cost`` units fit, and take them. Raise ``ValueError`` if they could never fit."""
        if not 0 <= cost <= (limit := self.limit(use)):
            raise ValueError(f"a cost of {cost} does not fit a limit of {limit}")
        if cost == 0 and self.held_for(use) <= 0:
            return
        async with self._queues[use]:
            while (wait := self._wait(cost, use)) > 0:
                await self._sleep(wait)
            self._count.take(cost, self._clock())
            if use <= Use.LOOK_UP and self._reads is not None:
                self._reads.take(cost, self._clock())

    def give_back(self, cost: float) -> None:
        """Give back the units of the last call with this cost, because the call was not sent."""
        self._count.give_back(cost)

    def resize(self, share: float) -> None:
        """Use only the part ``share`` of the limit from now on, because other clients share the limit."""
        self._share = share

    def hold(self, seconds: float) -> None:
        """Pause everything but cancels, because the exchange asked for it."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    def hold_reads(self, seconds: float) -> None:
        """Pause reads, but not look-ups, so that what is left of the exchange's limit stays for urgent calls."""
        self._reads_held_until = max(self._reads_held_until, self._clock() + seconds)

    def close_for(self, seconds: float) -> None:
        """Pause everything, cancels too, because the exchange locked us out and more calls would prolong that."""
        self._closed_until = max(self._closed_until, self._clock() + seconds)

    def held_for(self, use: Use) -> float:
        """Return for how many seconds a pause still holds back calls of this use; 0 without a pause.

        The exchange may have asked for a pause, or its limit may be nearly used up.
        """
        until = self._closed_until
        if use is not Use.CANCEL:
            until = max(until, self._held_until)
        if use is Use.READ:
            until = max(until, self._reads_held_until)
        return max(0.0, until - self._clock())

    def limit(self, use: Use) -> float:
        """Return the number of used units up to which a call of this use may be sent."""
        budget, reserve = self.budget * self._share, self.reserve * self._share
        if use is Use.CANCEL:
            return max(budget, self._dearest)
        left = budget - reserve
        return max(left * self._read_share if use is Use.READ else left, self._dearest)

    def _wait(self, cost: float, use: Use) -> float:
        """Return the seconds until the caller should try again; 0 if the cost fits now."""
        if (pause := self.held_for(use)) > 0:
            return pause
        now = self._clock()
        used = self._count.used(now) + cost
        if use <= Use.LOOK_UP:
            return min(
                self._seconds(self._count, used - self.limit(use), now), self._until_floor(used, cost, now)
            )
        kept = self._kept_for_reads(cost, now) if use is Use.CREATE else 0.0
        return self._seconds(self._count, used + kept - self.limit(use), now)

    def _until_floor(self, used: float, cost: float, now: float) -> float:
        """Return the seconds until a read fits into the minimum of reads, without touching the reserve of cancels."""
        if self._reads is None:
            return float("inf")
        own = self._reads.used(now) + cost - self._floor
        beside = used - self.limit(Use.CREATE)
        return max(self._seconds(self._reads, own, now), self._seconds(self._count, beside, now))

    def _kept_for_reads(self, cost: float, now: float) -> float:
        """Return the units that a create must leave to waiting reads: the part of their minimum not used yet."""
        is_awaited = self._queues[Use.READ].locked() or self._queues[Use.LOOK_UP].locked()
        if self._reads is None or not is_awaited:
            return 0.0
        left = max(self._floor - self._reads.used(now), 0.0)
        return min(left, self.limit(Use.CREATE) - cost)

    @property
    def _floor(self) -> float:
        return self._read_floor * self.limit(Use.CREATE)

    @staticmethod
    def _seconds(count: Count, excess: float, now: float) -> float:
        # Never 0, or a rounded clock would spin without moving.
        return max(count.seconds_until(excess, now), 1e-6) if excess > 1e-9 else 0.0


def throttle_of(limits: Limits, *, read_share: float = 1.0) -> Throttle:
    """Return a throttle for the limit, in real time."""

    def count() -> Count:
        return WindowCount(limits.window) if limits.decay is None else DecayCount(limits.decay)

    return Throttle(
        budget=limits.budget,
        reserve=limits.reserve,
        count=count(),
        reads=count(),
        read_floor=READ_FLOOR,
        clock=time.monotonic,
        sleep=asyncio.sleep,
        read_share=read_share,
        dearest=max(limits.costs.values(), default=1.0),
    )
