"""The orders that count as completed on time, as on time except for an untradable rest, and as late."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from execution.core.states import OrderStatus
from execution.models import Order
from execution.verification.late_orders import ON_TIME, Punctuality, has_dust, punctuality, together
from tests.factories import D, Rows

#: Under the minimum of 10 USDT at 60,000, and over it.
DUST, REST = D("0.0001"), D("0.001")


def ended(
    rows: Rows, status: OrderStatus, *, left: Decimal, behind: timedelta | None, outcome: str = ""
) -> Order:
    order = rows.working(key=f"key-{Order.objects.count()}", quantity="0.3")
    assert order.terms is not None
    Order.objects.filter(pk=order.pk).update(
        status=status,
        outcome=outcome,
        filled=order.quantity - left,
        ended_at=None if behind is None else order.terms.end_at + behind,
        arrival_bid=D(60_000),
        arrival_ask=D(60_000),
    )
    order.refresh_from_db()
    return order


@pytest.mark.parametrize(
    ("status", "outcome", "left", "expected"),
    [
        (OrderStatus.EXPIRED, "", DUST, True),
        (OrderStatus.CLOSING, OrderStatus.EXPIRED, DUST, True),
        (OrderStatus.EXPIRED, "", REST, False),
        (OrderStatus.EXPIRED, "", D(0), False),
        (OrderStatus.CLOSING, OrderStatus.CANCELLED, DUST, False),
        (OrderStatus.CANCELLED, "", DUST, False),
        (OrderStatus.FAILED, "", DUST, False),
        (OrderStatus.WORKING, "", DUST, False),
    ],
)
def test_only_what_time_ran_out_for_has_dust(
    rows: Rows, status: OrderStatus, outcome: str, left: Decimal, expected: bool
) -> None:
    order = ended(rows, status, left=left, behind=timedelta(0), outcome=outcome)
    assert has_dust(order) is expected


def test_dust_is_a_number_of_its_own_and_what_has_not_ended_is_late(rows: Rows) -> None:
    soon, late = timedelta(seconds=1), ON_TIME + timedelta(seconds=0.1)
    ended(rows, OrderStatus.COMPLETED, left=D(0), behind=soon)
    ended(rows, OrderStatus.COMPLETED, left=D(0), behind=late)
    ended(rows, OrderStatus.EXPIRED, left=DUST, behind=soon)
    ended(rows, OrderStatus.EXPIRED, left=DUST, behind=late)
    ended(rows, OrderStatus.CLOSING, left=DUST, behind=None, outcome=OrderStatus.EXPIRED)
    ended(rows, OrderStatus.CANCELLED, left=DUST, behind=soon)
    found = punctuality(Order.objects.all())
    assert (found.completed, len(found.dust), len(found.late)) == (1, 1, 4)
    assert found.dust == ["twap of BTC/USDT expired, 0.0001 of 0.3 left"]
    assert "5.1 s after its end" in found.late[0]
    assert together([found.named("seed 7"), Punctuality(2)]).words(8) == (
        "3 of 8 orders completed on time, 1 more but for a rest under the market's minimum"
    )
