"""The figures on pages: a figure shown as zero has no sign and no colour, on any page."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.present import numbers
from execution.core.numbers import grouped, plain
from execution.payloads.encode import rounded_str

#: Costs as the reports have them, and much finer ones around zero.
costs = st.one_of(
    st.decimals(-1_000, 1_000, places=2), st.decimals(Decimal("-0.2"), Decimal("0.2"), places=6)
)


@given(costs, st.integers(0, 3))
def test_sign_and_colour_are_those_of_what_is_shown(cost: Decimal, places: int) -> None:
    shown = numbers.points(str(cost), places)
    number = Decimal(shown.replace("−", "-").replace(",", ""))
    assert abs(number - cost) <= Decimal(5).scaleb(-places - 1)
    tone = "warn" if number > 0 else "good" if number < 0 else ""
    assert numbers.tone(str(cost), places) == tone
    assert shown[0] == ("+" if number > 0 else "−" if number < 0 else "0")


@given(costs, st.integers(0, 3))
def test_no_number_is_written_as_minus_zero(cost: Decimal, places: int) -> None:
    written = [
        numbers.amount(str(cost), places),
        numbers.amount(str(cost * 0)),
        numbers.length(str(cost)),
        numbers.percent(str(cost / 100)),
        plain(cost * 0),
        grouped(cost * 0),
        rounded_str(cost, places) or "",
    ]
    for text in written:
        digits = text.split(" ")[0].replace("−", "-").rstrip("%").lstrip("<>")
        assert not (digits.startswith(("-", "+")) and set(digits) <= set("-+0.")), text


@pytest.mark.parametrize("cost", ["0", "0.04", "-0.04", "0.05", "-0.05", "-0.0"])
def test_a_cost_that_rounds_to_nothing_looks_like_nothing(cost: str) -> None:
    assert (numbers.points(cost), numbers.tone(cost)) == ("0.0", "")


def test_larger_costs_keep_their_sign_and_colour() -> None:
    assert [(numbers.points(cost), numbers.tone(cost)) for cost in ("0.06", "-0.06", "1234.56")] == [
        ("+0.1", "warn"),
        ("−0.1", "good"),
        ("+1,234.6", "warn"),
    ]


def test_a_difference_is_that_of_the_figures_shown() -> None:
    assert numbers.difference("8.34", "7.86") == "0.4"
    assert numbers.difference("8.3", None) is None
