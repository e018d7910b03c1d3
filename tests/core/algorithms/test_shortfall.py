"""Implementation shortfall: the trajectories of the paper, and plans of them that sum exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.algorithms.shortfall import (
    Impact,
    Trajectory,
    almgren_chriss,
    daily_volatility,
    daily_volume,
    kappa_of,
    merge_small,
    plan_is,
)
from execution.core.orders.parameters import IsParameters
from execution.core.orders.plans import PlanInput, SlicePlan
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused
from execution.core.quantities import is_multiple, minimum_quantity, split_weighted
from execution.core.states import ORDER_FINAL, OrderStatus
from execution.core.types import Candle, Market, Quote, Side
from tests.core.builders import MARKET, MINUTE, NOW, QUOTE, D, markets, steps, view_of
from tests.core.simulator import Rates, Simulation

#: Almgren and Chriss, "Optimal execution of portfolio transactions" (2000), table 1: a million shares at 50, five
#: days in five slices, 5 million shares a day, spread 1/8, volatility 0.95 per square root of a day.
PAPER = Impact(sigma=0.95, eta=2.5e-6, gamma=2.5e-7, epsilon=0.0625)
HOUR = timedelta(hours=1)


def paper(risk_aversion: float, impact: Impact = PAPER) -> Trajectory:
    return almgren_chriss(1e6, 5, 5, impact, risk_aversion)


#: By risk aversion: κ, trades, E, V and its root, from the paper's formulas with the table's inputs, computed apart
#: from this code in 30 digits.
TABLE: dict[float, tuple[float, tuple[float, ...], float, float, float]] = {
    0.0: (0, (2e5,) * 5, 662500, 1.083e12, 1040672.8592598157),
    1e-7: (
        0.19462855046748087,
        (242117.60869831496, 213318.07782885095, 192624.63391688323, 179250.92609375712, 172688.75346219374),
        670057.4600445137,
        924718606139.843,
        961622.9022542272,
    ),
    1e-6: (
        0.6070761632470628,
        (458044.4456260777, 252101.33496398723, 141956.7315882119, 85755.68621595712, 62141.80160576603),
        911226.9863037935,
        364128572058.141,
        603430.6688080587,
    ),
    2e-6: (
        0.8462971345012563,
        (571401.1542529827, 245666.03148524955, 106637.09264630609, 48652.34421855525, 27643.37739690639),
        1140715.1670497854,
        201931287150.52432,
        449367.6525413509,
    ),
    1e-5: (
        1.726710865622892,
        (822131.6903188587, 146232.11353052195, 26014.568158168575, 4652.381786855781, 969.2462055949543),
        1845211.261624615,
        29485150288.267456,
        171712.4057494608,
    ),
    1e-4: (
        3.6882538673612966,
        (974984.3554381827, 24389.862089127237, 610.1281269066504, 15.262987138780863, 0.39135864458412467),
        2446575.611627024,
        565122325.3866009,
        23772.301642596598,
    ),
}


@pytest.mark.parametrize("risk_aversion", list(TABLE))
def test_the_trajectories_of_the_papers_inputs_come_out_to_the_digits(risk_aversion: float) -> None:
    kappa, trades, cost, variance, deviation = TABLE[risk_aversion]
    best = paper(risk_aversion)
    assert best.kappa == pytest.approx(kappa, rel=1e-9)
    assert best.trades == pytest.approx(trades, rel=1e-9, abs=1e-7)
    assert best.cost == pytest.approx(cost, rel=1e-12)
    assert best.variance == pytest.approx(variance, rel=1e-10)
    assert best.deviation == pytest.approx(deviation, rel=1e-10)


#: λ in billionths per unit; E in millions, V in millions squared, E + λV in millions and the half-life
#: in days, as published for the same inputs (DROP's Almgren-Chriss page), to the printed digits.
PUBLISHED = [
    (1, 0.6625, 1.0812, 0.6636, 51.3),
    (2, 0.6625, 1.0794, 0.6647, 36.27),
    (3, 0.6625, 1.0776, 0.6657, 29.62),
    (4, 0.6625, 1.0758, 0.6668, 25.65),
    (5, 0.6625, 1.074, 0.6679, 22.94),
    (6, 0.6625, 1.0722, 0.669, 20.94),
    (7, 0.6625, 1.0704, 0.67, 19.39),
    (8, 0.6626, 1.0687, 0.6711, 18.14),
    (9, 0.6626, 1.0669, 0.6722, 17.1),
]


@pytest.mark.parametrize("row", PUBLISHED)
def test_published_figures_come_out_to_their_printed_digits(row: tuple[float, ...]) -> None:
    risk_aversion = row[0] * 1e-9
    best = paper(risk_aversion)
    together = (best.cost + risk_aversion * best.variance) / 1e6
    assert best.half_life is not None
    found = (
        round(best.cost / 1e6, 4),
        round(best.variance / 1e12, 4),
        round(together, 4),
        round(best.half_life, 2),
    )
    assert found == row[1:]


def test_the_half_life_is_the_inverse_of_kappa_and_unknown_when_even() -> None:
    assert paper(1e-6).half_life == pytest.approx(1.6472397707913766, rel=1e-9)
    assert paper(0).half_life is None


def test_a_steep_trajectory_is_early_and_no_overflow() -> None:
    steep = almgren_chriss(1e6, 5, 1000, PAPER, 1.0)
    assert steep.trades[0] > 900_000
    assert sum(steep.trades) == pytest.approx(1e6)


def test_a_permanent_impact_beyond_the_temporary_has_no_optimum() -> None:
    with pytest.raises(ValueError, match="not above half of gamma"):
        kappa_of(replace(PAPER, gamma=1e-5), 1e-6, 1.0)


@given(st.floats(1e-9, 1e-4), st.integers(1, 40), st.lists(st.floats(-0.3, 0.3), min_size=40, max_size=40))
def test_no_other_trajectory_has_a_smaller_cost_and_risk(
    risk_aversion: float, slices: int, changes: list[float]
) -> None:
    best = almgren_chriss(1e6, 5, slices, PAPER, risk_aversion)
    step = 5 / slices
    eta = PAPER.eta - PAPER.gamma * step / 2
    weights = [trade * (1 + change) for trade, change in zip(best.trades, changes, strict=False)]
    trades = [1e6 * weight / sum(weights) for weight in weights]
    held, variance = 1e6, 0.0
    for trade in trades:
        held -= trade
        variance += PAPER.sigma**2 * step * held**2
    cost = PAPER.gamma * 1e12 / 2 + PAPER.epsilon * 1e6 + eta / step * sum(each**2 for each in trades)
    ours = best.cost + risk_aversion * best.variance
    assert cost + risk_aversion * variance >= ours * (1 - 1e-9)


# --- the market's history --------------------------------------------------------------------------


def candle(number: int, close: float, volume: str = "1") -> Candle:
    price = D(str(close))
    return Candle(NOW - 48 * HOUR + number * 5 * MINUTE, price, price, price, price, D(volume))


#: Two days of closes that alternate by 0.1 %.
HISTORY = tuple(candle(number, 60_000 if number % 2 else 60_060) for number in range(576))


def test_volatility_is_of_candles_that_follow_each_other() -> None:
    found = daily_volatility(HISTORY)
    assert found == pytest.approx(0.001 * sqrt(288), rel=1e-3)
    assert daily_volatility(HISTORY[::2]) is None, "a hole has no return"
    assert daily_volatility(HISTORY[:24]) is None, "too few"
    assert daily_volatility(HISTORY[:25]) is not None


def test_volume_is_that_of_a_day_with_holes_as_nothing() -> None:
    assert daily_volume(HISTORY) == pytest.approx(288)
    assert daily_volume(HISTORY[::2][:-1]) == pytest.approx(144, rel=0.01)
    assert daily_volume(()) is None


# --- the plan --------------------------------------------------------------------------------------


def given_of(**changes: Any) -> PlanInput:
    parameters = IsParameters(**({"duration": HOUR} | changes.pop("parameters", {})))
    own: dict[str, Any] = {
        "now": NOW,
        "side": Side.BUY,
        "quantity": D(3),
        "parameters": parameters,
        "limit_price": None,
        "start": NOW,
        "end": NOW + HOUR,
        "market": MARKET,
        "price": D(60_000),
        "quote": QUOTE,
        "candles": HISTORY,
    }
    return PlanInput(**(own | changes))


def refused(given: PlanInput) -> Problem:
    with pytest.raises(Refused) as caught:
        plan_is(given)
    (problem,) = caught.value.problems
    return problem


def test_the_plan_is_front_loaded_and_says_what_it_was_made_with() -> None:
    plan = plan_is(given_of(parameters={"risk_aversion": D("0.0001")}))
    quantities = [part.quantity for part in plan.slices]
    assert sum(quantities) == 3
    assert quantities[0] > quantities[30] > quantities[-1]
    assert {"sigma", "eta", "kappa", "expected_cost", "cost_deviation"} <= set(plan.forecast)
    # 288 BTC a day, at a hundred spreads of 1 USDT.
    assert plan.forecast["sigma"] == pytest.approx(60_000 * 0.001 * sqrt(288), rel=1e-3)
    assert plan.forecast["eta"] == pytest.approx(100 / 288, rel=1e-3)
    assert plan.notes[0].startswith("expected cost before fees ")
    assert "in the first half of the time" in plan.notes[-1]


def test_where_the_spread_says_nothing_the_impact_is_the_volatility_of_five_minutes() -> None:
    tight = replace(QUOTE, bid=D("59999.99"), ask=D("60000.00"))
    for quote in (tight, None):
        assert plan_is(given_of(quote=quote)).forecast["impact_bp"] == pytest.approx(10, rel=1e-3)


def test_without_risk_aversion_it_is_even() -> None:
    quantities = {part.quantity for part in plan_is(given_of(parameters={"risk_aversion": D(0)})).slices}
    assert quantities == {D("0.05")}


def test_more_risk_aversion_does_more_of_it_early() -> None:
    first = [
        plan_is(given_of(parameters={"risk_aversion": D(each)})).slices[0].quantity
        for each in ("0", "0.00001", "0.0001", "0.01", "1")
    ]
    assert first == sorted(first)
    assert first[0] < first[-1]


def test_without_history_it_is_refused_and_says_what_to_give() -> None:
    problem = refused(given_of(candles=()))
    assert problem.field == "volatility"
    assert "Give the volatility yourself" in problem.message
    assert refused(given_of(candles=(), parameters={"volatility": D("0.03")})).field == "impact_bp"
    plan = plan_is(given_of(candles=(), parameters={"volatility": D("0.03"), "impact_bp": D(20)}))
    assert any("volume is not known" in note for note in plan.notes)


@pytest.mark.parametrize("parameters", [{"risk_aversion": D("0.0001")}, {"risk": "low"}])
@pytest.mark.parametrize("quote", [None, replace(QUOTE, bid=QUOTE.ask)])
def test_a_market_that_shows_no_impact_is_refused_and_never_costs_nothing(
    parameters: dict[str, Any], quote: Quote | None
) -> None:
    flat = tuple(candle(number, 60_000) for number in range(300))
    problem = refused(given_of(candles=flat, quote=quote, parameters=parameters))
    assert (problem.field, problem.code) == ("impact_bp", Code.IMPACT_UNKNOWN)
    assert "No spread and no move of the price of BTC/USDT is known" in problem.message
    plan = plan_is(given_of(candles=flat, quote=quote, parameters=parameters | {"impact_bp": D(20)}))
    assert sum(part.quantity for part in plan.slices) == 3


def test_without_a_price_it_is_refused() -> None:
    assert refused(given_of(price=None, quote=None)).field == "limit_price"


def test_more_slices_than_the_minimum_allows_are_refused_with_the_number() -> None:
    problem = refused(given_of(quantity=D("0.002"), parameters={"slices": 11}))
    assert (problem.field, problem.value, problem.limit) == ("slices", "11", "10")


def test_small_slices_at_the_end_are_merged_and_said() -> None:
    plan = plan_is(given_of(quantity=D("0.01"), parameters={"risk_aversion": D(1), "slices": 50}))
    assert len(plan.slices) < 50
    assert all(part.quantity >= D("0.00019") for part in plan.slices)
    assert plan.slices[-1].ends_at == NOW + HOUR
    assert "slices instead of 50" in plan.notes[-1]


@given(
    markets(), st.integers(1, 10_000), st.decimals(0, 1, places=6), st.one_of(st.none(), st.integers(1, 50))
)
def test_plans_sum_exactly_for_any_lot_tick_and_minimum(
    market: Market, lots: int, risk_aversion: Decimal, slices: int | None
) -> None:
    price = D(60_000)
    least = minimum_quantity(market, price)
    given = given_of(
        market=market,
        quantity=least + lots * market.lot,
        parameters={"risk_aversion": risk_aversion, "slices": slices},
    )
    try:
        plan = plan_is(given)
    except Refused:
        assert slices is not None, "only slices that were asked for can be too many"
        return
    assert sum(part.quantity for part in plan.slices) == given.quantity
    assert all(is_multiple(part.quantity, market.lot) and part.quantity >= least for part in plan.slices)
    assert (plan.slices[0].starts_at, plan.slices[-1].ends_at) == (NOW, NOW + HOUR)
    assert all(a.ends_at == b.starts_at for a, b in zip(plan.slices, plan.slices[1:], strict=False))
    assert plan_is(given) == plan


@given(st.lists(st.integers(0, 20), min_size=1, max_size=30), st.integers(1, 30))
def test_merged_slices_keep_sum_and_time(quantities: list[int], least: int) -> None:
    edges = [NOW + number * MINUTE for number in range(len(quantities) + 1)]
    slices = [SlicePlan(n + 1, edges[n], edges[n + 1], D(q)) for n, q in enumerate(quantities)]
    merged = merge_small(slices, D(least))
    assert sum(part.quantity for part in merged) == sum(quantities)
    assert (merged[0].starts_at, merged[-1].ends_at) == (edges[0], edges[-1])
    assert len(merged) == 1 or all(part.quantity >= least for part in merged)


@given(st.integers(0, 10**6), steps, st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_a_weighted_split_is_exact_and_near_its_shares(
    lots: int, step: Decimal, weights: list[float]
) -> None:
    if not sum(weights) > 0:
        with pytest.raises(ValueError, match="weights"):
            split_weighted(lots * step, step, weights)
        return
    parts = split_weighted(lots * step, step, weights)
    assert sum(parts) == lots * step
    for part, weight in zip(parts, weights, strict=True):
        assert abs(float(part / step) - lots * (weight / sum(weights))) <= 1 + 1e-6 * lots


@settings(max_examples=25)
@given(st.sampled_from(["0", "0.0001", "0.01", "1"]), st.sampled_from(Side), st.integers(0, 2**32))
def test_whatever_happens_an_order_is_never_ahead_of_its_trajectory(risk: str, side: Side, seed: int) -> None:
    minute = {"duration": MINUTE, "slices": 6, "risk_aversion": D(risk)}
    asked = given_of(side=side, end=NOW + MINUTE, parameters=minute)
    order = view_of(
        algorithm="is",
        status=OrderStatus.SCHEDULED,
        side=side,
        quantity=asked.quantity,
        end_at=asked.end,
        parameters=asked.parameters,
        slices=plan_is(asked).slices,
    )
    happens = Rates(loses=0.1, late_news=0.3, slow_cancel=0.3, stale=0.1, rejects=0.1)
    run = Simulation(order, happens, seed).run()
    assert run.view.status in ORDER_FINAL
    assert run.executed <= asked.quantity
