"""News of a trader's own orders: what others and the desk did to them, each once, and nothing of their own doing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from execution.core.orders.view import ChangeStatus
from execution.core.states import OrderEvent, OrderStatus
from execution.models import Order, User
from execution.payloads.order_news import OrderNews
from execution.selectors.halts import HALTED
from execution.selectors.order_news import MAX_EVENTS, OwnOrders
from execution.services.orders.orders import order_cancel, order_pause
from execution.services.records.journal import alert
from execution.services.records.order_transition import order_transition, pause_for_person
from tests.dashboard.desk_fixture import Desk


def told(news: OrderNews | None) -> list[tuple[str, str]]:
    assert news is not None
    return [(event["kind"], event["order"]) for event in news["events"]]


def end(order: Order, event: OrderEvent, outcome: OrderStatus) -> None:
    """Close the order and let it end, as its driver does."""
    order.refresh_from_db()
    now = timezone.now()
    order_transition(order, ChangeStatus(OrderEvent.CLOSE, "over", outcome=outcome), now=now)
    order_transition(order, ChangeStatus(event, "over"), now=now)


@pytest.fixture
def own(office: Desk) -> OwnOrders:
    found = OwnOrders()
    found.read(office.trader, timezone.now())
    return found


def read(own: OwnOrders, person: User) -> OrderNews | None:
    return own.read(person, timezone.now())


@pytest.mark.parametrize(
    ("event", "outcome", "kind", "severity"),
    [
        (OrderEvent.COMPLETE, OrderStatus.COMPLETED, "completed", "info"),
        (OrderEvent.EXPIRE, OrderStatus.EXPIRED, "expired", "warning"),
        (OrderEvent.FAIL, OrderStatus.FAILED, "failed", "critical"),
    ],
)
def test_an_end_is_news_once(
    office: Desk, own: OwnOrders, event: OrderEvent, outcome: OrderStatus, kind: str, severity: str
) -> None:
    order = office.order()
    assert read(own, office.trader) is None, "a launch is the trader's own doing"
    end(order, event, outcome)
    news = read(own, office.trader)
    assert told(news) == [(kind, order.public_id)]
    assert news is not None
    (found,) = news["events"]
    assert found["severity"] == severity
    assert found["text"].startswith("BUY 2.5 BTC/USDT")
    assert ("0 % filled" in found["text"]) is (kind != "completed")
    assert read(own, office.trader) is None
    assert own.news["events"] == news["events"]


def test_what_others_and_the_desk_do_is_news_and_ones_own_acts_are_not(office: Desk, own: OwnOrders) -> None:
    orders = [office.order(key=f"key-{number}", quantity=f"0.{number + 1}") for number in range(5)]
    now = timezone.now()
    order_pause(public_id=orders[0].public_id, person=office.trader, reason="", now=now)
    order_cancel(public_id=orders[0].public_id, person=office.trader, reason="", now=now)
    assert read(own, office.trader) is None
    order_pause(public_id=orders[1].public_id, person=office.supervisor, reason="look at it", now=now)
    order_cancel(public_id=orders[2].public_id, person=office.supervisor, reason="a drill", now=now)
    for order, reason in ((orders[3], "no quote"), (orders[4], f"{HALTED}: a drill, by supervisor")):
        order.refresh_from_db()
        pause_for_person(order, reason=reason, now=now)
    alert(order=orders[4], text="more filled than asked", at=now)
    news = read(own, office.trader)
    assert sorted(told(news)) == sorted(
        zip(
            ("paused", "cancelled", "paused", "halted", "attention"),
            [order.public_id for order in (*orders[1:], orders[4])],
            strict=True,
        )
    )
    assert news is not None
    by_kind = {(event["order"], event["kind"]): event for event in news["events"]}
    assert "look at it" in by_kind[orders[1].public_id, "paused"]["text"]
    assert not by_kind[orders[1].public_id, "paused"]["is_alerted"], "nobody waits for the trader"
    assert by_kind[orders[3].public_id, "paused"]["is_alerted"]
    assert read(OwnOrders(), office.other) is None or not OwnOrders().news["events"]


def test_a_trader_hears_of_their_own_orders_only(office: Desk) -> None:
    order = office.order()
    end(order, OrderEvent.COMPLETE, OrderStatus.COMPLETED)
    assert told(OwnOrders().read(office.trader, timezone.now())) == [("completed", order.public_id)]
    for person in (office.other, office.supervisor):
        news = OwnOrders()
        news.read(person, timezone.now())
        assert news.news["events"] == []


def test_a_fill_moves_the_time_of_the_newest_fill(office: Desk, own: OwnOrders) -> None:
    order = office.order()
    read(own, office.trader)
    office.fill(order, 1)
    first = read(own, office.trader)
    assert first is not None
    assert (first["events"], first["filled_at"] is not None) == ([], True)
    office.fill(order, 2)
    second = read(own, office.trader)
    assert second is not None
    assert (second["filled_at"] or 0) > (first["filled_at"] or 0)


def test_old_events_are_left_out_and_the_newest_are_kept(office: Desk) -> None:
    order = office.order()
    end(order, OrderEvent.COMPLETE, OrderStatus.COMPLETED)
    late = OwnOrders()
    late.read(office.trader, timezone.now() + timedelta(hours=13))
    assert late.news["events"] == []
    for number in range(MAX_EVENTS + 3):
        alert(order=order, text=f"number {number}", at=timezone.now())
    own = OwnOrders()
    own.read(office.trader, timezone.now())
    texts = [event["text"] for event in own.news["events"]]
    assert len(texts) == MAX_EVENTS
    assert texts[0].endswith(f"number {MAX_EVENTS + 2}")


def test_without_a_change_one_statement_is_read(
    office: Desk, own: OwnOrders, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    office.order()
    read(own, office.trader)
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert read(own, office.trader) is None
