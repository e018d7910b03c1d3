"""A poll finds neither an order that rested nor its end (R3), and an order that had ended open again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from execution.core.guarantees import GUARANTEES
from execution.core.states import ChildStatus
from execution.core.types import CancelConfirmed, CancelOutcome, OrderRef, VenueStatus
from execution.models import ChildOrder, Difference
from execution.services.children.children import child_report
from execution.services.orders.orders import order_cancel
from tests.engine.desk import LoopDesk
from tests.engine.test_missing_fills import CountingVenue, Session, fill, resting, told
from tests.engine.test_symbols import reconciler_of, run_for
from tests.factories import NOW, D, Rows, report_of

HOUR = timedelta(hours=1)


def test_an_order_that_the_exchange_forgot_settles_by_its_trades_and_its_parent_ends(virtual: Rows) -> None:
    """After 200 hours of "no such order" it was open, its parent closing, its quantity reserved."""
    child = resting(virtual)
    order_cancel(public_id=child.order.public_id, person=virtual.trader, reason="enough", now=NOW)
    venue = CountingVenue(guarantees=GUARANTEES["okx"])
    loop = LoopDesk(virtual, venue)
    reconciler = reconciler_of(loop, "BTC/USDT")
    loop.run(lambda: run_for(reconciler, 60))
    child.refresh_from_db()
    assert child.status == ChildStatus.UNKNOWN, "it ought to be found for two hours, and is in the inbox"
    loop.run(lambda: run_for(reconciler, 2 * 3600), seconds=9000)
    child.refresh_from_db()
    assert (child.status, child.is_settled, child.filled) == ("cancelled", True, D(0))
    assert virtual.step(child.order, now=NOW + 3 * HOUR).name == "DONE"
    child.order.refresh_from_db()
    assert child.order.status == "cancelled"


def test_fills_of_a_forgotten_order_are_read_before_it_ends(virtual: Rows) -> None:
    child = resting(virtual)
    venue = CountingVenue(guarantees=GUARANTEES["gate"])
    venue.listed = [fill(child, "1", "0.04")]
    loop = LoopDesk(virtual, venue)
    loop.run(lambda: run_for(reconciler_of(loop, "BTC/USDT"), 300))
    child.refresh_from_db()
    assert child.filled == D("0.04")
    assert child.status == ChildStatus.UNKNOWN, "one with fills is kept for thirty days: a person decides"


def test_looking_for_a_forgotten_order_asks_ever_less(virtual: Rows) -> None:
    child = resting(virtual)
    venue = CountingVenue(guarantees=GUARANTEES["binance"])
    loop = LoopDesk(virtual, venue)
    loop.run(lambda: run_for(reconciler_of(loop, "BTC/USDT"), 600))
    finds = [what for what, _ in venue.asked if what == "find"]
    assert 600 / 3.5 < len(finds) < 600 / 2.5
    assert child.order.status == "working"


@pytest.mark.parametrize("status", [VenueStatus.CANCELLED, VenueStatus.EXPIRED])
def test_an_order_that_had_ended_and_is_open_at_the_exchange_is_cancelled_there(
    virtual: Rows, status: VenueStatus
) -> None:
    child = resting(virtual)
    ended = report_of(child, status, "0", exchange_id="X1")
    child_report(account_pk=child.account_id, report=ended, now=NOW)
    cancelled: list[str | None] = []

    class Noted(CountingVenue):
        async def cancel(self, ref: OrderRef) -> CancelOutcome:
            cancelled.append(ref.exchange_id)
            self.orders = []
            return CancelConfirmed(told(child, VenueStatus.CANCELLED, "0"))

    desk = Session(virtual, Noted(orders=[told(child, VenueStatus.OPEN, "0")]))
    assert cancelled == [], "one list may be an older picture"
    desk.poll(2)
    assert cancelled == ["X1"]
    assert Difference.objects.get().evidence["done"] == "cancelled at the venue"
    desk.poll(2)
    assert not Difference.objects.filter(resolved_at=None).exists()
    assert ChildOrder.objects.get().status == status.value
