"""The trades of children that are over: read soon after the end was told, apart from the polls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pytest

from execution.core.types import Trade, VenueStatus
from execution.engine.ended_fills import LISTED_AFTER, UNTOLD, EndedFills
from execution.models import ChildOrder
from execution.selectors.decisions.sessions import unsettled_children
from execution.services.children.children import child_report
from execution.venues.protocol import Listing
from tests.engine.desk import LoopDesk
from tests.engine.test_missing_fills import CountingVenue, Session, fill, resting, told
from tests.engine.test_symbols import ETH
from tests.factories import NOW, Rows

FILLED = VenueStatus.FILLED


@dataclass
class LateLists(CountingVenue):
    """An exchange that lists trades at a second of the loop's time; a question takes ``cost`` seconds of its limit."""

    listed_at: float = 0.0
    cost: float = 0.0

    async def trades(self, symbol: str | None, since: datetime) -> Listing[Trade]:
        found = await super().trades(symbol, since)
        return found if asyncio.get_running_loop().time() >= self.listed_at else Listing()

    def seconds_of(self, kind: str) -> float:
        return self.cost


def end(child: ChildOrder, now: datetime) -> None:
    child_report(account_pk=child.account_id, report=told(child, FILLED, str(child.quantity)), now=now)


def settled_after(
    rows: Rows, venue: LateLists, children: Sequence[ChildOrder], *, listed: float, poked: bool = True
) -> float:
    """Return when all children were settled that end now, in seconds; their trades are listed after ``listed``."""
    loop = LoopDesk(rows, venue)
    session = Session(rows, venue, ())
    fills = EndedFills(
        loop.desk.parts, venue, session.reconciler.missing_fills, account_pk=rows.account.pk, fence=1
    )
    venue.asked.clear()
    venue.listed = [fill(child, f"T{child.pk}", str(child.quantity)) for child in children]

    async def work() -> float:
        task = asyncio.create_task(fills.run())
        await asyncio.sleep(0.01)
        begun = asyncio.get_running_loop().time()
        venue.listed_at = begun + listed
        for child in children:
            end(child, loop.clock.now())
        if poked:
            fills.poke()
        for _ in range(1000):
            if not ChildOrder.objects.filter(is_settled=False).exists():
                break
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return asyncio.get_running_loop().time() - begun

    return loop.run(work, seconds=60)


@pytest.mark.parametrize(("listed", "within"), [(0.1, 0.5), (0.5, 1.5), (5.0, 8.5)])
def test_trades_are_read_soon_after_they_are_listed(virtual: Rows, listed: float, within: float) -> None:
    venue = LateLists(question="account")
    children = [resting(virtual), resting(virtual, 2, ETH)]
    assert settled_after(virtual, venue, children, listed=listed) <= within
    assert {what for what, _ in venue.asked} == {"trades"}, "no list of orders is read for them"
    assert len(venue.asked) <= 2 + listed, "later and later"


def test_an_end_that_the_stream_did_not_tell_is_seen_without_news(virtual: Rows) -> None:
    venue = LateLists(question="account")
    after = settled_after(virtual, venue, [resting(virtual)], listed=0.0, poked=False)
    assert after <= UNTOLD + LISTED_AFTER


def test_questions_take_no_more_than_a_fifth_of_the_limit(virtual: Rows) -> None:
    venue = LateLists(question="account", cost=0.5)
    after = settled_after(virtual, venue, [resting(virtual)], listed=25.0)
    assert len(venue.asked) <= after / (0.5 / 0.2) + 1


def test_where_they_are_dear_the_polls_read_them(virtual: Rows) -> None:
    venue = LateLists(cost=2.0)
    session = Session(virtual, venue, ())
    desk = LoopDesk(virtual, venue)
    fills = EndedFills(
        desk.desk.parts, venue, session.reconciler.missing_fills, account_pk=virtual.account.pk, fence=1
    )
    desk.run(fills.run, seconds=1)
    child = resting(virtual)
    end(child, NOW)
    (seen,) = unsettled_children(virtual.account.pk)
    assert session.reconciler._wants_poll(seen)
    venue.cost = 0.1
    assert not session.reconciler._wants_poll(seen)


def test_trades_that_cannot_be_read_are_asked_for_again(virtual: Rows) -> None:
    venue = LateLists(question="account", failing_until={"all": 4.0})
    assert settled_after(virtual, venue, [resting(virtual)], listed=0.0) <= 8.0
