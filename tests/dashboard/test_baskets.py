"""Baskets on the pages and over the API: the review of every row, one send, and who sees which."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from execution.core.orders.basket import MAX_ROWS
from execution.core.orders.basket_csv import MAX_CHARACTERS
from execution.core.problem_codes import Code
from execution.models import Balance, Basket, Estimate, Order
from execution.selectors.orders.baskets import baskets_newest
from execution.selectors.orders.blotter import PAGE_SIZE
from execution.services.desk.limits import limit_set, parse_limit_request
from tests.dashboard.api import Program, order_body, problem_of
from tests.dashboard.desk_fixture import Desk

HEADER = "side,symbol,quantity,unit,algorithm,accounts,duration,limit_price"
BUY = "buy,BTC/USDT,0.5,base,twap,alpha,1h,64000"
SELL = "sell,BTC/USDT,0.25,base,twap,alpha,30m,64000"
TEXT = f"{HEADER}\n{BUY}\n{SELL}\n"


@pytest.fixture(autouse=True)
def low_threshold(office: Desk) -> None:
    """Have the trader type again what is above 40,000."""
    office.trader.confirm_above = Decimal(40_000)
    office.trader.save()


def posted(office: Desk, path: str, text: str = TEXT, **fields: str) -> Any:
    form = {"csv": text, "name": "month end", "key": "key-1", **fields}
    return office.client(office.trader).post(f"/baskets/new/{path}", form, HTTP_HX_REQUEST="true")


def reviewed(office: Desk, text: str = TEXT, **fields: str) -> str:
    response = posted(office, "review/", text, **fields)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def sent(office: Desk, text: str = TEXT, **fields: str) -> Basket:
    response = posted(office, "", text, **{"confirm_notional": "48000", **fields})
    assert response.status_code == 200, response.content.decode()
    assert "HX-Redirect" in response.headers, response.content.decode()
    return Basket.objects.get(public_id=response.headers["HX-Redirect"].split("/")[2])


def bound(office: Desk, kind: str, value: str, level: str) -> None:
    request = parse_limit_request({"kind": kind, "scope": "desk", "level": level, "value": value})
    limit_set(person=office.supervisor, request=request, reason="a test", now=timezone.now())


# --- the page ------------------------------------------------------------------------------------


def test_the_review_shows_every_row_and_the_sums(office: Desk) -> None:
    page = reviewed(office)
    for words in (
        "32,000.00",
        "16,000.00",
        "48,000.00",
        "2 orders",
        "Send 2 orders",
        "60 slices",
        "month end",
    ):
        assert words in page, words
    assert page.count("<tbody") == 2
    assert not Order.objects.exists()


def test_every_problem_of_every_row_is_shown_with_value_and_limit(office: Desk) -> None:
    wrong = [
        "buy,BTC/USDT,0.00001,base,twap,alpha,1h,64000",
        "hold,XYZ/USDT,=1+1,base,twap,alpha,1h,64000",
        "sell,NIL/USDT,1,base,nothing,alpha,1h,64000",
        "sell,BTC/USDT,1,base,twap,nowhere,1h,64000",
        "sell,BTC/USDT,1,base,twap,alpha,90d,64000",
        "sell,BTC/USDT,1,base,twap,alpha,1h,64000.123",
        "sell,BTC/USDT,1",
    ]
    page = reviewed(office, "\n".join([HEADER, BUY, *wrong]))
    for words in (
        "7 with a problem",
        "0.0001",
        "Side is &#x27;hold&#x27;. It must be one of buy, sell.",
        "It begins like a formula",
        "There is no algorithm &#x27;nothing&#x27;",
        "Symbol &#x27;NIL/USDT&#x27; is not traded on alpha.",
        "You have no account &#x27;nowhere&#x27;",
        "168:00:00",
        "tick",
        "The row has 3 cells. The header has 8.",
        "correct rows 2 to 8",
    ):
        assert words in page, words
    assert "basket-send" not in page
    assert page.count("a row cannot be read") == 4, "unknown, not zero"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The basket is empty"),
        (HEADER, "The basket has 0 rows"),
        (f"{HEADER.replace(',unit', '')}\n{BUY}", "The column unit is missing. It says base if"),
        (f"{HEADER},colour\n{BUY},red", "There is no column &#x27;colour&#x27;"),
        (f"{HEADER}\n" + f"{BUY}\n" * (MAX_ROWS + 1), "The basket has 101 rows. It may have from 1 to 100."),
        ("x" * (MAX_CHARACTERS + 1), "The basket has 20,001 characters. It may have at most 20,000."),
        (f"{HEADER}\n{BUY}\ufffd", "Save the file as UTF-8"),
    ],
)
def test_a_text_that_is_no_basket_is_refused_as_a_whole(office: Desk, text: str, words: str) -> None:
    page = reviewed(office, text)
    assert words in page
    assert "No row was read. Nothing was created." in page


def test_a_row_that_is_there_twice_is_a_problem_of_the_second(office: Desk) -> None:
    assert "Row 3 is the same as row 1" in reviewed(office, f"{TEXT}{BUY}\n")


def test_one_send_makes_every_order_and_sent_again_it_is_the_same_basket(office: Desk) -> None:
    basket = sent(office)
    orders = Order.objects.order_by("pk")
    assert [(order.side, order.basket_id) for order in orders] == [
        ("buy", basket.public_id),
        ("sell", basket.public_id),
    ]
    assert (basket.name, basket.size, basket.trader) == ("month end", 2, office.trader)
    assert sent(office) == basket
    assert Order.objects.count() == 2
    page = posted(office, "", f"{HEADER}\n{BUY}\n", confirm_notional="32000").content.decode()
    assert "was used for another basket" in page


def test_a_send_without_its_confirmations_asks_for_them_beside_their_fields(office: Desk) -> None:
    bound(office, "order_notional", "20000", "soft")
    page = posted(office, "").content.decode()
    assert "Type the notional again, 48,000.00 USDT" in page
    assert 'name="1.limit_reason_order_notional"' in page
    assert "Give a reason of at most 500 characters." in page
    assert not Order.objects.exists()
    basket = sent(office, **{"1.limit_reason_order_notional": "month end"})
    order = basket.orders.order_by("pk")[0]
    entry = order.journal.get(kind="submitted")
    assert [each["reason"] for each in entry.data["limits_exceeded"]] == ["month end"]


def test_a_look_alike_is_confirmed_in_its_row(office: Desk) -> None:
    office.order(quantity="0.5")
    page = posted(office, "", confirm_notional="48000").content.decode()
    assert "Row 1: Send it a second time" in page
    assert sent(office, **{"1.confirm_lookalike": "yes"}).size == 2


def test_a_basket_above_a_limit_says_which_rows_and_is_not_sent(office: Desk) -> None:
    Balance.objects.update(free=Decimal(10**6))
    bound(office, "open_notional", "40000", "hard")
    page = reviewed(office)
    assert "Rows 1 and 2 together: The open notional with these orders, 48,000.00 USDT, is above" in page
    assert "basket-send" not in page
    page = posted(office, "", confirm_notional="48000").content.decode()
    assert "Rows 1 and 2 together" in page
    assert not Basket.objects.exists()


def test_costs_that_are_simulated_come_by_their_keys(office: Desk) -> None:
    now = timezone.now()
    result = {"cost_bp": "4.20", "standard_error_bp": "0.5", "seeds": 60}
    Estimate.objects.create(key="k1", spec={}, asked_at=now, done_at=now, result=result)
    Estimate.objects.create(key="k2", spec={}, asked_at=now)
    client = office.client(office.trader)
    found = client.post("/baskets/new/costs/", {"key": ["k1", "k2", "k3"]}).json()
    assert found == {"k1": {"text": "+4.2", "title": "± 0.5 bp over 60 markets", "tone": "warn"}}


def test_a_form_without_a_script_is_answered_with_the_page(office: Desk) -> None:
    client = office.client(office.trader)
    form = {"csv": TEXT, "name": "", "key": "key-1"}
    response = client.post("/baskets/new/", form)
    assert response.status_code == 422
    assert "Type the notional again" in response.content.decode()
    response = client.post("/baskets/new/", form | {"confirm_notional": "48,000.00"})
    assert response.status_code == 303
    assert response.headers["Location"] == f"/baskets/{Basket.objects.get().public_id}/"


def test_the_page_of_a_basket_has_its_orders_and_the_list_its_figures(office: Desk) -> None:
    basket = sent(office)
    order = basket.orders.order_by("pk")[0]
    order.arrival_bid, order.arrival_ask = Decimal(63_990), Decimal(64_010)
    order.save()
    office.fill(order, 1, quantity="0.25", price="64064")
    client = office.client(office.trader)
    page = client.get(f"/baskets/{basket.public_id}/")
    data = json.loads(re.findall(r'<script id="basket-data"[^>]*>(.*?)</script>', page.content.decode())[0])
    assert {row["basket"] for row in data["rows"]} == {basket.public_id}
    assert data["basket"]["cost_bp"] == "10"
    assert data["basket"]["filled"]["bought"] == "16016"
    assert Decimal(data["basket"]["filled_share"]) == round(Decimal(16016) / Decimal(48016), 6)
    listed = client.get("/baskets/").content.decode()
    for words in ("month end", "33.4 %", "+10.0", "2 scheduled"):
        assert words in listed, words
    assert client.get(f"/orders/?basket={basket.public_id}").context["total"] == 2
    assert "There is no basket" in client.get("/orders/?basket=nothere0").content.decode()
    assert basket.public_id in client.get(f"/orders/{order.public_id}/").content.decode()


def test_a_trader_sees_own_baskets_alone(office: Desk) -> None:
    basket = sent(office)
    theirs = office.client(office.other)
    assert theirs.get(f"/baskets/{basket.public_id}/").status_code == 404
    assert "No baskets yet" in theirs.get("/baskets/").content.decode()
    assert "There is no basket" in theirs.get(f"/orders/?basket={basket.public_id}").content.decode()
    assert office.client(office.supervisor).get(f"/baskets/{basket.public_id}/").status_code == 200


def test_a_basket_fits_one_page_and_the_list_costs_as_many_queries_for_one_as_for_three(office: Desk) -> None:
    assert MAX_ROWS <= PAGE_SIZE

    def queries() -> int:
        from django.db import connection

        with CaptureQueriesContext(connection) as captured:
            baskets_newest(person=office.trader, now=timezone.now())
        return len(captured)

    sent(office, key="one")
    first = queries()
    Order.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    for key in ("two", "three"):
        sent(office, key=key)
        Order.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert queries() == first


# --- the API -------------------------------------------------------------------------------------


def body_of(office: Desk, *changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    orders = [
        order_body(office, quantity="0.5", confirm_quantity="0.5", limit_price="64000") | each
        for each in changes
    ]
    return {"orders": orders, "confirm_notional": "64000", "name": "by a program", **more}


TWO: tuple[dict[str, Any], ...] = ({}, {"side": "sell"})


def test_a_program_previews_sends_reads_and_stops_a_basket(office: Desk) -> None:
    program = Program(office.trader)
    found = program.post("/baskets/preview", body_of(office, *TWO)).json()
    assert found["problems"] == []
    assert [row["row"] for row in found["rows"]] == [1, 2]
    assert found["notional"] == {
        "currency": "USDT",
        "bought": "32000",
        "sold": "32000",
        "net": "0",
        "gross": "64000",
    }
    answer = program.post("/baskets", body_of(office, *TWO), Idempotency_Key="k")
    assert answer.status_code == 201, answer.content
    basket = answer.json()
    again = program.post("/baskets", body_of(office, *TWO), Idempotency_Key="k")
    assert (again.status_code, again.json()["id"]) == (200, basket["id"])
    problem = problem_of(program.post("/baskets", body_of(office, {}), Idempotency_Key="k"), 409)
    assert problem["code"] == Code.IDEMPOTENCY_KEY_REUSED
    assert [order["side"] for order in program.get(f"/baskets/{basket['id']}").json()["orders"]] == [
        "buy",
        "sell",
    ]
    assert [each["id"] for each in program.get("/baskets").json()["baskets"]] == [basket["id"]]
    assert program.get("/orders", basket=basket["id"]).json()["total"] == 2

    counts = [
        program.post(f"/baskets/{basket['id']}/{path}", body).json()["counts"]
        for path, body in (
            ("pause/preview", {}),
            ("pause", {"reason": "news"}),
            ("resume/preview", {"mode": "shift"}),
            ("resume", {"mode": "catch_up"}),
            ("cancel", None),
        )
    ]
    assert counts == [{"done": 2}] * 5
    assert set(Order.objects.values_list("status", flat=True)) == {"closing"}
    Order.objects.update(status="cancelled")
    assert program.post(f"/baskets/{basket['id']}/cancel", {}).json()["results"] == []
    assert program.get(f"/baskets/{basket['id']}").json()["state"] == "done"


def test_a_program_reads_every_problem_with_its_place(office: Desk) -> None:
    program = Program(office.trader)
    body = body_of(
        office,
        {},
        {"side": "hold", "symbol": ""},
        {"symbol": "XYZ/USDT", "side": "sell"},
        {"side": "hold", "accounts": ["nowhere"]},
        confirm_notional="",
    )
    found = program.post("/baskets/preview", body).json()
    assert [problem["field"] for problem in found["problems"]] == [
        "orders.1.symbol",
        "orders.1.side",
        "orders.2.symbol",
        "orders.3.side",
        "orders.3.accounts",
    ]
    assert [len(row["problems"]) for row in found["rows"]] == [0, 2, 1, 2]
    assert (found["notional"]["bought"], found["notional"]["net"]) == (None, None)
    problem = problem_of(program.post("/baskets", body, Idempotency_Key="k"), 422)
    assert problem["problems"][0]["field"] == "orders.1.symbol"
    assert not Order.objects.exists()


def test_a_program_confirms_the_notional_and_gives_reasons_in_the_first_row(office: Desk) -> None:
    program = Program(office.trader)
    bound(office, "open_notional", "50000", "soft")
    body = body_of(office, *TWO, confirm_notional="")
    found = program.post("/baskets/preview", body).json()
    assert [problem["field"] for problem in found["problems"]] == [
        "orders.0.limit_reason_open_notional",
        "confirm_notional",
    ]
    assert [(each["kind"], each["rows"]) for each in found["limits"]] == [("open_notional", [1, 2])]
    reasons = {"limit_reasons": {"open_notional": "month end"}}
    answer = program.post("/baskets", body_of(office, reasons, {"side": "sell"}), Idempotency_Key="k")
    assert answer.status_code == 201, answer.content


@pytest.mark.parametrize("count", [0, MAX_ROWS + 1])
def test_a_program_s_basket_has_a_bounded_number_of_orders(office: Desk, count: int) -> None:
    order = {
        "symbol": "BTC/USDT",
        "side": "buy",
        "quantity": "1",
        "unit": "base",
        "algorithm": "sor",
        "accounts": ["alpha"],
    }
    answer = Program(office.trader).post("/baskets/preview", {"orders": [order] * count})
    assert problem_of(answer, 422)["code"] == Code.LENGTH_OUT_OF_RANGE
