"""The risk aversion of an IS on the ticket: the form, the three levels side by side, and what is unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from dashboard.forms import fields
from dashboard.forms.clones import clone_of
from dashboard.present.risk_table import two_digits
from execution.models import Order
from execution.selectors.ticket import order_asked
from tests.dashboard.desk_fixture import Desk

KNOWN = {"volatility": "3", "impact_bp": "20"}


def form(office: Desk, **changes: str) -> dict[str, str]:
    return office.form(**({"algorithm": "is", "slices": "20", "risk": "medium"} | KNOWN | changes))


def preview(office: Desk, **changes: str) -> Any:
    return office.client(office.trader).post("/orders/new/preview/", form(office, **changes))


def table(context: Any) -> dict[str, tuple[str, ...]]:
    names = ("first_half", "cost", "deviation", "risk_aversion")
    return {row["words"]: tuple(row[name] for name in names) for row in context["risks"]["rows"]}


def test_the_three_levels_stand_side_by_side_and_the_chosen_one_is_marked(office: Desk) -> None:
    response = preview(office)
    found = table(response.context)
    assert [row[0] for row in found.values()] == ["61 %", "79 %", "95 %"]
    costs = [Decimal(row[1].removesuffix(" bp")) for row in found.values()]
    risks = [Decimal(row[2].removeprefix("± ").removesuffix(" bp")) for row in found.values()]
    assert costs == sorted(costs)
    assert risks == sorted(risks, reverse=True)
    assert [row["words"] for row in response.context["risks"]["rows"] if row["is_chosen"]] == ["medium"]
    assert response.context["risks"]["unknown"] == ""
    drawn = response.context["data"]["plan"]["risks"]
    assert [line["words"] for line in drawn] == ["low", "high"], "the chosen one is the plan itself"
    assert (
        "front-loaded: 79% of 2.5 in the first half of the time" in response.context["data"]["plan"]["notes"]
    )
    assert "the spread is not known: the cost is without it" in response.context["data"]["plan"]["notes"]


def test_the_number_of_a_level_gives_the_same_plan(office: Desk) -> None:
    medium = preview(office)
    number = table(medium.context)["medium"][3]
    by_number = preview(office, risk="numbers", risk_aversion=number)
    rows = by_number.context["risks"]["rows"]
    assert [row["words"] for row in rows if row["is_chosen"]] == ["by number"]
    assert len(by_number.context["data"]["plan"]["risks"]) == 3
    first = [float(plan["slices"][0][2]) for plan in (_plan(medium), _plan(by_number))]
    assert first[0] == pytest.approx(first[1], rel=0.05), "λ is shown with two digits"


def _plan(response: Any) -> Any:
    return response.context["data"]["plan"]


def test_what_the_market_does_not_say_is_said_to_be_unknown(office: Desk) -> None:
    context = preview(office, volatility="").context
    found = table(context)
    assert [row[0] for row in found.values()] == ["61 %", "79 %", "95 %"], "the shape needs no market"
    assert {row[1:] for row in found.values()} == {("–", "–", "–")}
    assert "are too few to estimate the volatility" in context["risks"]["unknown"]
    assert _plan_none(context)
    unpriced = preview(office, quantity="").context
    assert unpriced["risks"] is None


def _plan_none(context: Any) -> bool:
    return context["data"]["plan"] is None


def test_other_algorithms_have_no_levels(office: Desk) -> None:
    response = office.client(office.trader).post("/orders/new/preview/", office.form())
    assert response.context["risks"] is None
    assert _plan(response)["risks"] == []


def test_the_review_says_the_level_or_the_number(office: Desk) -> None:
    client = office.client(office.trader)
    assert "medium risk aversion" in client.post("/orders/new/review/", form(office)).content.decode()
    numbered = form(office, risk="numbers", risk_aversion="0.001")
    assert "risk aversion 0.001" in client.post("/orders/new/review/", numbered).content.decode()


def test_the_number_is_asked_only_by_number() -> None:
    by_name = {field.name: field for field in fields.ticket_fields("is")}
    assert (by_name["risk"].value, by_name["risk"].widget) == ("medium", "switch")
    assert (by_name["risk"].shown, by_name["risk_aversion"].shown) == (True, False)
    written = {field.name: field.value for field in fields.algorithm_fields("is")}
    by_name = {
        field.name: field
        for field in fields.ticket_fields("is", written | {"risk": "numbers", "risk_aversion": "0.1"})
    }
    assert by_name["risk_aversion"].shown
    assert not {field.name: field for field in fields.ticket_fields("twap")}["risk"].shown


def test_an_order_from_before_the_levels_is_cloned_with_its_number(office: Desk) -> None:
    asked = {"duration": "1h", "volatility": "0.03", "impact_bp": "20"}
    order = office.order(algorithm="is", parameters=asked)
    assert order.terms is not None
    kept = {name: value for name, value in order.terms.parameters.items() if name != "risk"}
    order.terms.parameters = kept | {"risk_aversion": "0.000001"}
    order.terms.save()
    stored = order_asked(person=office.trader, public_id=order.public_id)
    assert stored is not None
    written = clone_of(stored, granted=[], now=timezone.now()).written
    assert (written["risk"], written["risk_aversion"]) == ("numbers", "0.000001")
    context = office.client(office.trader).get(f"/orders/new/?from={order.public_id}").context
    shown = {field.name: field for field in context["timing"]}
    assert (shown["risk"].value, shown["risk_aversion"].value) == ("numbers", "0.000001")
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("number", "text"), [(2.345e-6, "0.0000023"), (0.5, "0.5"), (12.3, "12"), (0.0, "0"), (1.0, "1")]
)
def test_a_number_is_shown_as_the_form_takes_it(number: float, text: str) -> None:
    assert two_digits(number) == text
