"""Trades that lists told too late, or that nobody asked for, are read in the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from execution.core.types import Trade, VenueStatus
from execution.engine.all_trades import MOST
from execution.engine.ended_fills import EndedFills
from execution.models import ChildOrder
from execution.services.children.children import child_report
from execution.services.children.fills import fill_record
from execution.venues.protocol import Listing
from tests.engine.test_missing_fills import CountingVenue, Session, fill, resting, told
from tests.engine.test_symbols import BTC, ETH
from tests.factories import NOW, D, Rows

SECOND = timedelta(seconds=1)
OPEN = VenueStatus.OPEN


@dataclass
class Windowed(CountingVenue):
    """An exchange that lists trades from the moment on that it is asked for. All of them are dear."""

    dear: float = 0.1
    windows: list[datetime] = field(default_factory=list)

    def seconds_of(self, kind: Literal["balances", "find", "trades"]) -> float:
        return self.dear if kind == "trades" else 0.1

    def seconds_of_trades(self, symbols: int, count: int) -> float:
        return MOST + 1

    async def trades(self, symbol: str | None, since: datetime) -> Listing[Trade]:
        self.windows.append(since)
        return Listing(one for one in await super().trades(symbol, since) if one.at >= since)


def test_a_list_that_leaves_a_stretch_out_does_not_count_as_read(virtual: Rows) -> None:
    """The trades of a newer child were read alone. From then on those of an older one were asked for from too late."""
    old, new = resting(virtual), resting(virtual, 2)
    venue = Windowed(orders=[told(old, OPEN, "0"), told(new, OPEN, "0")])
    desk = Session(virtual, venue, (BTC,))
    fills = desk.reconciler.missing_fills
    ended = EndedFills(desk.loop.desk.parts, venue, fills, account_pk=virtual.account.pk, fence=1)
    desk.loop.run(lambda: asyncio.sleep(60))
    venue.listed = [
        replace(fill(old, "1", "0.04"), at=NOW + 10 * SECOND),
        replace(fill(new, "2", "0.05"), at=NOW + 62 * SECOND),
    ]
    child_report(account_pk=old.account_id, report=told(old, OPEN, "0.04"), now=NOW + 10 * SECOND)
    ChildOrder.objects.filter(pk=new.pk).update(intended_at=NOW + 59 * SECOND)
    report = told(new, VenueStatus.CANCELLED, "0.05")
    child_report(account_pk=new.account_id, report=report, now=NOW + 62 * SECOND)
    venue.orders = [told(old, OPEN, "0.04")]
    desk.loop.run(ended.look)
    new.refresh_from_db()
    assert new.is_settled
    desk.poll(10)
    old.refresh_from_db()
    assert old.filled == D("0.04")


def test_a_child_waits_for_the_stream_once_however_often_other_symbols_are_polled(virtual: Rows) -> None:
    quiet, busy = resting(virtual), resting(virtual, 2, ETH)
    venue = Windowed(orders=[told(quiet, OPEN, "0"), told(busy, OPEN, "0")], question="account", dear=2.0)
    desk = Session(virtual, venue)
    whole = str(quiet.quantity)
    report = told(quiet, VenueStatus.FILLED, whole)
    child_report(account_pk=quiet.account_id, report=report, now=NOW)
    venue.orders, venue.listed = [told(busy, OPEN, "0")], [fill(quiet, "1", whole)]

    async def busy_market() -> None:
        run = asyncio.create_task(desk.reconciler.run())
        done, record = Decimal(0), desk.loop.desk.parts.database.run
        for number in range(60):
            await asyncio.sleep(1)
            done += Decimal("0.0001")
            trade = fill(busy, f"e{number}", "0.0001")
            now = desk.loop.clock.now()
            await record(fill_record, account_pk=busy.account_id, trade=trade, now=now)
            venue.orders = [told(busy, OPEN, str(done))]
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)

    desk.loop.run(busy_market)
    quiet.refresh_from_db()
    assert quiet.filled == quiet.quantity
