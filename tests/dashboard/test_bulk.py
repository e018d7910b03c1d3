"""Many orders at once, on the pages and over the API: counted, summed, reviewed, and answered one by one."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from execution.core.states import OrderStatus, order_actions
from execution.models import Balance, Order, OrderTerms
from execution.services.orders.orders import order_pause
from tests.dashboard.api import Program, problem_of
from tests.dashboard.desk_fixture import Desk


def orders_of(office: Desk, *sides: str) -> list[Order]:
    Balance.objects.update(free=Decimal(10**7))
    return [
        office.order(key=f"number {number}", side=side, limit_price="64000")
        for number, side in enumerate(sides)
    ]


def reviewed(office: Desk, person: Any, action: str, *orders: Order, **values: str) -> Any:
    form = {"orders": [order.public_id for order in orders], **values}
    return office.client(person).post(f"/orders/bulk/{action}/review/", form, HTTP_HX_REQUEST="true")


def hidden(page: str) -> list[str]:
    return re.findall(r'name="orders" value="([^"]+)"', page)


# --- the pages -----------------------------------------------------------------------------------


def test_a_review_counts_and_sums_what_the_action_does_and_says_what_not(office: Desk) -> None:
    first, second, third, done = orders_of(office, "buy", "buy", "sell", "sell")
    Order.objects.filter(pk=first.pk).update(filled=Decimal(1))
    Order.objects.filter(pk=done.pk).update(status="completed")
    order_pause(public_id=second.public_id, person=office.trader, reason="", now=timezone.now())
    found = reviewed(office, office.supervisor, "pause", first, second, third, done)
    assert found.context["title"] == "Pause 2 of 4 orders"
    assert [
        (row["symbol"], row["side"], row["orders"], row["quantity"]) for row in found.context["sums"]
    ] == [
        ("BTC/USDT", "buy", 1, "1.5"),
        ("BTC/USDT", "sell", 1, "2.5"),
    ]
    assert found.context["notional"] == [("–", "USDT")], "no price is known: not zero"
    page = found.content.decode()
    assert "1 order is paused already." in page
    assert f"Order {done.public_id} is completed" in page
    assert hidden(page) == [f"{first.public_id}.1", f"{third.public_id}.1"]
    assert set(Order.objects.values_list("status", flat=True)) == {"scheduled", "paused", "completed"}


def test_open_notional_is_of_the_orders_that_the_action_does(office: Desk) -> None:
    first, second = orders_of(office, "buy", "sell")
    Order.objects.update(arrival_bid=Decimal(64_000), arrival_ask=Decimal(64_002))
    page = reviewed(office, office.trader, "cancel", first, second).content.decode()
    assert '<b class="number">320,005.00</b> USDT' in page
    assert "This cannot be undone" in page


def test_what_was_reviewed_is_sent_and_answered_and_sent_twice_is_once(office: Desk) -> None:
    orders = orders_of(office, "buy", "sell")
    page = reviewed(office, office.trader, "extend", *orders, by="45m").content.decode()
    form = {"orders": hidden(page), "by": "45m", "reason": "more time"}
    client = office.client(office.trader)
    before = [order.terms.end_at for order in orders if order.terms]
    for words in ("2 orders extended", "2 orders are extended already"):
        answer = client.post("/orders/bulk/extend/", form, HTTP_HX_REQUEST="true")
        assert words in answer.content.decode()
        assert 'data-bulk-done="complete"' in answer.content.decode()
    ends = list(OrderTerms.objects.filter(version=2).order_by("order").values_list("end_at", flat=True))
    assert ends == [end + timedelta(minutes=45) for end in before]
    assert OrderTerms.objects.count() == 4


@pytest.mark.parametrize(
    ("action", "values", "words"),
    [
        ("extend", {"by": "soon"}, "The extension is"),
        ("extend", {"by": "-5"}, "The extension is"),
        ("extend", {"by": "0"}, "It must be above 0"),
        ("resume", {"mode": "later"}, "It must be catch_up or shift"),
        ("resume", {}, "catch up or shift"),
        ("urgency", {"urgency": "1.2"}, "It must be from 0 to 1"),
        ("urgency", {"urgency": "NaN"}, "Urgency is"),
    ],
)
def test_what_cannot_be_read_is_said_in_the_review_and_changes_nothing(
    office: Desk, action: str, values: dict[str, str], words: str
) -> None:
    (order,) = orders_of(office, "buy")
    found = reviewed(office, office.trader, action, order, **values)
    assert words in found.content.decode()
    assert "disabled" in found.content.decode()
    sent = office.client(office.trader).post(
        f"/orders/bulk/{action}/", {"orders": f"{order.public_id}.1", **values}
    )
    assert (sent.status_code, OrderTerms.objects.count()) == (422, 1)
    assert words in sent.content.decode()


def test_there_is_no_other_action(office: Desk) -> None:
    client = office.client(office.trader)
    assert client.post("/orders/bulk/delete/", {"orders": "a"}).status_code == 404
    assert client.post("/orders/bulk/amend/review/", {"orders": "a"}).status_code == 404


def test_rows_say_what_their_state_allows() -> None:
    allowed = {status: order_actions(status, "") for status in OrderStatus}
    assert allowed[OrderStatus.WORKING] == ("pause", "amend", "cancel")
    assert allowed[OrderStatus.PAUSED] == ("resume", "amend", "cancel")
    assert allowed[OrderStatus.PENDING_APPROVAL] == ("cancel",)
    assert order_actions(OrderStatus.CLOSING, "expired") == ("cancel",)
    assert order_actions(OrderStatus.CLOSING, "cancelled") == ()
    assert {allowed[status] for status in OrderStatus if status in {"completed", "failed", "rejected"}} == {
        ()
    }


# --- the API -------------------------------------------------------------------------------------


def chosen(*orders: Order, version: int | None = None) -> list[dict[str, Any]]:
    return [{"id": order.public_id} | ({"terms_version": version} if version else {}) for order in orders]


def test_a_program_gets_an_answer_for_each_order(office: Desk) -> None:
    mine = orders_of(office, "buy", "sell")
    theirs = office.order(office.other, key="theirs")
    program = Program(office.trader)
    body = {"orders": [*chosen(mine[0], theirs, mine[1]), {"id": "nothere0"}], "reason": "by a program"}
    found = program.post("/orders/bulk/pause/preview", body).json()
    assert found["counts"] == {"done": 2, "not_found": 2}
    assert [row["status"] for row in found["results"]] == ["scheduled", None, "scheduled", None]
    assert [(row["side"], row["orders"]) for row in found["sums"]] == [("buy", 1), ("sell", 1)]
    assert found["notional"] == {"USDT": None}
    found = program.post("/orders/bulk/pause", body).json()
    assert [(row["outcome"], row["status"]) for row in found["results"]] == [
        ("done", "paused"),
        ("not_found", None),
        ("done", "paused"),
        ("not_found", None),
    ]
    again = program.post("/orders/bulk/pause", body).json()
    assert again["counts"] == {"unchanged": 2, "not_found": 2}
    resumed = program.post("/orders/bulk/resume", {"orders": chosen(*mine), "mode": "shift"}).json()
    assert resumed["counts"] == {"done": 2}


def test_a_program_extends_from_the_terms_that_it_has_seen(office: Desk) -> None:
    orders = orders_of(office, "buy", "sell")
    program = Program(office.trader)
    body: dict[str, Any] = {"orders": chosen(*orders), "by": 600}
    assert "terms_version" in problem_of(program.post("/orders/bulk/extend", body), 422)["detail"]
    preview = program.post("/orders/bulk/extend/preview", body).json()
    assert [row["terms_version"] for row in preview["results"]] == [1, 1]
    body["orders"] = [
        {"id": row["order"], "terms_version": row["terms_version"]} for row in preview["results"]
    ]
    assert program.post("/orders/bulk/extend", body).json()["counts"] == {"done": 2}
    assert program.post("/orders/bulk/extend", body).json()["counts"] == {"unchanged": 2}
    stale = program.post("/orders/bulk/extend", body | {"by": "20m"}).json()
    assert [row["problems"][0]["code"] for row in stale["results"]] == ["terms_changed"] * 2


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("pause", {"orders": []}, "orders"),
        ("pause", {"orders": [{"id": "a"}] * 201}, "orders"),
        ("pause", {"orders": [{"id": "a"}, {"id": "a"}]}, "orders"),
        ("pause", {"orders": ["a"]}, "orders.0"),
        ("pause", {"orders": [{"id": "a"}], "mode": "shift"}, "mode"),
        ("resume", {"orders": [{"id": "a"}]}, "mode"),
        ("urgency", {"orders": [{"id": "a"}], "urgency": "2"}, "urgency"),
        ("extend", {"orders": [{"id": "a", "terms_version": 1}], "by": True}, "by"),
    ],
)
def test_a_body_that_fits_no_order_is_a_problem(
    office: Desk, action: str, body: dict[str, Any], field: str
) -> None:
    problem = problem_of(Program(office.trader).post(f"/orders/bulk/{action}", body), 422)
    assert any(part["field"].startswith(field) for part in problem["problems"]), problem
