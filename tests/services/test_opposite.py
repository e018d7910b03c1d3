"""Two orders of the desk on one account: of two children that would meet only one is sent, and who decides knows."""

from __future__ import annotations

from decimal import Decimal

import pytest

from execution.core.orders.view import Opposing
from execution.core.states import ChildStatus
from execution.core.types import NotSent, Side
from execution.models import ChildOrder
from execution.selectors.decisions.resting import MAYBE_ON_BOOK, desk_resting
from execution.services.children.children import child_outcome
from tests.factories import NOW, SYMBOL, D, Rows
from tests.invariants import check_order

BUY_AT = D("59999.60")


@pytest.fixture
def buy(rows: Rows) -> ChildOrder:
    """Return a buy that rests at 59,999.60, or is on its way there."""
    child = rows.resting(key="buy")
    ChildOrder.objects.filter(pk=child.pk).update(price=BUY_AT)
    child.refresh_from_db()
    return child


def decided_sell(rows: Rows, price: Decimal) -> ChildOrder:
    """Return a sell of another order that is written, and not sent."""
    child = rows.resting(key="sell", side="sell", submitted=False)
    ChildOrder.objects.filter(pk=child.pk).update(price=price)
    child.refresh_from_db()
    return child


@pytest.mark.parametrize("status", MAYBE_ON_BOOK)
def test_a_child_that_would_meet_one_that_may_be_on_the_book_is_dropped_with_the_reason(
    rows: Rows, buy: ChildOrder, status: ChildStatus
) -> None:
    ChildOrder.objects.filter(pk=buy.pk).update(status=status)
    sell = decided_sell(rows, BUY_AT)
    assert rows.submit_child(sell) is None
    sell.refresh_from_db()
    verb = "may rest" if status in {ChildStatus.SUBMITTED, ChildStatus.UNKNOWN} else "rests"
    assert sell.status == ChildStatus.CANCELLED
    assert (
        sell.reason
        == f"not sent: order {buy.order.public_id} {verb} a buy at 59,999.6 on {rows.account.label}"
    )
    check_order(sell.order)


def test_a_tick_behind_it_is_sent(rows: Rows, buy: ChildOrder) -> None:
    assert rows.submit_child(decided_sell(rows, buy.price + D("0.01"))) is not None  # type: ignore[operator]


@pytest.mark.parametrize(
    "facts", [{"is_settled": True, "status": ChildStatus.CANCELLED}, {"status": ChildStatus.FILLED}]
)
def test_what_is_over_is_in_nobodys_way(rows: Rows, buy: ChildOrder, facts: dict[str, object]) -> None:
    ChildOrder.objects.filter(pk=buy.pk).update(**facts)
    assert rows.submit_child(decided_sell(rows, BUY_AT)) is not None


def test_of_two_that_were_decided_at_the_same_instant_one_is_sent(rows: Rows) -> None:
    buy = rows.resting(key="buy", submitted=False)
    sell = decided_sell(rows, BUY_AT)
    ChildOrder.objects.filter(pk=buy.pk).update(price=BUY_AT)
    sent = rows.submit_child(sell)
    assert sent is not None
    assert rows.submit_child(buy) is None
    buy.refresh_from_db()
    assert buy.reason == f"not sent: order {sell.order.public_id} may rest a sell at 59,999.6 on alpha"
    child_outcome(child_pk=sell.pk, outcome=NotSent("refused"), now=NOW, fence=sent.fence)
    later = decided_sell_of(rows, "later")
    assert rows.submit_child(later) is not None, "what certainly did not arrive is in nobody's way"


def decided_sell_of(rows: Rows, key: str) -> ChildOrder:
    return rows.resting(key=key, submitted=False)


def test_other_accounts_and_symbols_are_in_nobodys_way(rows: Rows, buy: ChildOrder) -> None:
    sell = decided_sell(rows, BUY_AT)
    ChildOrder.objects.filter(pk=buy.pk).update(account=rows.beside())
    assert rows.submit_child(sell) is not None


def test_who_decides_reads_the_best_of_the_other_side_by_account(rows: Rows, buy: ChildOrder) -> None:
    behind = rows.resting(key="behind")
    ChildOrder.objects.filter(pk=behind.pk).update(price=BUY_AT - 1, status=ChildStatus.OPEN)
    seen = desk_resting(venue_pk=rows.venue.pk, symbol=SYMBOL, side=Side.SELL)
    assert seen.opposing == {rows.account.pk: Opposing(buy.order.public_id, Side.BUY, BUY_AT, is_shown=False)}
    assert seen.total == {}
    own = desk_resting(venue_pk=rows.venue.pk, symbol=SYMBOL, side=Side.BUY)
    assert own.opposing == {}
    assert set(own.total) == {BUY_AT - 1}, "what is not known to rest is no part of the book"
