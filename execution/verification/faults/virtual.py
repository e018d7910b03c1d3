"""Virtual time: an event loop that jumps from timer to timer, and clocks that read it."""

from __future__ import annotations

import asyncio
from asyncio.base_events import BaseEventLoop
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

#: The start of every simulation: noon, an instant at which candles end.
BEGINNING = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: After so many turns of the loop without any time passing, the code runs in circles.
MAX_TURNS = 20_000


class StandsStill(Exception):
    """Raised when the loop has nothing to wait for, or runs on and on while virtual time stands still."""


class _NoSelector:
    """A selector without outside events. Instead of waiting it moves the time forward at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns = 0

    def select(self, timeout: float | None) -> list[Any]:
        self.turns += 1
        if timeout is None:
            raise StandsStill("every task waits for something that cannot come")
        if timeout > 0:
            self.now += timeout
            self.turns = 0
        if self.turns > MAX_TURNS:
            raise StandsStill(f"the loop turned {MAX_TURNS} times at {self.now:.3f} s")
        return []

    def close(self) -> None: ...


class VirtualLoop(BaseEventLoop):
    """asyncio's loop without outside events. When nothing is ready, it jumps to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _NoSelector()

    def time(self) -> float:
        return self._selector.now

    def _process_events(self, event_list: list[Any]) -> None: ...

    def _write_to_self(self) -> None: ...


class VirtualClock:
    """The clock of one process (the engine's ``Clock``).

    Its wall clock differs from the true time by ``skew`` seconds.

    After each sleep it awaits ``gate()``, which returns when the process may go on. The process may be frozen or dead.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, skew: float, gate: Callable[[], Awaitable[None]]
    ) -> None:
        self._loop = loop
        self._skew = skew
        self._gate = gate

    def now(self) -> datetime:
        return at(self._loop.time() + self._skew)

    def boot(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._gate()


def at(seconds: float) -> datetime:
    """Return the instant ``seconds`` after the simulation's beginning."""
    return BEGINNING + timedelta(seconds=seconds)


def heard(answer: asyncio.Future[Any]) -> None:
    """Mark the error of an answer that nobody awaits as read, so that asyncio does not log it."""
    if not answer.cancelled():
        answer.exception()


def settle(answer: asyncio.Future[Any], *, result: Any = None, error: Exception | None = None) -> None:
    """Set the result or the error of an answer, unless it has one already or was cancelled."""
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)
