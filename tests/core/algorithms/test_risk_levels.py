"""The levels of risk aversion: each a trajectory of its own in any market, with the λ that it stands for."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from math import cosh

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.algorithms.risk_levels import impact_in, risk_options
from execution.core.algorithms.shortfall import (
    STEEPNESS,
    Impact,
    almgren_chriss,
    kappa_of,
    plan_is,
    risk_aversion_of,
    trajectory_of,
)
from execution.core.orders.parameters import RiskLevel
from execution.core.orders.terms import parse_parameters
from execution.core.problems import Refused
from tests.core.algorithms.test_shortfall import PAPER, given_of
from tests.core.builders import D

IMPACTS = st.builds(
    lambda sigma, eta, epsilon: Impact(sigma, eta, eta / 10, epsilon),
    st.floats(0.01, 1e5),
    st.floats(1e-6, 1e4),
    st.floats(0, 100),
)
LEVELS = (RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH)


@given(IMPACTS, st.floats(0.01, 50), st.floats(1e-4, 1))
def test_the_risk_aversion_of_a_kappa_gives_that_kappa(impact: Impact, steepness: float, step: float) -> None:
    kappa = steepness / (step * 20)
    number = risk_aversion_of(impact, kappa, step)
    assert number is not None
    assert kappa_of(impact, number, step) == pytest.approx(kappa, rel=1e-6)


@given(st.sampled_from([0.0001, 0.001, 0.01]), st.integers(2, 40))
def test_a_risk_aversion_and_its_kappa_are_one_trajectory(number: float, slices: int) -> None:
    by_number = almgren_chriss(1e6, 5, slices, PAPER, number)
    by_kappa = trajectory_of(1e6, 5, slices, PAPER, by_number.kappa)
    assert by_number == by_kappa
    assert risk_aversion_of(PAPER, by_kappa.kappa, 5 / slices) == pytest.approx(number, rel=1e-6)


def test_without_volatility_no_risk_aversion_is_better_than_another() -> None:
    assert risk_aversion_of(Impact(0.0, 1.0, 0.1, 0.5), 3.0, 0.1) is None
    assert risk_aversion_of(Impact(1.0, 0.0, 0.0, 0.5), 3.0, 0.1) is None
    assert risk_aversion_of(PAPER, 1e6, 1.0) is None, "it would overflow"


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("volatility", ["0.001", "0.04", "0.9"])
def test_a_level_is_the_same_shape_in_a_calm_and_in_a_wild_market(level: RiskLevel, volatility: str) -> None:
    plan = plan_is(given_of(parameters={"risk": level, "volatility": D(volatility), "impact_bp": D(20)}))
    half = float(sum(part.quantity for part in plan.slices[:30])) / 3
    expected = 1 - 1 / (2 * cosh(STEEPNESS[level] / 2))
    assert half == pytest.approx(expected, abs=0.002)
    words = f"front-loaded: {expected:.0%} of 3 in the first half of the time"
    assert plan.notes[-1] == words


def test_the_levels_are_visibly_apart_and_none_is_a_twap() -> None:
    halves = [
        float(sum(part.quantity for part in plan_is(given_of(parameters={"risk": level})).slices[:30])) / 3
        for level in LEVELS
    ]
    assert halves[0] > 0.6
    assert all(later - earlier > 0.15 for earlier, later in pairwise(halves))


def test_a_new_order_has_medium() -> None:
    assert plan_is(given_of()) == plan_is(given_of(parameters={"risk": "medium"}))
    assert plan_is(given_of()) != plan_is(given_of(parameters={"risk_aversion": D("0.000001")}))


def test_what_is_nearly_even_is_not_called_front_loaded() -> None:
    plan = plan_is(given_of(parameters={"risk_aversion": D("0.00000001")}))
    assert plan.notes[-1] == "nearly even: 50% of 3 in the first half of the time"
    one = plan_is(given_of(parameters={"slices": 1}))
    assert one.notes[-1].startswith("one slice")


def test_the_options_are_the_plans_that_the_levels_would_be() -> None:
    chosen = plan_is(given_of())
    options = risk_options(
        quantity=3,
        notional=180_000,
        duration=timedelta(hours=1),
        slices=60,
        impact=impact_in(chosen.forecast),
    )
    assert [option.level for option in options] == list(LEVELS)
    for option in options:
        plan = plan_is(given_of(parameters={"risk": option.level}))
        assert option.cost_bp == pytest.approx(plan.forecast["expected_cost_bp"])
        assert option.deviation_bp == pytest.approx(plan.forecast["cost_deviation_bp"])
        assert option.risk_aversion == pytest.approx(plan.forecast["risk_aversion"])
        by_number = plan_is(given_of(parameters={"risk_aversion": D(f"{option.risk_aversion:.12f}")}))
        assert by_number.forecast["kappa"] == pytest.approx(plan.forecast["kappa"], rel=1e-3)


@given(IMPACTS, st.floats(1, 1e6), st.integers(2, 200))
def test_more_risk_aversion_costs_more_and_risks_less(impact: Impact, quantity: float, slices: int) -> None:
    low, medium, high = risk_options(
        quantity=quantity, notional=quantity * 100, duration=timedelta(hours=4), slices=slices, impact=impact
    )
    for calm, keen in ((low, medium), (medium, high)):
        assert calm.cost_bp is not None
        assert keen.cost_bp is not None
        assert calm.deviation_bp is not None
        assert keen.deviation_bp is not None
        assert keen.cost_bp >= calm.cost_bp * (1 - 1e-9)
        assert keen.deviation_bp <= calm.deviation_bp * (1 + 1e-9)
        assert keen.first_half > calm.first_half


def test_without_a_market_only_the_shape_is_known() -> None:
    for option in risk_options(quantity=3, notional=0, duration=timedelta(hours=1), slices=60, impact=None):
        assert (option.cost_bp, option.deviation_bp, option.risk_aversion) == (None, None, None)
        assert (option.left[0], option.left[-1]) == (1.0, 0.0)
        assert option.first_half > 0.6
    assert impact_in({}) is None


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"risk": "numbers"}, "λ is missing"),
        ({"risk": "low", "risk_aversion": "0.1"}, "λ is 0.1, but the risk aversion is low"),
        ({"risk": "none"}, "Risk aversion is none"),
        ({"risk_aversion": "2"}, "Risk aversion λ is 2. It must be at most 1."),
    ],
)
def test_a_level_and_a_number_are_not_mixed(raw: dict[str, str], message: str) -> None:
    with pytest.raises(Refused, match=message.replace(".", r"\.")):
        parse_parameters("is", {"duration": "1h"} | raw)
