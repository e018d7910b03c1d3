"""Forty symbols on one account go on trading while requests fail and the stream is cut."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from execution.models import Account
from tests.engine.desk import LoopDesk
from tests.engine.test_symbols import Venue, cleared, in_doubt, reconciler_of
from tests.factories import Rows


@pytest.fixture
def times() -> Iterator[list[float]]:
    found: list[float] = []
    yield found
    if found:
        print(f"longest doubt {max(found):.2f} s, mean {sum(found) / len(found):.2f} s of {len(found)}")


def test_forty_symbols_with_failing_requests_and_a_stream_that_is_cut_are_cleared_within_seconds(
    virtual: Rows, times: list[float]
) -> None:
    """Two per cent of the requests fail and the stream is cut every 20 s, for ten minutes."""
    Account.objects.update(reconciled_fence=None)
    symbols = [f"A{number:02}/USDT" for number in range(40)]
    loop = LoopDesk(virtual, Venue(share=0.02, travel=0.1))
    reconciler = reconciler_of(loop, *symbols)
    virtual.working()

    async def cuts() -> None:
        task = asyncio.create_task(reconciler.run())
        for _ in range(30):
            doubted = loop.loop.time()
            reconciler.stream_is_healthy = False
            in_doubt(loop, reconciler)
            reconciler._first_symbols = frozenset(symbols)  # each has an order
            reconciler.poke()
            await asyncio.sleep(1.0)
            reconciler.stream_is_healthy = True
            reconciler.catch_up(loop.clock.now())
            while len(cleared(*symbols)) < len(symbols):
                await asyncio.sleep(0.1)
                assert loop.loop.time() - doubted < 6, f"waiting for {set(symbols) - set(cleared(*symbols))}"
            times.append(loop.loop.time() - doubted)
            await asyncio.sleep(doubted + 20 - loop.loop.time())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    loop.run(cuts, 1000)
    assert Account.objects.get().failures == 0
    assert len(times) == 30
