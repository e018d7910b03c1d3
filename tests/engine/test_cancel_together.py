"""Many cancels in one request: only where nothing else is open, and each child's end is told all the same."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Literal

import pytest

from execution.core.states import ChildStatus
from execution.core.types import CancelFailed, OrderReport, VenueStatus
from execution.engine.order_submitter import OrderSubmitter
from execution.models import Account, ChildOrder
from tests.engine.desk import LoopDesk, ScriptedExchange
from tests.factories import NOW, SYMBOL, D, Rows


@pytest.fixture
def loop(virtual: Rows) -> LoopDesk:
    Account.objects.update(is_exclusive=True)
    loop = LoopDesk(virtual)
    loop.desk.exchange.cancels_all = "symbol"
    return loop


def open_children(loop: LoopDesk, count: int, *, cancelled: int) -> list[ChildOrder]:
    """Return children on the book, of which the first ``cancelled`` are to be cancelled."""
    children = [loop.desk.rows.resting(key=f"order {number}") for number in range(count)]
    for number, child in enumerate(children):
        is_cancelled = number < cancelled
        ChildOrder.objects.filter(pk=child.pk).update(
            exchange_id=f"X{number}",
            status=ChildStatus.CANCELLING if is_cancelled else ChildStatus.OPEN,
            cancel_requested_at=NOW if is_cancelled else None,
        )
    return children


def submitter(loop: LoopDesk) -> OrderSubmitter:
    desk = loop.desk
    account, venue = desk.rows.account.pk, desk.rows.venue.pk
    return OrderSubmitter(desk.parts, desk.exchange, account_pk=account, fence=1, venue_pk=venue)


def cancel(loop: LoopDesk) -> ScriptedExchange:
    """Have the session send every cancel that is wanted, and wait for the answers."""
    sender = submitter(loop)

    async def round_and_answers() -> None:
        await sender._round()
        await sender.finish()

    loop.run(round_and_answers)
    return loop.desk.exchange


def request_cancel(child: ChildOrder) -> None:
    ChildOrder.objects.filter(pk=child.pk).update(status=ChildStatus.CANCELLING, cancel_requested_at=NOW)


def ended(number: int, filled: str = "0") -> OrderReport:
    return OrderReport(SYMBOL, None, f"X{number}", VenueStatus.CANCELLED, D(filled))


def statuses() -> list[str]:
    return list(ChildOrder.objects.order_by("pk").values_list("status", flat=True))


def test_the_answer_tells_each_end(loop: LoopDesk) -> None:
    children = open_children(loop, 4, cancelled=4)
    loop.desk.exchange.cancel_all_answer = {f"X{number}": ended(number, "0.001") for number in range(4)}
    assert cancel(loop).cancelled_all == [SYMBOL]
    assert statuses() == [ChildStatus.CANCELLED] * 4
    for child in children:
        child.refresh_from_db()
        assert (child.reported_filled, child.is_settled) == (D("0.001"), False), "its trade is to come"


def test_what_the_answer_leaves_out_is_asked_for(loop: LoopDesk) -> None:
    """Kraken's answer counts the orders, and names none."""
    open_children(loop, 3, cancelled=3)
    loop.desk.exchange.cancels_all = "account"
    loop.desk.exchange.found = {"X0": ended(0), "X1": ended(1, "0.002")}
    assert cancel(loop).cancelled_all == [None]
    assert statuses() == [ChildStatus.CANCELLED, ChildStatus.CANCELLED, ChildStatus.CANCELLING]
    assert loop.loop.time() <= 1


def test_after_a_failed_request_each_is_cancelled_by_itself(loop: LoopDesk) -> None:
    open_children(loop, 3, cancelled=3)
    loop.desk.exchange.cancel_all_answer = CancelFailed("503")
    assert cancel(loop).cancelled_all == [SYMBOL]
    assert statuses() == [ChildStatus.CANCELLED] * 3


@pytest.mark.parametrize(
    ("case", "is_together"),
    [
        ("all are to be cancelled", True),
        ("one is to stay", False),
        ("one of another symbol is to stay", True),
        ("one that may be open is to stay", False),
        ("one that may be open is to be cancelled, too", True),
        ("too few", False),
        ("other programs trade on the account", False),
        ("the exchange has no such call", False),
    ],
)
def test_nothing_is_cancelled_that_is_to_stay(loop: LoopDesk, case: str, is_together: bool) -> None:
    children = open_children(loop, 4, cancelled=2 if case == "too few" else 3)
    last = ChildOrder.objects.filter(pk=children[3].pk)
    if case == "all are to be cancelled":
        last.update(status=ChildStatus.CANCELLING, cancel_requested_at=NOW)
    elif case == "one of another symbol is to stay":
        last.update(symbol="ETH/USDT")
    elif case == "one that may be open is to stay":
        last.update(status=ChildStatus.UNKNOWN)
    elif case == "one that may be open is to be cancelled, too":
        last.update(status=ChildStatus.UNKNOWN, cancel_requested_at=NOW)
    elif case == "too few":
        last.update(status=ChildStatus.CANCELLED, is_settled=True)
    elif case != "one is to stay":
        last.update(status=ChildStatus.CANCELLING, cancel_requested_at=NOW)
    if case == "other programs trade on the account":
        Account.objects.update(is_exclusive=False)
    if case == "the exchange has no such call":
        loop.desk.exchange.cancels_all = None
    assert cancel(loop).cancelled_all == ([SYMBOL] if is_together else [])
    assert ChildOrder.objects.filter(exchange_id="X0").get().status == (
        ChildStatus.CANCELLING if is_together else ChildStatus.CANCELLED
    )


def test_the_account_s_call_waits_for_no_symbol(loop: LoopDesk) -> None:
    """It would end the child of another symbol that is to stay."""
    children = open_children(loop, 4, cancelled=3)
    ChildOrder.objects.filter(pk=children[3].pk).update(symbol="ETH/USDT")
    loop.desk.exchange.cancels_all = "account"
    assert cancel(loop).cancelled_all == []


class FewPlaces(ScriptedExchange):
    """A rate limit with one place for cancels and none after it, as kraken's trading counter after a rush."""

    taken = 0

    async def ready(
        self, kind: Literal["create", "cancel"], symbol: str, age: timedelta | None = None
    ) -> None:
        self.taken += 1
        if self.taken > 1:
            await asyncio.get_running_loop().create_future()


def test_cancels_that_wait_for_a_place_go_together_once_nothing_is_to_stay(loop: LoopDesk) -> None:
    """A halt asks for the cancels of one order after the other. The first ones are on their way by then."""
    loop.desk.exchange = exchange = FewPlaces(cancel_all_answer={f"X{n}": ended(n) for n in range(4)})
    exchange.cancels_all = "symbol"
    children = open_children(loop, 4, cancelled=3)
    sender = submitter(loop)

    async def two_rounds() -> None:
        await sender._round()
        await asyncio.sleep(0.1)
        await loop.desk.parts.database.run(request_cancel, child=children[3])
        await sender._round()
        await asyncio.sleep(1)

    loop.run(two_rounds)
    assert (exchange.cancelled_all, exchange.taken) == ([SYMBOL], 3)
    assert statuses() == [ChildStatus.CANCELLED] * 4
    assert not sender._waiting
    assert not sender._under_way
