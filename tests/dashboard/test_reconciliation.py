"""The inbox of the reconciliation: who sees which rows, and a child that turns unknown while the page is open."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from execution.models import ChildOrder, Difference, Order
from tests.dashboard.desk_fixture import Desk, make_office


@pytest.fixture
def desk(db: None) -> Desk:
    return make_office()


def unknown(desk: Desk, order: Order) -> ChildOrder:
    at = timezone.now() - timedelta(minutes=1)
    return ChildOrder.objects.create(
        order=order,
        account=desk.account,
        sequence=900,
        client_id=f"qtest{order.public_id}00p0",
        symbol=order.symbol,
        side=order.side,
        type="limit",
        price=Decimal(60000),
        quantity=Decimal("0.01"),
        time_in_force="gtc",
        purpose="rest",
        why="a drill",
        status="unknown",
        reason="unknown: the answer was cut off",
        intended_at=at,
        submitted_at=at,
        last_possible_send_at=at,
        evidence={"open_orders": [at.isoformat()]},
    )


def test_a_trader_sees_the_unknown_children_of_their_own_orders_and_cannot_act(desk: Desk) -> None:
    child = unknown(desk, desk.order())
    own = desk.client(desk.trader).get("/reconciliation/").content.decode()
    assert child.client_id in own
    assert "1 of 3" in own
    assert "Mark as absent" not in own
    assert child.client_id not in desk.client(desk.other).get("/reconciliation/").content.decode()
    assert "Mark as absent" in desk.client(desk.supervisor).get("/reconciliation/").content.decode()


def test_foreign_orders_stand_on_the_accounts_page(desk: Desk) -> None:
    now = timezone.now()
    evidence = {"side": "sell", "price": "70000", "quantity": "2", "client_id": "by-hand"}
    Difference.objects.create(
        account=desk.account,
        kind="foreign",
        symbol="BTC/USDT",
        key="77",
        evidence=evidence,
        opened_at=now,
        last_seen_at=now,
    )
    page = desk.client(desk.admin).get(f"/accounts/{desk.account.public_id}/").content.decode()
    assert "by-hand" in page
    assert "70000" in page
    assert "by-hand" not in desk.client(desk.trader).get("/reconciliation/").content.decode()


def test_a_child_that_turns_unknown_loads_the_page_anew_for_its_dialogs(desk: Desk) -> None:
    child = unknown(desk, desk.order())
    client = desk.client(desk.supervisor)
    part = client.get("/reconciliation/", {"shown": ""}, headers={"HX-Request": "true"})
    assert part.headers["HX-Refresh"] == "true"
    part = client.get("/reconciliation/", {"shown": child.client_id}, headers={"HX-Request": "true"})
    assert "HX-Refresh" not in part.headers


def test_a_refusal_says_why_and_changes_nothing(desk: Desk) -> None:
    child = unknown(desk, desk.order())
    asked = {"reason": "gone", "phrase": "absent"}
    answer = desk.client(desk.supervisor).post(f"/reconciliation/{child.client_id}/absent/", asked)
    assert answer.status_code == 422
    assert f"ABSENT {child.client_id}" in answer.content.decode()
    child.refresh_from_db()
    assert child.status == "unknown"


def test_a_child_that_the_exchange_has_shown_is_marked_as_ended_and_not_as_absent(desk: Desk) -> None:
    child = unknown(desk, desk.order())
    ChildOrder.objects.filter(pk=child.pk).update(exchange_id="77")
    client = desk.client(desk.supervisor)
    page = client.get("/reconciliation/").content.decode()
    assert "Mark as ended" in page
    assert "Mark as absent" not in page
    assert "Filled by its trades" in page
    assert "Earliest proof that it ended" in page
    wrong = client.post(f"/reconciliation/{child.client_id}/ended/", {"reason": "gone", "phrase": "ended"})
    assert wrong.status_code == 422
    assert f"ENDED {child.client_id}" in wrong.content.decode()
    asked = {"reason": "its page shows it cancelled", "phrase": f"ENDED {child.client_id}"}
    assert client.post(f"/reconciliation/{child.client_id}/ended/", asked).status_code == 303
    child.refresh_from_db()
    assert (child.status, child.is_settled) == ("cancelled", True)
