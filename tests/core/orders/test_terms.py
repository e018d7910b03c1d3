"""The terms of an order: every bad input is named with its value and limit, and all of them at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.parameters import MAX_DURATION, TwapParameters
from execution.core.orders.terms import (
    ALGORITHMS,
    parse_order_request,
    parse_parameters,
)
from execution.core.problems import Problem, Refused
from execution.core.types import Side, Unit
from tests.core.builders import NOW, D, twap

GOOD: dict[str, Any] = {
    "symbol": "btc/usdt",
    "side": "Buy",
    "quantity": "2.5",
    "unit": "base",
    "algorithm": "twap",
    "accounts": ["alpha"],
    "parameters": {"duration": "3m", "slices": "12"},
}


def problems_of(**changes: Any) -> list[Problem]:
    with pytest.raises(Refused) as exception:
        parse_order_request(GOOD | changes)
    return list(exception.value.problems)


def test_a_good_request_is_understood() -> None:
    request = parse_order_request(
        GOOD | {"limit_price": "60100.5", "client_reference": " desk 7 ", "tags": ["a"]}
    )
    assert (request.symbol, request.side, request.unit) == ("BTC/USDT", Side.BUY, Unit.BASE)
    assert (request.quantity, request.limit_price) == (D("2.5"), D("60100.5"))
    assert (request.client_reference, request.tags, request.accounts) == ("desk 7", ("a",), ("alpha",))


def test_empty_fields_of_a_form_are_as_if_they_were_not_there() -> None:
    request = parse_order_request(GOOD | {"limit_price": "", "parameters": {"duration": "3m", "slices": ""}})
    assert request.limit_price is None
    assert dict(request.parameters) == {"duration": "3m"}


@pytest.mark.parametrize(
    ("field", "given", "value", "limit"),
    [
        ("symbol", " ", "", ""),
        ("side", "hold", "hold", "buy, sell"),
        ("quantity", "0", "0", "0"),
        ("quantity", "-1", "-1", "0"),
        ("quantity", "NaN", "NaN", ""),
        ("quantity", "sNaN", "sNaN", ""),
        ("quantity", "Infinity", "Infinity", ""),
        ("quantity", "two", "two", ""),
        ("quantity", "1,5", "1,5", ""),
        ("quantity", "", "", ""),
        ("quantity", None, "", ""),
        ("unit", "lots", "lots", "base, quote"),
        ("algorithm", "sniper", "sniper", ", ".join(ALGORITHMS)),
        ("accounts", [], "", ""),
        ("limit_price", "0", "0", "0"),
        ("limit_price", "NaN", "NaN", ""),
        ("client_reference", "x" * 65, "65", "64"),
    ],
)
def test_each_bad_field_is_named_with_its_value_and_limit(
    field: str, given: Any, value: str, limit: str
) -> None:
    (problem,) = problems_of(**{field: given})
    assert (problem.field, problem.value, problem.limit) == (field, value, limit)
    assert value in problem.message


@pytest.mark.parametrize("text", ["1e999999", "1E+30", "9" * 40, "1e-999999", "0." + "0" * 30 + "1"])
def test_numbers_beyond_what_arithmetic_keeps_exactly_are_refused(text: str) -> None:
    (problem,) = problems_of(quantity=text)
    assert problem.field == "quantity"
    assert any(words in problem.message for words in ("exponent", "between", "finer"))
    assert len(problem.message) < 200


@pytest.mark.parametrize(
    ("parameters", "field", "value", "limit"),
    [
        ({"duration": "0"}, "duration", "0", "00:00:00"),
        ({"duration": "8d"}, "duration", "8d", "168:00:00"),
        ({"duration": "soon"}, "duration", "soon", ""),
        ({"duration": "9" * 30}, "duration", "9" * 30, ""),
        ({"duration": "1_0"}, "duration", "1_0", ""),
        ({"duration": "3m", "slices": "1_2"}, "slices", "1_2", ""),
        ({"duration": "3m", "slices": "１２"}, "slices", "１２", ""),
        ({"duration": "3m", "urgency": "0,125"}, "urgency", "0,125", ""),
        ({"duration": "3m", "i_would_price": "1e1000000"}, "i_would_price", "1e1000000", ""),
        ({"duration": "3m", "collar_bp": "1e-1000000"}, "collar_bp", "1e-1000000", ""),
        ({"duration": "3m", "i_would_price": "1e16"}, "i_would_price", "1e16", ""),
        ({"duration": "3m", "i_would_price": "1e-13"}, "i_would_price", "1e-13", ""),
        ({"duration": "3m", "slices": "0"}, "slices", "0", "1"),
        ({"duration": "3m", "slices": "10001"}, "slices", "10001", "10000"),
        ({"duration": "3m", "slices": "many"}, "slices", "many", ""),
        ({"duration": "3m", "slices": "2.5"}, "slices", "2.5", ""),
        ({"duration": "3m", "urgency": "1.01"}, "urgency", "1.01", "1"),
        ({"duration": "3m", "urgency": "NaN"}, "urgency", "NaN", ""),
        ({"duration": "3m", "catch_up_cap": "0.5"}, "catch_up_cap", "0.5", "1"),
        ({"duration": "3m", "collar_bp": "501"}, "collar_bp", "501", "500"),
        ({"duration": "3m", "collar_bp": "0"}, "collar_bp", "0", "0"),
        ({"duration": "3m", "speed": "9"}, "speed", "speed", None),
        ({"end_at": "tomorrow"}, "end_at", "tomorrow", ""),
    ],
)
def test_each_bad_parameter_is_named_with_its_value_and_limit(
    parameters: dict[str, str], field: str, value: str, limit: str | None
) -> None:
    (problem,) = problems_of(parameters=parameters)
    assert problem.field == field
    assert value == problem.value
    assert value in problem.message
    assert limit is None or problem.limit == limit


@pytest.mark.parametrize("parameters", [{}, {"duration": "3m", "end_at": "2030-01-01T00:00:00"}])
def test_an_order_has_one_end_and_not_two_or_none(parameters: dict[str, str]) -> None:
    (problem,) = problems_of(parameters=parameters)
    assert "either a duration or an end" in problem.message


def test_all_problems_come_at_once() -> None:
    found = problems_of(
        symbol="",
        side="",
        quantity="NaN",
        unit="",
        accounts=[],
        limit_price="-1",
        parameters={"duration": "0", "slices": "0"},
    )
    fields = [problem.field for problem in found]
    assert fields == ["symbol", "side", "quantity", "unit", "accounts", "limit_price", "duration", "slices"]


@given(
    st.one_of(
        st.timedeltas(timedelta(microseconds=1), MAX_DURATION),
        st.timedeltas(timedelta(0), timedelta(days=20_000)).map(lambda later: NOW + later),
    ),
    st.one_of(st.none(), st.integers(1, 10_000)),
    st.decimals(D(0), D(1), places=4),
    st.decimals(D("0.01"), D(500), places=2),
)
def test_parameters_survive_being_stored_as_json(
    end: timedelta | datetime, slices: int | None, urgency: Decimal, collar: Decimal
) -> None:
    given_end = {"duration": end} if isinstance(end, timedelta) else {"end_at": end}
    parameters = TwapParameters.model_validate(
        given_end | {"slices": slices, "urgency": urgency, "collar_bp": collar}
    )
    assert parse_parameters("twap", parameters.model_dump(mode="json")) == parameters


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_parameter_that_is_missing_is_said_to_be_missing_and_nothing_else(algorithm: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_parameters(algorithm, {"end_at": None, "duration": "3m", "colour": "9" * 1000})
    for problem in refused.value.problems:
        assert "missing" in problem.message or "colour" in problem.message
        assert len(problem.message) < 80 or problem.field == "colour"


def test_many_problems_are_cut_with_their_number() -> None:
    with pytest.raises(Refused) as refused:
        parse_parameters("twap", {f"x{number}": "1" for number in range(1000)} | {"duration": "3m"})
    assert len(refused.value.problems) == 13
    assert refused.value.problems[-1].message == "There are 988 more problems."


@pytest.mark.parametrize(
    "field", ["symbol", "accounts", "side", "algorithm", "unit", "quantity", "limit_price"]
)
def test_a_text_of_a_megabyte_is_refused_in_a_short_message(field: str) -> None:
    (problem,) = problems_of(**{field: "9" * 1_000_000})
    assert len(problem.message) + len(problem.value) + len(problem.limit) < 300


# --- the window ----------------------------------------------------------------------------------


def window_problem(**parameters: Any) -> Problem:
    with pytest.raises(Refused) as exception:
        TwapParameters(**parameters).window(NOW)
    (problem,) = exception.value.problems
    return problem


def test_a_duration_starts_now_or_at_the_start() -> None:
    later = NOW + timedelta(hours=1)
    assert twap().window(NOW) == (NOW, NOW + timedelta(minutes=3))
    assert twap(start_at=later).window(NOW) == (later, later + timedelta(minutes=3))


def test_an_end_in_the_past_is_refused_with_both_times() -> None:
    problem = window_problem(end_at=NOW - timedelta(seconds=1))
    assert (problem.field, problem.value, problem.limit) == (
        "end_at",
        "2026-03-01T11:59:59+00:00",
        NOW.isoformat(),
    )
    assert "in the past" in problem.message


def test_a_start_in_the_past_is_refused() -> None:
    assert window_problem(start_at=NOW - timedelta(seconds=1), duration="3m").field == "start_at"


def test_an_end_before_the_start_is_refused() -> None:
    problem = window_problem(start_at=NOW + timedelta(hours=2), end_at=NOW + timedelta(hours=1))
    assert problem.field == "end_at"
    assert "is not after the start" in problem.message


def test_a_window_longer_than_a_week_is_refused_with_the_limit() -> None:
    problem = window_problem(end_at=NOW + MAX_DURATION + timedelta(seconds=1))
    assert (problem.value, problem.limit) == ("168:00:01", "168:00:00")


def test_a_start_at_the_end_of_all_time_is_refused() -> None:
    assert window_problem(start_at="9999-12-31T23:59:59", duration="3m").field == "start_at"


def test_parameters_that_have_no_names_are_a_problem_and_no_crash() -> None:
    (problem,) = problems_of(parameters=["duration"])
    assert problem.field == "parameters"
