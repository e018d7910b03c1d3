"""A ticket for what an order left undone: the unfilled quantity with the order's own parameters."""

from __future__ import annotations

from django.utils import timezone

from execution.models import Fill, Order
from execution.services.orders.orders import order_cancel
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.test_presets import fields_of


def test_clone_what_is_left_opens_a_ticket_with_the_unfilled_quantity(office: Desk) -> None:
    order = office.order(quantity="2.5")
    office.fill(order, 1, quantity="1.1")
    order_cancel(public_id=order.public_id, person=office.trader, reason="", now=timezone.now())
    Order.objects.update(status="cancelled")
    response = office.client(office.trader).get(f"/orders/new/?from={order.public_id}&left=1")
    written = response.context["written"]
    assert (written["side"], written["symbol"], written["quantity"], written["unit"]) == (
        "buy",
        "BTC/USDT",
        "1.4",
        "base",
    )
    assert fields_of(response.context)["slices"] == "12"
    assert not response.context["notes"]
    assert Order.objects.count() == 1, "it never sends by itself"


def test_what_is_left_of_a_live_order_is_said_to_be_worked_still(office: Desk) -> None:
    order = office.order()
    office.fill(order, 1, quantity="1.1")
    (note,) = office.client(office.trader).get(f"/orders/new/?from={order.public_id}&left=1").context["notes"]
    assert note.message == (
        "1.4 BTC is left now, but the order is still live. Cancel it first, or both orders will trade."
    )


def test_of_a_filled_order_nothing_is_left(office: Desk) -> None:
    order = office.order()
    office.fill(order, 1, quantity="2.5")
    context = office.client(office.trader).get(f"/orders/new/?from={order.public_id}&left=1").context
    assert context["written"]["quantity"] == ""
    assert "nothing is left" in context["notes"][0].message
    assert Fill.objects.count() == 1
