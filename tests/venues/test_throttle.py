"""The limit holds over every window, cancels pass, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import heapq

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.venues.rate_limit import Count, DecayCount, Throttle, Use, WindowCount


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


BUDGET, WINDOW, RESERVE, RATE = 10.0, 4.0, 3.0, 2.0
uses = st.sampled_from(Use)
#: When each asks, what it costs, and what it is for.
calls = st.lists(st.tuples(st.floats(0, 20), st.sampled_from([1.0, 2.0, 3.0]), uses), min_size=1, max_size=25)
#: (asked at, left at, cost, use)
Left = tuple[float, float, float, Use]


def throttle_of(
    time: VirtualTime,
    count: Count | None = None,
    read_share: float = 1.0,
    reads: Count | None = None,
    read_floor: float = 0.0,
) -> Throttle:
    return Throttle(
        reads=reads,
        read_floor=read_floor,
        budget=BUDGET,
        reserve=RESERVE,
        count=count or WindowCount(WINDOW),
        clock=lambda: time.now,
        sleep=time.sleep,
        read_share=read_share,
        dearest=3.0,
    )


async def play(wanted: list[tuple[float, float, Use]], count: Count | None = None) -> list[Left]:
    time = VirtualTime()
    throttle = throttle_of(time, count, read_share=0.6)
    left: list[Left] = []

    async def call(at: float, cost: float, use: Use) -> None:
        await time.sleep(at)
        await throttle.acquire(cost, use)
        left.append((at, time.now, cost, use))

    tasks = [asyncio.create_task(call(*each)) for each in wanted]
    await time.run(*tasks)
    return left


@given(calls)
@settings(deadline=None, max_examples=60)
def test_no_window_holds_more_than_each_use_may_have(wanted: list[tuple[float, float, Use]]) -> None:
    left = asyncio.run(play(wanted))
    assert len(left) == len(wanted)
    for _, start, _, _ in left:
        inside = [(cost, use) for _, at, cost, use in left if start <= at < start + WINDOW]
        assert sum(cost for cost, _ in inside) <= BUDGET
        assert sum(cost for cost, use in inside if use < Use.CANCEL) <= BUDGET - RESERVE
        assert sum(cost for cost, use in inside if use is Use.READ) <= (BUDGET - RESERVE) * 0.6


@given(calls)
@settings(deadline=None, max_examples=60)
def test_a_counter_that_falls_never_passes_its_most(wanted: list[tuple[float, float, Use]]) -> None:
    left = asyncio.run(play(wanted, DecayCount(RATE)))
    assert len(left) == len(wanted)
    counter = last = 0.0
    for _, at, cost, _ in sorted(left, key=lambda each: each[1]):
        counter = max(0.0, counter - (at - last) * RATE) + cost
        last = at
        assert counter <= BUDGET + 1e-6


@given(calls)
@settings(deadline=None, max_examples=60)
def test_calls_of_one_use_leave_in_the_order_in_which_they_asked(
    wanted: list[tuple[float, float, Use]],
) -> None:
    left = asyncio.run(play(wanted))
    for use in Use:
        asked = [at for at, _, _, for_ in left if for_ is use]
        assert asked == sorted(asked)


async def test_a_cancel_leaves_at_once_while_creates_wait() -> None:
    time = VirtualTime()
    throttle = throttle_of(time)
    for _ in range(7):
        await throttle.acquire(1, Use.CREATE)
    waiting = asyncio.create_task(throttle.acquire(1, Use.CREATE))
    for _ in range(3):
        await throttle.acquire(1, Use.CANCEL)
    assert time.now == 0
    assert not waiting.done()
    await time.run(waiting)
    assert time.now == pytest.approx(WINDOW)


async def test_a_rush_of_creates_leaves_reads_their_floor_and_the_rest_when_none_wait() -> None:
    """Without a floor for reads, nobody would see for seconds what became of the creates."""

    async def rush(seconds: float, *, with_reads: bool) -> dict[Use, int]:
        time = VirtualTime()
        throttle = throttle_of(time, read_share=0.6, reads=WindowCount(WINDOW), read_floor=0.3)
        left = {Use.READ: 0, Use.CREATE: 0}

        async def ask(use: Use) -> None:
            while True:
                await throttle.acquire(1, use)
                left[use] += 1

        uses = [Use.CREATE, *([Use.READ] if with_reads else [])]
        tasks = [asyncio.create_task(ask(use)) for use in uses]
        await time.run(asyncio.create_task(time.sleep(seconds)))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return left

    windows = 5
    both = await rush(windows * WINDOW - 0.5, with_reads=True)
    # Of ten units in a window three are left to cancels. Of the seven, two whole ones are the floor. The first window
    # was the creates' before a read waited.
    assert both[Use.READ] == 2 * (windows - 1)
    assert both[Use.CREATE] >= 5 * (windows - 1)
    alone = await rush(windows * WINDOW - 0.5, with_reads=False)
    assert alone[Use.CREATE] == 7 * windows


@pytest.mark.parametrize("use", [Use.LOOK_UP, Use.CREATE])
async def test_what_became_of_an_order_is_asked_at_once_while_reads_wait(use: Use) -> None:
    """An order waits for it. Polls and quotes come again."""
    time = VirtualTime()
    throttle = throttle_of(time, read_share=0.6)
    for _ in range(4):
        await throttle.acquire(1)
    waiting = [asyncio.create_task(throttle.acquire(1)) for _ in range(9)]
    await asyncio.sleep(0)
    for _ in range(3):
        await throttle.acquire(1, use)
    assert time.now == 0
    assert not any(task.done() for task in waiting)
    await time.run(*waiting)


@pytest.mark.parametrize(
    ("use", "waits"), [(Use.READ, 30), (Use.LOOK_UP, 30), (Use.CREATE, 30), (Use.CANCEL, 0)]
)
async def test_a_hold_stops_everything_but_cancels(use: Use, waits: float) -> None:
    time = VirtualTime()
    throttle = throttle_of(time)
    throttle.hold(30)
    await time.run(asyncio.create_task(throttle.acquire(1, use)))
    assert time.now == waits


@pytest.mark.parametrize(
    ("use", "waits"), [(Use.READ, 30), (Use.LOOK_UP, 0), (Use.CREATE, 0), (Use.CANCEL, 0)]
)
async def test_a_limit_that_is_nearly_used_stops_reads_only(use: Use, waits: float) -> None:
    time = VirtualTime()
    throttle = throttle_of(time)
    throttle.hold_reads(30)
    await time.run(asyncio.create_task(throttle.acquire(1, use)))
    assert time.now == waits


@pytest.mark.parametrize("use", Use)
async def test_a_lock_out_stops_everything(use: Use) -> None:
    time = VirtualTime()
    throttle = throttle_of(time)
    throttle.close_for(30)
    await time.run(asyncio.create_task(throttle.acquire(0, use)))
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
    await throttle.acquire(8, Use.CANCEL)


async def test_a_share_is_kept_to_and_the_dearest_call_stays_possible() -> None:
    time = VirtualTime()
    throttle = throttle_of(time)
    throttle.resize(0.5)
    assert [throttle.limit(use) for use in Use] == [3.5, 3.5, 3.5, 5.0]
    throttle.resize(0.1)
    assert [throttle.limit(use) for use in Use] == [3.0, 3.0, 3.0, 3.0]
    await throttle.acquire(3.0)
    assert time.now == 0


async def test_what_is_given_back_can_be_taken_at_once() -> None:
    time = VirtualTime()
    throttle = throttle_of(time)
    await throttle.acquire(2.0)
    await throttle.acquire(5.0)
    throttle.give_back(5.0)
    await throttle.acquire(5.0)
    assert time.now == 0, "the budget of ordinary calls is seven"
    throttle.give_back(1.0)
    late = asyncio.create_task(throttle.acquire(1.0))
    await time.run(late)
    assert time.now == WINDOW, "nothing was taken at this cost, so that nothing came back"
