"""A weighted limit over a rolling window, with a reserve that only cancels use.

ccxt's own limiter is off: it waits between a call and its signature, so that a request checked in time
would leave late. Here the wait is the caller's, who checks after it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from execution.venues.quirks import Limits


class Throttle:
    """No window of ``window`` seconds ever holds more than ``budget`` units.

    Ordinary calls leave ``reserve`` units of each window to calls with priority. Ordinary calls go in the
    order in which they asked; calls with priority pass them.

    ``clock`` counts seconds and never goes back; ``sleep`` waits for seconds.
    """

    def __init__(
        self,
        *,
        budget: float,
        window: float,
        reserve: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        if not 0 <= reserve < budget or window <= 0:
            raise ValueError(f"a budget of {budget} per {window} s cannot keep a reserve of {reserve}")
        self.budget = budget
        self.window = window
        self.reserve = reserve
        self._clock = clock
        self._sleep = sleep
        self._taken: deque[tuple[float, float]] = deque()
        self._used = 0.0
        self._held_until = float("-inf")
        self._ordinary = asyncio.Lock()
        self._urgent = asyncio.Lock()

    async def acquire(self, cost: float, *, priority: bool = False) -> None:
        """Wait until ``cost`` units fit, and take them. ``ValueError`` if they never could."""
        limit = self._limit(priority=priority)
        if not 0 < cost <= limit:
            raise ValueError(f"a cost of {cost} does not fit a limit of {limit} per {self.window} s")
        async with self._urgent if priority else self._ordinary:
            while (wait := self._wait(cost, priority=priority)) > 0:
                await self._sleep(wait)
            self._taken.append((self._clock(), cost))
            self._used += cost

    def hold(self, seconds: float) -> None:
        """The exchange asked for a pause: ordinary calls wait that long, cancels do not."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    @property
    def held_for(self) -> float:
        """Seconds that ordinary calls have to wait yet because the exchange asked for it."""
        return max(0.0, self._held_until - self._clock())

    def _limit(self, *, priority: bool) -> float:
        return self.budget if priority else self.budget - self.reserve

    def _wait(self, cost: float, *, priority: bool) -> float:
        """Seconds until it is worth looking again; 0 when the cost fits now."""
        now = self._clock()
        if not priority and self.held_for > 0:
            return self.held_for
        self._forget(now)
        excess = self._used + cost - self._limit(priority=priority)
        for taken_at, taken in self._taken:
            if excess <= 0:
                break
            excess -= taken
            if excess <= 0:
                # Never 0, or a rounded clock would spin without moving.
                return max(taken_at + self.window - now, 1e-6)
        return 0.0

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0][0] + self.window <= now:
            self._used -= self._taken.popleft()[1]
        if not self._taken:
            self._used = 0.0  # fractions add up to dust over a long time


def throttle_of(limits: Limits) -> Throttle:
    """The limit as it stands, in real time."""
    return Throttle(
        budget=limits.budget,
        window=limits.window,
        reserve=limits.reserve,
        clock=time.monotonic,
        sleep=asyncio.sleep,
    )
