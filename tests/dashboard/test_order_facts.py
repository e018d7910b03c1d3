"""The data of an order's page beside its rows: replaced plans, and children that a pause waits for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from execution.models import ChildOrder, Order
from execution.selectors.orders import pages
from execution.selectors.orders.blotter import blotter_page
from execution.selectors.orders.order_filter import OrderListFilter
from execution.services.orders.orders import order_cancel, order_pause, order_resume
from tests.dashboard.desk_fixture import Desk


def child(office: Desk, order: Order, sequence: int, *, settled: bool) -> ChildOrder:
    return ChildOrder.objects.create(
        order=order,
        account=office.account,
        sequence=sequence,
        client_id=f"child{sequence}",
        symbol=order.symbol,
        side=order.side,
        type="limit",
        quantity=1,
        time_in_force="gtc",
        purpose="rest",
        why="",
        status="cancelled" if settled else "cancelling",
        is_settled=settled,
        intended_at=timezone.now(),
    )


def test_a_shifted_order_keeps_its_earlier_plan_up_to_the_new_one(office: Desk) -> None:
    order = office.order()
    assert pages.order_snapshot(order.pk)["order"]["earlier_plans"] == []
    before = pages.order_snapshot(order.pk)
    paused_at = timezone.now() + timedelta(minutes=10)
    resumed_at = paused_at + timedelta(minutes=5)
    who = {"public_id": order.public_id, "person": office.trader, "reason": ""}
    order_pause(**who, now=paused_at)
    order_resume(**who, mode="shift", now=resumed_at)
    (plan,) = pages.order_snapshot(order.pk)["order"]["earlier_plans"]
    assert plan["until"] == round(resumed_at.timestamp() * 1000)
    first, last = before["slices"][0], before["slices"][-1]
    assert (plan["line"][0], plan["line"][-1]) == ((first["starts_at"], 0.0), (last["ends_at"], 1.0))
    assert pages.order_delta(order.pk, before)["order"]["earlier_plans"] == [plan]


def test_a_pause_and_a_cancel_count_the_children_that_they_wait_for(office: Desk) -> None:
    order = office.order()
    child(office, order, 1, settled=True)
    waiting = child(office, order, 2, settled=False)
    who = {"public_id": order.public_id, "person": office.trader, "reason": "", "now": timezone.now()}
    order_pause(**who)
    assert pages.order_snapshot(order.pk)["order"]["unsettled"] == 1
    (row,) = blotter_page(person=office.trader, chosen=OrderListFilter())["rows"]
    assert (row["status"], row["unsettled"]) == ("paused", 1)
    order_cancel(**who)
    assert blotter_page(person=office.trader, chosen=OrderListFilter())["rows"][0]["unsettled"] == 1
    ChildOrder.objects.filter(pk=waiting.pk).update(is_settled=True)
    assert pages.order_snapshot(order.pk)["order"]["unsettled"] == 0


@pytest.mark.parametrize(
    ("algorithm", "slices", "volume"),
    [
        ("twap", True, True),
        ("vwap", True, True),
        ("is", True, True),
        ("pov", False, True),
        ("iceberg", False, True),
        ("sor", False, False),
    ],
)
def test_the_page_shows_only_what_means_something_for_the_algorithm(
    office: Desk, algorithm: str, slices: bool, volume: bool
) -> None:
    order = office.order()
    Order.objects.filter(pk=order.pk).update(algorithm=algorithm)
    response = office.client(office.trader).get(f"/orders/{order.public_id}/")
    page = response.content.decode()
    assert ('id="tab-slices"' in page) == slices
    assert ("against the schedule" in page) == slices
    assert ('id="chart-volume"' in page) == volume
    assert ('id="chart-split"' in page) == (algorithm == "sor")
    assert ('id="chart-visible"' in page) == (algorithm == "iceberg")
    assert response.context["form"]["shows"] == {"schedule": slices, "market": volume, "pace": volume}


def test_a_cancel_that_comes_after_the_end_says_so(office: Desk) -> None:
    order = office.order()
    Order.objects.filter(pk=order.pk).update(status="completed", ended_at=timezone.now())
    path, client = f"/orders/{order.public_id}/cancel/", office.client(office.trader)
    given = client.post(path, {"reason": ""}, headers={"HX-Request": "true"})
    words = "The order is completed already. Nothing was left to cancel."
    assert (given.status_code, given.content.decode()) == (422, words)
    assert client.post(path, {"reason": ""}).status_code == 302, "a browser without scripts sees the order"
