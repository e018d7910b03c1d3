"""The limit holds over every window, cancels pass, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import heapq

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.venues.rate_limit import Throttle


class VirtualTime:
    """Time that moves only when everybody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._number = 0

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._number += 1
        heapq.heappush(self._sleepers, (self.now + seconds, self._number, woken))
        await woken.wait()

    async def run(self, *tasks: asyncio.Task[None]) -> None:
        while not all(task.done() for task in tasks):
            for _ in range(20):
                await asyncio.sleep(0)
            if self._sleepers:
                self.now, _, woken = heapq.heappop(self._sleepers)
                woken.set()


BUDGET, WINDOW, RESERVE = 10.0, 4.0, 3.0
calls = st.lists(
    st.tuples(st.floats(0, 20), st.sampled_from([1.0, 2.0, 5.0]), st.booleans()), min_size=1, max_size=25
)


def throttle_of(time: VirtualTime) -> Throttle:
    return Throttle(budget=BUDGET, window=WINDOW, reserve=RESERVE, clock=lambda: time.now, sleep=time.sleep)


async def play(wanted: list[tuple[float, float, bool]]) -> list[tuple[float, float, float, bool]]:
    """(asked at, left at, cost, priority) of each call."""
    time = VirtualTime()
    throttle = throttle_of(time)
    left: list[tuple[float, float, float, bool]] = []

    async def call(at: float, cost: float, priority: bool) -> None:
        await time.sleep(at)
        await throttle.acquire(cost, priority=priority)
        left.append((at, time.now, cost, priority))

    tasks = [asyncio.create_task(call(*each)) for each in wanted]
    await time.run(*tasks)
    return left


@given(calls)
@settings(deadline=None, max_examples=60)
def test_no_window_holds_more_than_the_budget(wanted: list[tuple[float, float, bool]]) -> None:
    left = asyncio.run(play(wanted))
    assert len(left) == len(wanted)
    for _, start, _, _ in left:
        inside = [(cost, priority) for _, at, cost, priority in left if start <= at < start + WINDOW]
        assert sum(cost for cost, _ in inside) <= BUDGET
        assert sum(cost for cost, priority in inside if not priority) <= BUDGET - RESERVE


@given(calls)
@settings(deadline=None, max_examples=60)
def test_ordinary_calls_leave_in_the_order_in_which_they_asked(
    wanted: list[tuple[float, float, bool]],
) -> None:
    left = [each for each in asyncio.run(play(wanted)) if not each[3]]
    assert [at for at, *_ in left] == sorted(at for at, *_ in left)


async def test_a_cancel_leaves_at_once_while_creates_wait() -> None:
    time = VirtualTime()
    throttle = throttle_of(time)
    for _ in range(7):
        await throttle.acquire(1)
    waiting = asyncio.create_task(throttle.acquire(1))
    for _ in range(3):
        await throttle.acquire(1, priority=True)
    assert time.now == 0
    assert not waiting.done()
    await time.run(waiting)
    assert time.now == pytest.approx(WINDOW)


async def test_a_hold_stops_creates_and_not_cancels() -> None:
    time = VirtualTime()
    throttle = throttle_of(time)
    throttle.hold(30)
    await throttle.acquire(1, priority=True)
    assert time.now == 0
    waiting = asyncio.create_task(throttle.acquire(1))
    await time.run(waiting)
    assert time.now == 30


async def test_a_cancelled_wait_takes_nothing() -> None:
    time = VirtualTime()
    throttle = throttle_of(time)
    await throttle.acquire(7)
    waiting = asyncio.create_task(throttle.acquire(5))
    await asyncio.sleep(0)
    waiting.cancel()
    time.now = WINDOW
    await throttle.acquire(7)
    assert time.now == WINDOW


async def test_a_cost_that_never_fits_is_refused() -> None:
    throttle = throttle_of(VirtualTime())
    with pytest.raises(ValueError, match=r"8 does not fit a limit of 7\.0"):
        await throttle.acquire(8)
    await throttle.acquire(8, priority=True)
