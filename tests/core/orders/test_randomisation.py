"""Sizes and starts by chance: the sum, the lots, the minimums, the times' order and the ends stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from execution.core.algorithms.registry import plan_order
from execution.core.orders.parameters import MIN_SLICE, IcebergParameters, TwapParameters
from execution.core.orders.plans import PlanInput, SlicePlan, spread_slices
from execution.core.orders.randomisation import randomised, wants_seed
from execution.core.quantities import is_multiple, minimum_quantity, split_even
from execution.core.types import Market, Side
from tests.core.builders import MARKET, MINUTE, NOW, D, even_slices, markets, prices, twap


def random_twap(size: str = "0.3", time: str = "0.3", seed: int | None = 1, **more: Any) -> TwapParameters:
    return twap(randomise_size=D(size), randomise_time=D(time), seed=seed, **more)


@st.composite
def plans(draw: st.DrawFn) -> tuple[tuple[SlicePlan, ...], Market]:
    market = draw(markets())
    lots, count = draw(st.integers(1, 10**6)), draw(st.integers(1, 40))
    length = timedelta(seconds=draw(st.integers(2, 7200)) * count)
    return spread_slices(split_even(lots * market.lot, market.lot, count), NOW, NOW + length), market


@given(
    plans(),
    prices,
    st.decimals(0, D("0.5"), places=2),
    st.decimals(0, D("0.5"), places=2),
    st.integers(0, 2**53),
)
def test_a_randomised_plan_keeps_its_sum_lots_minimums_order_and_ends(
    plan: tuple[tuple[SlicePlan, ...], Market], price: Any, size: Any, time: Any, seed: int
) -> None:
    slices, market = plan
    assume(size or time)
    parameters = random_twap(str(size), str(time), seed)
    drawn = randomised(slices, parameters, market, price)
    assert drawn == randomised(slices, parameters, market, price), "the same seed gave another plan"
    assert sum(part.quantity for part in drawn) == sum(part.quantity for part in slices)
    assert (drawn[0].starts_at, drawn[-1].ends_at) == (slices[0].starts_at, slices[-1].ends_at)
    least = minimum_quantity(market, price)
    for part, planned in zip(drawn, slices, strict=True):
        length = planned.ends_at - planned.starts_at
        assert is_multiple(part.quantity, market.lot)
        assert abs(part.quantity - planned.quantity) <= size * planned.quantity
        assert part.quantity >= min(least, planned.quantity)
        assert abs(part.starts_at - planned.starts_at) <= length * float(time)
        assert part.ends_at - part.starts_at >= min(length, MIN_SLICE)
    assert all(before.ends_at == after.starts_at for before, after in pairwise(drawn))


def test_nothing_is_drawn_where_nothing_is_asked_for() -> None:
    slices = even_slices(D("0.3"), 3)
    assert randomised(slices, twap(), MARKET, D(60000)) is slices


def test_sizes_and_starts_really_differ_and_another_seed_draws_others() -> None:
    slices = even_slices(D("3"), 30, minutes=30)
    drawn = randomised(slices, random_twap(), MARKET, D(60000))
    moved = [part for part, plan in zip(drawn, slices, strict=True) if part.starts_at != plan.starts_at]
    sized = [part for part, plan in zip(drawn, slices, strict=True) if part.quantity != plan.quantity]
    assert len(moved) > 25
    assert len(sized) > 25
    assert max(abs(part.quantity - D("0.1")) for part in drawn) > D("0.015"), "the reach is hardly used"
    assert drawn != randomised(slices, random_twap(seed=2), MARKET, D(60000))


def test_a_slice_stays_under_the_exchange_s_maximum() -> None:
    market = replace(MARKET, max_quantity=D("0.101"))
    drawn = randomised(even_slices(D("3"), 30), random_twap(), market, D(60000))
    assert max(part.quantity for part in drawn) <= D("0.101")
    assert sum(part.quantity for part in drawn) == 3


def test_randomness_without_a_seed_is_a_fault() -> None:
    with pytest.raises(ValueError, match="without a seed"):
        randomised(even_slices(D("0.3"), 3), random_twap(seed=None), MARKET, None)


def test_every_sliced_plan_is_randomised_and_says_so() -> None:
    parameters = random_twap("0.2", "0.1", 7, slices=3)
    asked = PlanInput(
        now=NOW,
        side=Side.BUY,
        quantity=D("0.3"),
        parameters=parameters,
        limit_price=None,
        start=NOW,
        end=NOW + 3 * MINUTE,
        market=MARKET,
        price=D(60000),
    )
    plan = plan_order("twap", asked)
    assert plan.slices == randomised(even_slices(D("0.3"), 3), parameters, MARKET, D(60000))
    assert plan.notes == ("slice sizes vary by up to 20 %, starts by up to 10 % of a slice (seed 7)",)
    assert plan_order("twap", replace(asked, parameters=twap(slices=3))).notes == ()


def test_a_seed_is_wanted_where_randomness_is_asked_for_and_none_is_given() -> None:
    assert not wants_seed(twap())
    assert wants_seed(random_twap(seed=None))
    assert not wants_seed(random_twap(seed=0))
    iceberg = IcebergParameters(duration=MINUTE, visible_quantity=D(1))
    assert not wants_seed(iceberg)
    assert wants_seed(iceberg.model_copy(update={"randomise_visible": D("0.1")}))
