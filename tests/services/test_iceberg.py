"""An iceberg in rows: the write refuses what would show too much, whoever decided it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from execution.core.orders.view import REST, Decision, PlaceChild
from execution.core.problems import Refused
from execution.core.states import ChildStatus
from execution.core.types import OrderType, Quote, TimeInForce, VenueStatus
from execution.models import ChildOrder, Order
from execution.services.children.children import child_mark_unknown, child_report
from execution.services.engine.apply_decision import Applied, decision_apply
from execution.services.orders.amend import order_amend
from tests.factories import NOW, D, Rows, report_of
from tests.invariants import check_order

QUOTE = Quote(D("59999.50"), D("60000.50"), D(2), D(2), NOW)
SECOND = timedelta(seconds=1)
ICEBERG: dict[str, Any] = {
    "algorithm": "iceberg",
    "parameters": {"duration": "3m", "visible_quantity": "0.1"},
}


def show(rows: Rows, order: Order, quantity: str) -> Applied:
    """Show a part as if the tactic had decided it."""
    order.refresh_from_db()
    part = PlaceChild(
        account=rows.account.public_id,
        slice_number=1,
        purpose=REST,
        type=OrderType.LIMIT,
        price=D("59999.50"),
        quantity=D(quantity),
        time_in_force=TimeInForce.POST_ONLY,
        why="because",
    )
    return decision_apply(
        order_pk=order.pk,
        worker_pk=rows.worker.pk,
        fence=order.fence,
        version=order.version,
        decision=Decision((part,), NOW + SECOND, "because"),
        quotes={rows.account.public_id: QUOTE},
        now=NOW,
    ).applied


def test_an_iceberg_is_launched_and_shows_its_part(rows: Rows) -> None:
    child = rows.resting(**ICEBERG)
    assert (child.quantity, child.time_in_force) == (D("0.1"), TimeInForce.POST_ONLY)
    assert rows.step(child.order, now=NOW) is Applied.DONE
    assert child.order.children.count() == 1
    check_order(child.order)


@pytest.mark.parametrize("state", ["taken", "open", "unknown"])
def test_a_second_part_beside_one_that_may_live_breaks_an_invariant(rows: Rows, state: str) -> None:
    child = rows.resting(**ICEBERG)
    if state == "open":
        child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.OPEN, "0"), now=NOW)
    if state == "unknown":
        child_mark_unknown(child_pk=child.pk, message="no answer", now=NOW)
        assert ChildOrder.objects.get().status == ChildStatus.UNKNOWN
    assert show(rows, child.order, "0.00001") is Applied.STALE
    child.order.refresh_from_db()
    assert child.order.children.count() == 1
    assert (child.order.status, child.order.needs_person) == ("paused", True)
    assert "I17: 0.10001 could be seen of an iceberg that shows 0.1" in child.order.reason


@pytest.mark.parametrize(("quantity", "applied"), [("0.1", Applied.DONE), ("0.10001", Applied.STALE)])
def test_a_part_is_at_most_the_visible_quantity(rows: Rows, quantity: str, applied: Applied) -> None:
    order = rows.working(**ICEBERG)
    assert show(rows, order, quantity) is applied


def test_after_a_settled_part_the_next_may_be_shown(rows: Rows) -> None:
    child = rows.resting(**ICEBERG)
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.CANCELLED, "0"), now=NOW)
    assert ChildOrder.objects.get().is_settled
    assert show(rows, child.order, "0.1") is Applied.DONE


def test_more_visible_than_the_total_is_refused_before_anything_exists(rows: Rows) -> None:
    with pytest.raises(Refused, match=r"Visible quantity 0\.4 BTC is above the total of 0\.3 BTC"):
        rows.submit(**ICEBERG | {"parameters": {"duration": "3m", "visible_quantity": "0.4"}})
    assert not Order.objects.exists()


def test_an_order_that_started_without_a_quote_arrives_with_its_first_one(rows: Rows) -> None:
    order = rows.working(**ICEBERG)
    Order.objects.update(arrival_bid=None, arrival_ask=None, arrival_at=None)
    assert rows.step(order, now=NOW) is Applied.DONE
    order.refresh_from_db()
    assert (order.arrival_bid, order.children.count()) == (D("59999.50"), 0)
    assert rows.step(order, now=NOW) is Applied.DONE
    assert order.children.count() == 1


def test_an_iceberg_with_less_left_than_it_shows_can_be_amended(rows: Rows) -> None:
    child = rows.resting(**ICEBERG | {"quantity": "0.11"})
    child_report(account_pk=rows.account.pk, report=report_of(child, VenueStatus.FILLED, "0.1"), now=NOW)
    changed = order_amend(
        public_id=child.order.public_id,
        person=rows.trader,
        changes={"limit_price": "60000.00"},
        terms_version=1,
        now=NOW + SECOND,
    )
    assert (changed.plan_version, changed.terms.limit_price if changed.terms else None) == (2, D(60_000))
