"""Lots and ticks: exact, and never worse than asked."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.quantities import (
    ceil_to,
    collar_price,
    crossing_price,
    floor_to,
    is_multiple,
    minimum_quantity,
    round_price,
    side_cost_bp,
    split_even,
    worse_of_allowed,
)
from execution.core.types import ZERO, Market, Quote, Side
from tests.core.builders import MARKET, NOW, D, markets, prices, sides, steps

values = st.decimals(D("-1000000"), D("1000000"), places=8)


@given(values, steps)
def test_floor_and_ceiling_enclose_the_value_within_one_step(value: Decimal, step: Decimal) -> None:
    low, high = floor_to(value, step), ceil_to(value, step)
    assert low <= value <= high
    assert value - low < step
    assert high - value < step
    assert is_multiple(low, step)
    assert is_multiple(high, step)


@given(st.integers(0, 10**12), steps)
def test_a_multiple_stays_what_it_is(count: int, step: Decimal) -> None:
    value = count * step
    assert is_multiple(value, step)
    assert floor_to(value, step) == value == ceil_to(value, step)


@given(prices, steps, sides)
def test_a_rounded_price_is_on_the_tick_and_never_worse(price: Decimal, tick: Decimal, side: Side) -> None:
    rounded = round_price(price, tick, side)
    assert is_multiple(rounded, tick)
    assert (rounded - price) * side.sign <= 0
    assert abs(rounded - price) < tick


@pytest.mark.parametrize(
    ("side", "half_spread", "collar", "price"),
    [
        (Side.BUY, "1", "50", "10045"),
        (Side.SELL, "1", "50", "9955"),
        # The touch is inside the last tenth, so the child may go to the collar itself.
        (Side.BUY, "46", "50", "10050"),
        (Side.SELL, "46", "50", "9950"),
        # The touch is beyond the collar.
        (Side.BUY, "60", "50", "10050"),
    ],
)
def test_a_child_that_takes_keeps_a_tenth_of_the_collar_unless_the_touch_is_there(
    side: Side, half_spread: str, collar: str, price: str
) -> None:
    quote = Quote(D(10_000) - D(half_spread), D(10_000) + D(half_spread), None, None, NOW)
    assert crossing_price(quote, D(collar), D(1), side) == D(price)


@given(prices, st.decimals(D("0.01"), D(500), places=2), steps, sides)
def test_the_collar_is_never_exceeded(reference: Decimal, collar: Decimal, tick: Decimal, side: Side) -> None:
    price = collar_price(reference, collar, tick, side)
    edge = reference * (1 + side.sign * collar / 10_000)
    assert is_multiple(price, tick)
    assert (price - edge) * side.sign <= 0


@given(prices, prices, sides)
def test_a_price_is_never_beyond_the_limit(price: Decimal, limit: Decimal, side: Side) -> None:
    allowed = worse_of_allowed(price, limit, side)
    assert (allowed - limit) * side.sign <= 0
    assert allowed in {price, limit}
    assert worse_of_allowed(price, None, side) == price


@given(markets(), prices)
def test_the_minimum_is_on_the_lot_and_above_what_the_exchange_wants(market: Market, price: Decimal) -> None:
    least = minimum_quantity(market, price)
    assert is_multiple(least, market.lot)
    assert least >= market.min_quantity
    assert least >= market.lot
    assert least * price >= market.min_notional


@given(st.integers(0, 10**9), steps, st.integers(1, 500))
def test_an_even_split_sums_exactly_and_differs_by_one_lot_at_most(
    count: int, step: Decimal, parts: int
) -> None:
    total = count * step
    shares = split_even(total, step, parts)
    assert len(shares) == parts
    assert sum(shares) == total
    assert max(shares) - min(shares) <= step
    assert all(is_multiple(share, step) for share in shares)


@given(prices, prices)
def test_the_cost_of_one_side_is_the_gain_of_the_other(average: Decimal, benchmark: Decimal) -> None:
    cost = side_cost_bp(Side.BUY, average, benchmark)
    assert cost == -side_cost_bp(Side.SELL, average, benchmark)
    assert (cost > 0) == (average > benchmark) or abs(average - benchmark) < benchmark * D("1e-20")


def test_a_buy_above_its_benchmark_costs_and_a_sell_above_it_gains() -> None:
    assert side_cost_bp(Side.BUY, D("100.5"), D(100)) == 50
    assert side_cost_bp(Side.SELL, D("100.5"), D(100)) == -50


@pytest.mark.parametrize("benchmark", [ZERO, D(-1)])
def test_a_benchmark_that_is_not_positive_is_refused(benchmark: Decimal) -> None:
    with pytest.raises(ValueError, match=f"benchmark price is {benchmark}; it must be above zero"):
        side_cost_bp(Side.BUY, D(1), benchmark)


def test_the_minimum_of_a_dear_coin_is_what_its_notional_wants() -> None:
    # 10 USDT with a margin of a tenth, at 60,000: 0.000183..., up to the lot.
    assert minimum_quantity(MARKET, D(60_000)) == D("0.00019")
