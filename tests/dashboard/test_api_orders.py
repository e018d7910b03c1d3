"""Orders over the API: launched once, followed, acted on, and refused with field, value and limit."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from dashboard.api.parsing import parameter_schema, refuse_kinds
from execution.core.orders.terms import ALGORITHMS
from execution.core.problems import Refused
from execution.models import Order, Submission
from execution.services.orders import orders as services
from tests.dashboard.api import Program, order_body, problem_of
from tests.dashboard.desk_fixture import Desk


def fields_of(problem: dict[str, Any]) -> set[str]:
    return {part["field"] for part in problem["problems"]}


def test_the_same_key_is_the_same_order_and_another_body_a_conflict(office: Desk) -> None:
    program = Program(office.trader)
    first = program.launch(order_body(office))
    assert first.status_code == 201, first.content
    again = program.launch(order_body(office, accounts=[office.account.public_id]))
    assert again.status_code == 200
    assert again.json()["id"] == first.json()["id"]
    problem = problem_of(program.launch(order_body(office, quantity="3")), 409)
    assert first.json()["id"] in problem["detail"]
    assert Order.objects.count() == 1


def test_without_a_key_nothing_is_sent(office: Desk) -> None:
    problem = problem_of(Program(office.trader).post("/orders", order_body(office)), 422)
    assert fields_of(problem) == {"Idempotency-Key"}
    problem = problem_of(Program(office.trader).launch(order_body(office), key="k" * 65), 422)
    assert problem["problems"][0]["limit"] == "64"
    assert Order.objects.count() == 0


def test_a_database_that_is_away_is_said_with_when_to_try_again(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError("the connection was lost")

    program = Program(office.trader)
    with monkeypatch.context() as patched:
        patched.setattr(services, "order_submit", away)
        answer = program.launch(order_body(office))
    assert "send it again with the same key" in problem_of(answer, 503)["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    assert program.launch(order_body(office)).status_code == 201


def test_an_order_over_the_api_is_the_order_of_the_ticket(office: Desk) -> None:
    by_page = office.client(office.trader).post("/orders/new/", office.form(client_reference="by a program"))
    assert by_page.status_code == 303
    by_api = Program(office.trader).launch(order_body(office), key="key-2").json()
    one, two = Order.objects.order_by("pk")
    assert two.public_id == by_api["id"]
    for name in ("quantity", "symbol", "side", "algorithm", "client_reference", "market"):
        assert getattr(one, name) == getattr(two, name)
    assert one.terms is not None
    assert two.terms is not None
    assert one.terms.parameters == two.terms.parameters
    assert [part.quantity for part in one.slices.all()] == [part.quantity for part in two.slices.all()]
    # A ticket and a program of the same person share the keys, and what the same request is.
    assert Submission.objects.values("body_hash").count() == 2


@pytest.mark.parametrize("duration", [3600, "3600", "01:00:00", "60m", 3600.0])
def test_a_duration_is_seconds_as_a_number_or_text(office: Desk, duration: Any) -> None:
    body = order_body(office, parameters={"duration": duration, "slices": 12})
    found = Program(office.trader).post("/orders/preview", body).json()
    assert found["problems"] == []
    lasts = datetime.fromisoformat(found["end_at"]) - datetime.fromisoformat(found["start_at"])
    assert lasts.total_seconds() == 3600
    assert len(found["slices"]) == 12


def test_a_preview_of_a_router_says_where_it_would_go_and_why_not(office: Desk) -> None:
    body = order_body(office, algorithm="sor", parameters={"duration": 60}, quantity="0.5")
    found = Program(office.trader).post("/orders/preview", body).json()
    (row,) = found["route"]["accounts"]
    assert (row["label"], row["quantity"], row["trouble"]) == (
        "alpha",
        "0",
        "account alpha has no checked key",
    )
    assert (found["route"]["filled"], found["route"]["net_cash"]) == ("0", None)
    assert found["problems"][0]["message"] == "alpha cannot be routed to: account alpha has no checked key."
    assert Program(office.trader).post("/orders/preview", order_body(office)).json()["route"] is None


def test_a_preview_creates_nothing_and_says_what_would_refuse(office: Desk) -> None:
    found = Program(office.trader).post("/orders/preview", order_body(office, quantity="900")).json()
    assert found["problems"][0]["field"] == "quantity"
    assert "500000" in found["problems"][0]["limit"]
    assert found["quote"] is None
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"quantity": 2.5}, "quantity", 'Write it as a string, "2.5"'),
        ({"quantity": 2}, "quantity", "loses digits"),
        ({"quantity": "-1"}, "quantity", "must be above 0"),
        ({"quantity": "1,5"}, "quantity", "write it with a point instead of the comma: 1.5"),
        ({"quantity": "0,050"}, "quantity", "write 0.050 or 50"),
        ({"quantity": "1,234.50"}, "quantity", "write it without commas: 1234.50"),
        ({"limit_price": "0,125"}, "limit_price", "write 0.125 or 125"),
        ({"quantity": "1_000"}, "quantity", "not a number"),
        ({"quantity": "１０"}, "quantity", "not a number"),
        ({"quantity": "٣"}, "quantity", "not a number"),
        ({"quantity": " 1"}, "quantity", "not a number"),
        ({"quantity": "1e20000000"}, "quantity", "exponent"),
        ({"limit_price": 65200}, "limit_price", "loses digits"),
        ({"side": "hold"}, "side", "buy, sell"),
        ({"algorithm": "magic"}, "algorithm", "twap"),
        ({"symbol": "DOGE/USDT"}, "symbol", "BTC/USDT"),
        ({"accounts": ["nobody"]}, "accounts", "no account"),
        ({"accounts": []}, "accounts", "at least 1"),
        ({"parameters": {"duration": 3600, "slices": True}}, "slices", "type boolean"),
        ({"parameters": {"duration": 3600, "collar_bp": 50.1}}, "collar_bp", "type string"),
        ({"parameters": {"duration": 3600, "collar_bp": "501"}}, "collar_bp", "at most 500"),
        ({"parameters": {"duration": -1}}, "duration", "above"),
        ({"parameters": {}}, "duration", "either a duration or an end"),
        ({"parameters": {"duration": 3600, "colour": "red"}}, "colour", "no parameter"),
        ({"client_reference": "r" * 65}, "client_reference", "at most 64"),
        ({"price": "1"}, "price", "no field"),
    ],
)
def test_bad_input_is_refused_with_field_value_and_limit(
    office: Desk, changes: dict[str, Any], field: str, words: str
) -> None:
    problem = problem_of(Program(office.trader).launch(order_body(office, **changes)), 422)
    assert fields_of(problem) == {field}
    assert words in problem["detail"] or words in problem["problems"][0]["limit"]
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        "{",
        '{"quantity": NaN}',
        '{"quantity": 1e999}',
        '{"symbol": "\\ud800"}',
        '{"symbol": "\\u0000"}',
        "[" * 60_000,
        '{"quantity": ' + "9" * 5000 + "}",
    ],
    ids=["half", "nan", "infinity", "surrogate", "nul", "deep", "digits"],
)
def test_what_is_not_json_is_a_bad_request(office: Desk, body: str) -> None:
    problem_of(Program(office.trader).launch(body), 400)


def test_another_kind_of_body_is_not_supported(office: Desk) -> None:
    program = Program(office.trader)
    response: Any = program.client.post(
        "/api/v1/orders", order_body(office), headers={**program.headers, "Idempotency-Key": "k"}
    )
    assert "application/json" in problem_of(response, 415)["detail"]


def test_a_body_that_is_too_large_is_refused(office: Desk, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    problem_of(Program(office.trader).launch(order_body(office, client_reference="x" * 2000)), 413)


def test_an_order_is_followed_by_its_parts(office: Desk) -> None:
    order = office.order()
    office.fill(order, 1, quantity="0.5", price="64000", more_fees=[["GT", "0.02"], ["BTC", "-0.0001"]])
    office.fill(order, 2, quantity="0.5", price="65000", liquidity="", fee=None, fee_currency="")
    program = Program(office.trader)
    path = f"/orders/{order.public_id}"
    detail = program.get(path).json()
    assert (detail["filled"], detail["average"], detail["quantity"]) == ("1", "64500", "2.5")
    assert datetime.fromisoformat(detail["created_at"]).tzinfo is not None
    slices = program.get(f"{path}/slices").json()["slices"]
    assert [part["number"] for part in slices] == list(range(1, 13))
    first, second = program.get(f"{path}/fills").json()["fills"]
    assert (first["price"], first["liquidity"], first["fee"]) == ("64000", "maker", "1")
    assert first["more_fees"] == [
        {"currency": "GT", "amount": "0.02"},
        {"currency": "BTC", "amount": "-0.0001"},
    ]
    assert second["more_fees"] == []
    assert (second["liquidity"], second["fee"], second["fee_currency"]) == (None, None, None)
    journal = program.get(f"{path}/journal").json()["journal"]
    assert [entry["version"] for entry in journal] == list(range(1, len(journal) + 1))
    assert journal[0]["actor"] == "trader:trader"
    assert program.get(f"{path}/children").json() == {"children": []}


def test_a_report_knows_what_is_known_and_nothing_else(office: Desk) -> None:
    order = office.order()
    program = Program(office.trader)
    empty = program.get(f"/orders/{order.public_id}/report").json()
    for name in ("average", "cost_bp", "fees_bp", "maker_share", "market_vwap", "participation"):
        assert empty[name] is None, name
    office.samples(order.created_at, 3)
    office.fill(order, 1, quantity="0.15", price="64564.5", fee_in_quote=None)
    found = program.get(f"/orders/{order.public_id}/report").json()
    assert (found["average"], found["filled"], found["fills"]) == ("64564.5", "0.15", 1)
    assert (found["market_vwap"], found["vwap_cost_bp"]) == ("64500", "10")
    assert found["fees_bp"] is None
    assert found["arrival_mid"] is None  # there was no quote


def test_pause_resume_and_cancel_are_the_services(office: Desk) -> None:
    order = office.order()
    program = Program(office.trader)
    path = f"/orders/{order.public_id}"
    paused = program.post(f"{path}/pause", {"reason": "news"})
    assert (paused.status_code, paused.json()["status"], paused.json()["reason"]) == (200, "paused", "news")
    assert fields_of(problem_of(program.post(f"{path}/resume", {}), 422)) == {"mode"}
    problem = problem_of(program.post(f"{path}/resume", {"mode": "hurry"}), 422)
    assert "catch_up" in problem["problems"][0]["limit"]
    assert program.post(f"{path}/resume", {"mode": "catch_up"}).json()["status"] == "working"
    assert program.post(f"{path}/cancel").json()["status"] == "closing"
    assert program.post(f"{path}/cancel", {"reason": "again"}).status_code == 200
    problem = problem_of(program.post(f"{path}/pause", {}), 422)
    assert "cannot pause" in problem["detail"]


def test_the_list_pages_and_filters_and_refuses_what_it_does_not_know(office: Desk) -> None:
    order = office.order()
    program = Program(office.trader)
    found = program.get("/orders").json()
    assert ([row["id"] for row in found["orders"]], found["total"], found["pages"]) == (
        [order.public_id],
        1,
        1,
    )
    assert program.get("/orders", state="final").json()["orders"] == []
    assert fields_of(problem_of(program.get("/orders", state="odd"), 422)) == {"state"}
    assert fields_of(problem_of(program.get("/orders", page="0"), 422)) == {"page"}
    assert fields_of(problem_of(program.get("/orders", simbol="BTC/USDT"), 422)) == {"simbol"}
    for name, value in (("side", "buy"), ("symbol", "BTC/USDT"), ("account", "alpha"), ("algorithm", "twap")):
        assert program.get("/orders", **{name: value}).json()["total"] == 1
    assert program.get("/orders", side="sell").json()["orders"] == []
    assert fields_of(problem_of(program.get("/orders", trader="trader"), 422)) == {"trader"}
    assert Program(office.supervisor).get("/orders", trader="trader").json()["total"] == 1


@pytest.mark.parametrize("method", ["put", "patch", "delete", "head", "options"])
def test_another_method_is_not_allowed_and_the_answer_names_those_that_are(office: Desk, method: str) -> None:
    program = Program(office.trader)
    response = getattr(program.client, method)("/api/v1/orders", headers=program.headers)
    assert set(response.headers["Allow"].split(", ")) == {"GET", "POST"}
    assert response.status_code == 405
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/nothing", "/orders/", "/orders/%00", "/orders/no%20slug"])
def test_an_address_that_is_none_is_a_problem_and_no_page(office: Desk, path: str) -> None:
    problem_of(Program(office.trader).get(path), 404)


def test_a_fault_of_the_desk_is_a_problem_and_says_nothing_of_its_inside(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr("dashboard.api.orders.blotter_page", fail)
    response = Program(office.trader).get("/orders")
    problem_of(response, 500)
    assert b"secret" not in response.content


def test_too_many_requests_are_refused_with_the_time_to_wait(office: Desk, settings: Settings) -> None:
    settings.API_RATE = 2
    program = Program(office.trader)
    answers = [program.get("/accounts") for _ in range(5)]  # five are too many even around a full minute
    assert answers[-1].status_code == 429
    problem_of(answers[-1], 429)
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert Program(office.other).get("/accounts").status_code == 200


def test_accounts_and_markets_are_those_that_one_may_use(office: Desk) -> None:
    trader, admin = Program(office.trader), Program(office.admin)
    (account,) = trader.get("/accounts").json()["accounts"]
    assert (account["label"], account["exchange"], account["key"]) == ("alpha", "binance", None)
    assert admin.get("/accounts").json()["accounts"][0]["key"]["last_four"] == "1234"
    (market,) = trader.get("/markets", symbol="BTC/USDT").json()["markets"]
    assert (market["tick"], market["taker_fee"], market["maker_fee"]) == ("0.1", "0.001", None)
    assert market["quote"] is None
    assert fields_of(problem_of(trader.get("/markets", simbol="BTC/USDT"), 422)) == {"simbol"}
    assert trader.get("/markets", account="nothing").json()["markets"] == []
    office.account.traders.clear()
    assert trader.get("/accounts").json() == {"accounts": []}
    assert trader.get("/markets").json() == {"markets": []}
    assert len(Program(office.supervisor).get("/accounts").json()["accounts"]) == 1


def test_no_answer_holds_what_is_sealed(office: Desk) -> None:
    assert "sealed" not in json.dumps(Program(office.admin).get("/accounts").json())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_parameter_of_every_algorithm_says_its_kind_and_takes_it(algorithm: str) -> None:
    """Choices are texts among those that stand in the schema; anything else is refused by its kind."""
    schema = parameter_schema(algorithm)
    assert "$ref" not in json.dumps(schema)
    assert "amendable" not in json.dumps(schema)
    for name, shown in schema["properties"].items():
        if "enum" in shown:
            refuse_kinds(algorithm, {name: shown["enum"][0]})
            with pytest.raises(Refused, match="of the type"):
                refuse_kinds(algorithm, {name: 1})
