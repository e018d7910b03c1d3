"""The ticket's fields of every algorithm: one input for each name, in words that a person uses, and back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from dashboard.forms import fields
from execution.core.orders import terms
from execution.core.orders.parameters import PovParameters
from execution.core.orders.terms import ALGORITHMS, Algorithm, parse_parameters
from execution.core.problems import Refused
from execution.models import Order
from tests.dashboard.desk_fixture import Desk

#: What each algorithm cannot do without.
NEEDED = {"iceberg": {"visible_quantity": "0.1"}, "pov": {"participation_rate": "10"}}


@pytest.fixture
def pov(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(terms.ALGORITHMS, "pov", Algorithm("pov", "POV", PovParameters))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_fields_of_one_name_are_one_input_for_every_algorithm(algorithm: str) -> None:
    shared = {field.name: field for field in fields.ticket_fields("twap")}
    for field in fields.algorithm_fields(algorithm):
        other = shared[field.name]
        assert (field.label, field.widget, field.unit, field.choices) == (
            other.label,
            other.widget,
            other.unit,
            other.choices,
        )
        assert algorithm in other.algorithms


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_choice_has_words(algorithm: str) -> None:
    for field in fields.algorithm_fields(algorithm):
        if field.widget == "choice":
            assert set(dict(field.choices)) == set(fields.CHOICE_WORDS[field.name])
            assert field.value in dict(field.choices)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_a_fresh_ticket_proposes_is_taken_as_soon_as_the_needed_is_written(algorithm: str) -> None:
    written = {field.name: field.value for field in fields.algorithm_fields(algorithm)}
    raw = fields.parameters_raw(algorithm, written | NEEDED.get(algorithm, {}), timezone.now())
    parse_parameters(algorithm, raw)


@given(
    algorithm=st.sampled_from(sorted(ALGORITHMS)),
    urgency=st.decimals("0", "1", places=4),
    cap=st.decimals("0.0001", "1", places=6),
)
def test_parameters_come_back_as_they_were_written(algorithm: str, urgency: Decimal, cap: Decimal) -> None:
    model = ALGORITHMS[algorithm].parameters
    written = {field.name: field.value for field in fields.algorithm_fields(algorithm)}
    given_ = written | NEEDED.get(algorithm, {})
    given_ |= {"urgency": str(urgency), "participation_cap": format(cap * 100, "f")}
    first = parse_parameters(algorithm, fields.parameters_raw(algorithm, given_, timezone.now()))
    kept = {name: value for name, value in first.model_dump(mode="json").items() if value is not None}
    shown = {name: fields.shown_parameter(model.model_fields[name], value) for name, value in kept.items()}
    assert parse_parameters(algorithm, fields.parameters_raw(algorithm, shown, timezone.now())) == first


def test_the_slider_keeps_a_value_between_its_steps() -> None:
    (coarse,) = [field for field in fields.algorithm_fields("twap") if field.name == "urgency"]
    (fine,) = [
        field for field in fields.algorithm_fields("twap", {"urgency": "0.37"}) if field.name == "urgency"
    ]
    assert (coarse.value, coarse.step) == ("0.5", "0.05")
    assert (fine.value, fine.step) == ("0.37", "any")


def test_fields_of_other_algorithms_are_hidden_and_not_sent(office: Desk) -> None:
    page = office.client(office.trader).get("/orders/new/").content.decode()
    at = page.index('name="visible_quantity"')
    assert " disabled" in page[at : page.index(">", at)]
    at = page.index('name="urgency"')
    assert " disabled" not in page[at : page.index(">", at)]


@pytest.mark.usefixtures("pov")
def test_a_rate_that_another_makes_wrong_is_said_at_its_field_in_percent() -> None:
    written = {"duration": "00:10:00", "participation_rate": "10", "minimum_rate": "20"}
    with pytest.raises(Refused) as refused:
        parse_parameters("pov", fields.parameters_raw("pov", written, timezone.now()))
    (problem,) = [fields.problem_as_written(problem, "pov") for problem in refused.value.problems]
    assert problem.field == "minimum_rate"
    assert problem.message == "Minimum rate is 20 %. It must be at most 10 %."


def iceberg(office: Desk, **changes: str) -> dict[str, str]:
    return office.form(algorithm="iceberg", visible_quantity="0.5", at_end="cross", slices="") | changes


def test_an_iceberg_is_said_planned_and_sent(office: Desk) -> None:
    client = office.client(office.trader)
    preview = client.post("/orders/new/preview/", iceberg(office)).context["data"]["plan"]
    assert preview["visible"] == "0.5"
    assert preview["notes"]
    page = client.post("/orders/new/review/", iceberg(office)).content.decode()
    assert "by Iceberg showing at most 0.5 BTC within 1 h, sweeping the remainder at the end" in page
    assert client.post("/orders/new/", iceberg(office)).status_code == 303


def test_a_visible_quantity_above_the_total_is_said_at_its_field(office: Desk) -> None:
    context = (
        office.client(office.trader)
        .post("/orders/new/preview/", iceberg(office, visible_quantity="3"))
        .context
    )
    assert "visible_quantity" in {problem["field"] for problem in context["data"]["problems"]}


def test_a_clone_of_an_iceberg_is_the_same_ticket(office: Desk) -> None:
    client = office.client(office.trader)
    client.post("/orders/new/", iceberg(office))
    context = client.get(f"/orders/new/?from={Order.objects.get().public_id}").context
    values = {field.name: field.value for field in (*context["timing"], *context["advanced"]) if field.shown}
    assert context["algorithm"] == "iceberg"
    assert (values["visible_quantity"], values["at_end"]) == ("0.5", "cross")
    assert values["duration"] == "01:00:00"
    assert values["refill_pause"] == "00:00:01"


def test_an_order_without_a_schedule_is_neither_ahead_nor_behind(office: Desk) -> None:
    client = office.client(office.trader)
    client.post("/orders/new/", iceberg(office))
    order = Order.objects.get()
    page = client.get(f"/orders/{order.public_id}/")
    assert page.context["form"]["sliced"] is False
    assert page.context["snapshot"]["order"]["parameters"]["visible_quantity"] == "0.5"
    assert 'id="chart-visible"' in page.content.decode()
