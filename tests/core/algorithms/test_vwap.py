"""VWAP's plan and target: exact sums, a curve that follows the volume, a target that follows what is traded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from execution.core.algorithms.decide import decide
from execution.core.algorithms.registry import plan_order
from execution.core.algorithms.vwap import plan_vwap, vwap_target
from execution.core.orders.parameters import MIN_SLICE, VwapParameters
from execution.core.orders.plans import Plan, PlanInput, plan_bounds
from execution.core.orders.slices import SliceTask, slice_at
from execution.core.orders.view import OrderView
from execution.core.orders.volume_gaps import VolumeGaps
from execution.core.problems import Refused
from execution.core.quantities import is_multiple, split_weighted
from execution.core.states import OrderStatus
from execution.core.types import ZERO, Candle, Market, Side, Traded
from tests.core.builders import MARKET, MINUTE, NOW, D, markets, prices, view_of
from tests.core.simulator import Rates, Simulation

HOUR = timedelta(hours=1)
EIGHT_HOURS = 8 * HOUR
TEN = D(10)
BAR = 5 * MINUTE


def candles(days: int = 7, *, peak: float = 6.0, seed: int | None = None) -> tuple[Candle, ...]:
    """Return bars up to NOW, which is noon: the two hours from 14:00 trade ``peak`` times as much as the others."""
    random, found = Random(seed), []
    for number in range(days * 288, 0, -1):
        at = NOW - number * BAR
        volume = (
            10 * (peak if at.hour in {14, 15} else 1) * (1 if seed is None else random.lognormvariate(0, 1))
        )
        price = D(60_000)
        found.append(Candle(at, price, price, price, price, D(f"{volume:.5f}")))
    return tuple(found)


CANDLES = candles()


def planned(
    quantity: Decimal = TEN, duration: timedelta = EIGHT_HOURS, *, market: Market = MARKET, **changes: Any
) -> Plan:
    names = ("lookback_days", "slice_length")
    asked = {name: changes.pop(name) for name in names if name in changes}
    given_input = PlanInput(
        now=NOW,
        side=Side.BUY,
        quantity=quantity,
        parameters=VwapParameters(duration=duration, **asked),
        limit_price=None,
        start=NOW,
        end=NOW + duration,
        market=market,
        price=D(60_000),
        candles=CANDLES,
    )
    return plan_vwap(replace(given_input, **changes))


@given(
    st.lists(st.floats(0, 1e12), min_size=1, max_size=60),
    st.integers(0, 10**9),
    st.sampled_from([D("0.00001"), D("0.25"), D(3), D(1000)]),
)
def test_a_weighted_split_is_exact_and_each_part_is_within_a_step_of_its_share(
    weights: list[float], steps: int, step: Decimal
) -> None:
    assume(sum(weights) > 0)
    parts = split_weighted(steps * step, step, weights)
    assert sum(parts, ZERO) == steps * step
    assert len(parts) == len(weights)
    assert all(part >= 0 and is_multiple(part, step) for part in parts)
    for part, weight in zip(parts, weights, strict=True):
        assert float(part / step) == pytest.approx(steps * weight / sum(weights), abs=1.001)


@pytest.mark.parametrize("weights", [[], [0.0], [1.0, -1.0], [float("nan")], [float("inf"), 1.0]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split_weighted(D(1), D(1), weights)


@settings(max_examples=40, deadline=None)
@given(
    markets(),
    st.one_of(st.none(), prices),
    st.integers(1, 10_000),
    st.timedeltas(timedelta(seconds=2), timedelta(days=2)),
    st.sampled_from([(), CANDLES, candles(1, seed=3), candles(2, peak=0.0)]),
)
def test_a_plan_sums_exactly_and_no_slice_is_below_the_minimum(
    market: Market, price: Decimal | None, lots: int, duration: timedelta, known: tuple[Candle, ...]
) -> None:
    quantity = lots * market.lot
    bounds = plan_bounds(quantity, market, price, NOW, NOW + duration)
    assume(quantity >= bounds.minimum)
    plan = planned(quantity, duration, market=market, price=price, candles=known)
    assert sum(part.quantity for part in plan.slices) == quantity
    assert all(part.quantity >= bounds.minimum for part in plan.slices)
    assert all(is_multiple(part.quantity, market.lot) for part in plan.slices)
    assert plan.slices[0].starts_at == NOW
    assert plan.slices[-1].ends_at == NOW + duration
    assert all(a.ends_at == b.starts_at for a, b in pairwise(plan.slices))
    assert json.loads(json.dumps(plan.forecast)) == plan.forecast
    assert plan == planned(quantity, duration, market=market, price=price, candles=known)


def test_the_plan_follows_the_volume_by_time_of_day() -> None:
    plan = planned()
    assert len(plan.slices) == 96
    by_hour = [sum(part.quantity for part in plan.slices[12 * hour : 12 * hour + 12]) for hour in range(8)]
    assert by_hour[2] > D("1.8") * by_hour[0]  # 14:00 against 12:00
    assert by_hour[3] > D("1.2") * by_hour[6]
    assert plan.notes == ()
    assert plan.forecast["bars"] == 7 * 288
    assert len(plan.forecast["weekday"]) == 288


def test_the_forecast_for_the_page_covers_the_orders_time() -> None:
    profile = planned(duration=32 * MINUTE, start=NOW + 2 * MINUTE, end=NOW + 34 * MINUTE).forecast["profile"]
    starts = [at for at, _ in profile]
    begin = int(NOW.timestamp() * 1000)
    assert starts == [begin + 120_000, *(begin + n * 300_000 for n in range(1, 7))]
    assert all(volume > 0 for _, volume in profile)
    assert profile[0][1] == pytest.approx(profile[1][1] * 0.6, rel=0.1)


def test_without_a_history_the_slices_are_even_and_the_plan_says_so() -> None:
    plan = planned(candles=())
    assert {part.quantity for part in plan.slices} <= {D("0.10416"), D("0.10417")}
    assert "past volume is not known" in plan.notes[0]
    assert "weekday" not in plan.forecast


def test_candles_that_are_not_over_or_out_of_the_lookback_change_nothing() -> None:
    price = D(60_000)
    odd = [Candle(at, price, price, price, price, D(10**6)) for at in (NOW, NOW + HOUR, NOW - 300 * HOUR)]
    assert planned(candles=(*odd, *CANDLES)) == planned()


@pytest.mark.parametrize(
    ("duration", "count", "length"),
    [(8 * HOUR, 96, BAR), (HOUR, 12, BAR), (12 * MINUTE, 12, MINUTE), (timedelta(seconds=10), 5, MIN_SLICE)],
)
def test_slices_are_five_minutes_or_a_twelfth(duration: timedelta, count: int, length: timedelta) -> None:
    slices = planned(duration=duration).slices
    assert len(slices) == count
    assert slices[0].ends_at - slices[0].starts_at == length


def test_the_minimum_makes_fewer_and_larger_slices_and_the_plan_says_so() -> None:
    plan = planned(D("0.002"))
    assert 1 < len(plan.slices) <= 10  # at least 0.00019 each
    assert f"{len(plan.slices)} slices instead of 96" in plan.notes[0]


def test_a_slice_length_that_the_minimum_does_not_allow_is_refused_with_one_that_it_does() -> None:
    with pytest.raises(Refused) as exception:
        planned(D("0.002"), slice_length=BAR)
    (problem,) = exception.value.problems
    assert (problem.field, problem.value) == ("slice_length", "00:05:00")
    hours, minutes, seconds = map(int, problem.limit.split(":"))
    allowed = timedelta(hours=hours, minutes=minutes, seconds=seconds + 1)
    assert sum(part.quantity for part in planned(D("0.002"), slice_length=allowed).slices) == D("0.002")


def test_more_slices_than_there_may_be_are_refused() -> None:
    with pytest.raises(Refused) as exception:
        planned(D(10_000), 7 * 24 * HOUR, slice_length=MIN_SLICE)
    assert "at most 10,000 slices" in str(exception.value)


def running(plan: Plan, minutes: float, *, rate: float = 10.0, done: str = "0", **changes: Any) -> OrderView:
    """Return an order of 10 BTC so many minutes after its start, in a market that trades ``rate`` per five
    minutes.
    """
    now = NOW + timedelta(minutes=minutes)
    traded = [Traded(now - n * BAR, now - (n - 1) * BAR, D(f"{rate:.5f}")) for n in range(144, 0, -1)]
    view = view_of(
        now=now,
        algorithm="vwap",
        quantity=sum((part.quantity for part in plan.slices), ZERO),
        done=D(done),
        slices=plan.slices,
        end_at=plan.slices[-1].ends_at,
        parameters=VwapParameters(duration=plan.slices[-1].ends_at - NOW),
        forecast=json.loads(json.dumps(dict(plan.forecast))),
        traded=tuple(traded),
        traded_since_start=D(f"{rate * minutes / 5:.5f}"),
    )
    return replace(view, **changes)


def target(view: OrderView) -> Decimal:
    work = slice_at(view)
    assert work is not None
    return vwap_target(view, work)


PLAN = planned()


def test_where_the_market_trades_as_expected_the_target_is_near_the_plan() -> None:
    view = running(PLAN, 0)
    assert target(view) == pytest.approx(PLAN.slices[0].quantity, rel=D("0.02"))


def test_more_volume_than_expected_brings_the_target_forward_and_less_puts_it_back() -> None:
    usual = target(running(PLAN, 60))
    burst = replace(running(PLAN, 60), traded_since_start=D(600))
    quiet = replace(running(PLAN, 60), traded_since_start=D(12))
    assert target(quiet) < usual < target(burst)


def test_the_target_is_the_share_of_what_was_traded_in_what_will_be() -> None:
    flat = planned(candles=candles(peak=1.0))
    share = target(running(flat, 240)) / 10
    traded, rest = 49 * 10, 47 * 10
    # the constants expect a little more than the usual volume: it is skewed
    assert float(share) == pytest.approx(traded / (traded + rest), rel=0.08)


def test_what_is_traded_within_a_slice_moves_the_next_target_and_not_its_own() -> None:
    view = running(PLAN, 60)
    burst = Traded(view.now, view.now + 3 * MINUTE, D(500))
    later = replace(
        view,
        now=view.now + 3 * MINUTE,
        traded=(*view.traded, burst),
        traded_since_start=(view.traded_since_start or ZERO) + 500,
    )
    assert target(later) == target(view)
    assert target(replace(later, now=view.now + BAR)) > target(view)


def test_while_the_volume_is_unknown_the_target_is_the_plans() -> None:
    view = running(PLAN, 60, traded_since_start=None)
    work = slice_at(view)
    assert work is not None
    assert target(view) == work.target
    assert target(running(planned(candles=()), 60)) == D("1.35416")


def with_gaps(view: OrderView, **changes: Any) -> OrderView:
    return replace(view, volume_gaps=VolumeGaps(**({"until": view.now} | changes)))


def test_a_gap_counts_as_its_estimate_so_that_the_order_does_not_fall_behind() -> None:
    whole = running(PLAN, 60)
    bound = replace(whole, traded_since_start=D(90))
    assert target(with_gaps(bound, lost=15 * MINUTE, estimate=D(30))) == target(whole)
    assert target(with_gaps(bound)) < target(whole)
    said = decide(with_gaps(bound, lost=15 * MINUTE, estimate=D(30))).why
    assert said.endswith("the market's volume is not known for 900 s since the start, which are estimated")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"until": NOW + 60 * MINUTE - timedelta(seconds=31)},
            "the market's volume since 12:59:29 UTC is not known",
        ),
        (
            {"lost": 45 * MINUTE, "estimate": None},
            "the market's volume is not known for 2700 s since the start, which are too much to estimate",
        ),
    ],
)
def test_a_volume_of_which_too_little_is_known_leaves_the_order_to_its_plan_and_is_said(
    changes: dict[str, Any], reason: str
) -> None:
    view = with_gaps(running(PLAN, 60), **changes)
    work = slice_at(view)
    assert work is not None
    assert target(view) == work.target
    decision = decide(view)
    assert decision.commands, "it is not blocked"
    assert decision.why.endswith(f"; goes by its plan: {reason}")
    assert "waits: " not in decision.why


def test_the_last_slice_wants_everything() -> None:
    assert target(running(PLAN, 8 * 60 - 1)) == D(10)
    assert target(running(PLAN, 8 * 60 - 1, traded_since_start=ZERO)) == D(10)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 94),
    st.floats(0, 0.999),
    st.sampled_from([0.0, 0.01, 10.0, 1e6]),
    st.decimals(D(0), D(10), places=5),
    st.one_of(st.none(), st.decimals(D(0), D(10**8), places=5)),
    st.integers(0, 144),
)
def test_the_target_is_bounded_and_later_slices_want_no_less(
    number: int, part: float, rate: float, done: Decimal, since: Decimal | None, seen: int
) -> None:
    view = running(PLAN, 5 * (number + part), rate=rate, done=str(done), traded_since_start=since)
    view = replace(view, traded=view.traded[:seen])
    work = slice_at(view)
    assert work is not None
    found = vwap_target(view, work)
    assert found == vwap_target(view, work)
    assert ZERO <= found <= view.quantity
    if since is not None:
        assert found >= view.done
        assert is_multiple(found - view.done, MARKET.lot) or found == view.done
        later = SliceTask(PLAN.slices[number + 1], number + 1 == 95, view.quantity)
        assert vwap_target(view, later) >= found


@pytest.mark.parametrize("seed", range(3))
def test_a_vwap_does_its_whole_quantity_in_the_virtual_market(seed: int) -> None:
    duration = timedelta(minutes=2)
    plan = planned(D("0.5"), duration)
    view = replace(
        running(plan, 0),
        status=OrderStatus.SCHEDULED,
        parameters=VwapParameters(duration=duration),
        traded_since_start=None,  # the simulator holds every order to its plan
    )
    run = Simulation(view, Rates(cross_fills=1.0, shares=("1",)), seed).run()
    assert (run.view.status, run.executed) == (OrderStatus.COMPLETED, D("0.5"))


def test_vwap_is_registered_with_its_plan() -> None:
    given_input = PlanInput(
        NOW,
        Side.BUY,
        D(1),
        VwapParameters(duration=HOUR),
        None,
        NOW,
        NOW + HOUR,
        MARKET,
        D(60_000),
        candles=CANDLES,
    )
    assert plan_order("vwap", given_input) == plan_vwap(given_input)
