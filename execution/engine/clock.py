"""The clock of the engine: real in a worker, virtual in a simulation."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the time of the wall clock, in UTC."""

    def boot(self) -> float:
        """Return the seconds of a clock that never jumps, and that goes on while the machine is suspended."""

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The clock of the machine: its wall clock and its monotonic clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def boot(self) -> float:
        # CLOCK_MONOTONIC stands still while a laptop sleeps; leases do not.
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def pause(clock: Clock, wake: asyncio.Event, seconds: float) -> bool:
    """Wait until ``wake`` is set, at most ``seconds``. Return True if it was set."""
    sleeper = asyncio.ensure_future(clock.sleep(seconds))
    waker = asyncio.ensure_future(wake.wait())
    try:
        await asyncio.wait({sleeper, waker}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeper.cancel()
        waker.cancel()
    return wake.is_set()
