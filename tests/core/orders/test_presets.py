"""A preset keeps an algorithm's parameters whole, and nothing of a single order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.parameters import IsParameters, RiskLevel
from execution.core.orders.presets import (
    MAX_PRESET_NAME,
    OF_ONE_ORDER,
    LimitMode,
    kept_parameters,
    parse_preset,
    preset_problems,
    repeatable,
)
from execution.core.orders.terms import ALGORITHMS, parse_parameters
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused

NEEDED: dict[str, dict[str, Any]] = {
    "iceberg": {"visible_quantity": "0.1"},
    "pov": {"participation_rate": "0.1"},
}


def refused(**raw: Any) -> tuple[Problem, ...]:
    with pytest.raises(Refused) as caught:
        parse_preset({"name": "calm", "algorithm": "twap", "parameters": {"duration": "1h"}} | raw)
    return tuple(caught.value.problems)


@given(
    algorithm=st.sampled_from(sorted(ALGORITHMS)),
    seconds=st.integers(60, 86_400),
    collar=st.decimals("0.01", "500", places=2),
)
def test_what_is_kept_is_read_again_as_it_was(algorithm: str, seconds: int, collar: Decimal) -> None:
    raw = {"duration": seconds, "collar_bp": str(collar)} | NEEDED.get(algorithm, {})
    asked = parse_parameters(algorithm, raw)
    kept = kept_parameters(asked)
    assert parse_parameters(algorithm, kept) == asked
    assert preset_problems(algorithm, kept) == ()
    if "urgency" in type(asked).model_fields:
        assert kept["urgency"] == "0.5", "a default is kept too: a later one does not change the preset"


@pytest.mark.parametrize(
    ("name", "value"), [("start_at", "2030-01-01T00:00:00+00:00"), ("i_would_price", "60000")]
)
def test_a_time_or_a_price_of_one_order_is_refused(name: str, value: str) -> None:
    (problem,) = refused(parameters={"duration": "1h", name: value})
    assert (problem.field, problem.code) == (name, Code.PRESET_OF_ONE_ORDER)
    assert value[:10] in problem.message


def test_a_fixed_end_is_refused_with_the_way_out() -> None:
    (problem,) = refused(parameters={"end_at": "2030-01-01T00:00:00+00:00"})
    assert problem.field == "end_at"
    assert "give a duration instead" in problem.message


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * (MAX_PRESET_NAME + 1)}, "name"),
        ({"name": "calm\u202e"}, "name"),
        ({"algorithm": "gone"}, "algorithm"),
        ({"limit_mode": "sometimes"}, "limit_mode"),
        ({"parameters": {"duration": "1h", "urgency": "2"}}, "urgency"),
    ],
)
def test_bad_input_names_its_field(raw: dict[str, Any], field: str) -> None:
    assert [problem.field for problem in refused(**raw)] == [field]


def test_every_problem_is_named_at_once() -> None:
    fields = {problem.field for problem in refused(name="", limit_mode="never", parameters={"urgency": "2"})}
    assert {"name", "limit_mode", "urgency"} <= fields


def test_a_request_is_read_with_its_defaults() -> None:
    request = parse_preset(
        {"name": " calm ", "symbol": "btc/usdt", "algorithm": "TWAP", "parameters": {"duration": 60}}
    )
    assert (request.name, request.symbol, request.algorithm) == ("calm", "BTC/USDT", "twap")
    assert (request.accounts, request.limit_mode) == ((), LimitMode.LEAVE)


def test_what_does_not_hold_any_more_says_why() -> None:
    assert [problem.field for problem in preset_problems("gone", {})] == ["algorithm"]
    (problem,) = preset_problems("twap", {"duration": "PT1H", "urgency": "2"})
    assert "Urgency is 2. It must be at most 1." in problem.message
    (problem,) = preset_problems("twap", {"duration": "PT1H", "patience": "1"})
    assert problem.code is Code.FIELD_UNKNOWN


def test_an_earlier_order_is_repeated_without_what_was_its_own() -> None:
    stored = {"duration": "PT1H", "seed": 7, "visible_quantity": "0.1", **dict.fromkeys(OF_ONE_ORDER, "x")}
    assert repeatable(stored, same_symbol=True) == {"duration": "PT1H", "visible_quantity": "0.1"}
    assert repeatable(stored, same_symbol=False) == {"duration": "PT1H"}


def test_terms_from_before_the_levels_keep_their_risk_aversion() -> None:
    stored = {"duration": "PT1H", "risk_aversion": "0.000001"}
    before = parse_parameters("is", stored)
    assert isinstance(before, IsParameters)
    assert (before.risk, before.risk_aversion) == (RiskLevel.NUMBERS, Decimal("0.000001"))
    assert preset_problems("is", stored) == ()
