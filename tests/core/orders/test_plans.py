"""Plans: exact sums, no slice below the minimum, windows without gaps, and clear refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from execution.core.numbers import plain
from execution.core.orders.parameters import MIN_SLICE, TwapParameters
from execution.core.orders.plans import (
    PlanInput,
    SlicePlan,
    base_quantity,
    check_limit_price,
    plan_bounds,
    plan_twap,
    shift_plan,
    slice_count,
)
from execution.core.problems import Problem, Refused
from execution.core.quantities import is_multiple, minimum_quantity
from execution.core.types import ZERO, Market, Side, Unit
from tests.core.builders import MARKET, MINUTE, NOW, D, even_slices, markets, prices, twap

durations = st.timedeltas(timedelta(seconds=2), timedelta(days=7))
PRICE = D(60_000)


def plan_even(
    *,
    quantity: Decimal,
    parameters: TwapParameters,
    market: Market,
    price: Decimal | None,
    start: datetime,
    end: datetime,
) -> tuple[SlicePlan, ...]:
    return plan_twap(PlanInput(start, Side.BUY, quantity, parameters, None, start, end, market, price)).slices


def refused(exception: pytest.ExceptionInfo[Refused]) -> Problem:
    (problem,) = exception.value.problems
    return problem


@given(
    markets(),
    st.one_of(st.none(), prices),
    st.integers(1, 10_000),
    durations,
    st.one_of(st.none(), st.integers(1, 60)),
)
def test_a_plan_sums_exactly_and_no_slice_is_below_the_minimum(
    market: Market, price: Decimal | None, lots: int, duration: timedelta, asked: int | None
) -> None:
    quantity, end = lots * market.lot, NOW + duration
    bounds = plan_bounds(quantity, market, price, NOW, end)
    assume(quantity >= bounds.minimum)
    assume(asked is None or asked <= bounds.max_slices)
    slices = plan_even(
        quantity=quantity, parameters=twap(slices=asked), market=market, price=price, start=NOW, end=end
    )
    assert sum(part.quantity for part in slices) == quantity
    assert all(part.quantity >= max(market.min_quantity, market.lot) for part in slices)
    assert price is None or all(part.quantity >= minimum_quantity(market, price) for part in slices)
    assert all(is_multiple(part.quantity, market.lot) for part in slices)
    assert asked is None or len(slices) == asked


@given(st.integers(1, 50), durations)
def test_the_windows_of_a_plan_fill_it_without_a_gap(count: int, duration: timedelta) -> None:
    end = NOW + duration
    assume(count * MIN_SLICE <= duration)
    slices = plan_even(
        quantity=D(1), parameters=twap(slices=count), market=MARKET, price=PRICE, start=NOW, end=end
    )
    assert slices[0].starts_at == NOW
    assert slices[-1].ends_at == end
    assert all(a.ends_at == b.starts_at for a, b in pairwise(slices))
    assert all(part.starts_at < part.ends_at for part in slices)
    assert [part.number for part in slices] == list(range(1, count + 1))


def test_without_a_number_there_is_one_slice_a_minute() -> None:
    slices = plan_even(
        quantity=D("2.5"), parameters=twap(), market=MARKET, price=PRICE, start=NOW, end=NOW + 12 * MINUTE
    )
    assert len(slices) == 12


def test_without_a_number_the_minimum_makes_fewer_and_larger_slices() -> None:
    slices = plan_even(
        quantity=D("0.001"), parameters=twap(), market=MARKET, price=PRICE, start=NOW, end=NOW + 12 * MINUTE
    )
    assert [part.quantity for part in slices] == [D("0.0002")] * 5  # at least 0.00019 each


def test_too_many_slices_are_refused_and_told_how_many_there_may_be() -> None:
    with pytest.raises(Refused) as exception:
        plan_even(
            quantity=D("0.001"),
            parameters=twap(slices=6),
            market=MARKET,
            price=PRICE,
            start=NOW,
            end=NOW + MINUTE,
        )
    problem = refused(exception)
    assert (problem.field, problem.value, problem.limit) == ("slices", "6", "5")
    assert "at most 5" in problem.message
    assert "0.00019 BTC" in problem.message


def test_slices_shorter_than_the_shortest_are_refused() -> None:
    with pytest.raises(Refused) as exception:
        plan_even(
            quantity=D(1), parameters=twap(slices=31), market=MARKET, price=PRICE, start=NOW, end=NOW + MINUTE
        )
    assert refused(exception).limit == "30"


@given(st.decimals(D(10), D(10_000_000), places=2), prices)
def test_a_quote_amount_becomes_the_largest_base_quantity_that_it_buys(
    amount: Decimal, price: Decimal
) -> None:
    market = replace(MARKET, min_notional=ZERO)
    assume(amount / price >= 2 * market.lot)
    base = base_quantity(amount, Unit.QUOTE, market, price)
    assert is_multiple(base, market.lot)
    assert base * price <= amount * (1 + D("1e-20"))
    assert (base + market.lot) * price > amount * (1 - D("1e-20"))


@pytest.mark.parametrize(
    ("quantity", "unit", "price", "value", "limit", "words"),
    [
        ("0.123456789", Unit.BASE, PRICE, "0.123456789", "0.00001", "finer than the lot 0.00001 BTC"),
        ("0.00018", Unit.BASE, PRICE, "0.00018", "0.00019", "below the minimum of 0.00019 BTC"),
        ("10.5", Unit.QUOTE, PRICE, "0.00017", "0.00019", "below the minimum of 0.00019 BTC"),
        ("100", Unit.QUOTE, None, "", "", "No price of BTC/USDT is known"),
        ("0.000001", Unit.BASE, None, "0.000001", "0.00001", "finer than the lot"),
    ],
)
def test_a_quantity_that_the_exchange_would_not_take_is_refused(
    quantity: str, unit: Unit, price: Decimal | None, value: str, limit: str, words: str
) -> None:
    with pytest.raises(Refused) as exception:
        base_quantity(D(quantity), unit, MARKET, price)
    problem = refused(exception)
    assert (problem.field, problem.value, problem.limit) == ("quantity", value, limit)
    assert words in problem.message


def test_a_limit_finer_than_the_tick_is_refused() -> None:
    with pytest.raises(Refused) as exception:
        check_limit_price(D("60000.005"), MARKET)
    assert (refused(exception).field, refused(exception).limit) == ("limit_price", "0.01")
    check_limit_price(D("60000.05"), MARKET)
    check_limit_price(None, MARKET)


@given(
    st.integers(1, 30),
    st.integers(1, 100_000),
    st.integers(0, 100_000),
    st.floats(0, 0.999),
    st.timedeltas(timedelta(0), timedelta(hours=5)),
)
def test_a_shifted_plan_sums_to_what_remains_and_never_starts_before_now(
    count: int, lots: int, done: int, paused: float, lost: timedelta
) -> None:
    quantity, remaining = lots * MARKET.lot, max(lots - done, 0) * MARKET.lot
    slices = even_slices(quantity, count)
    paused_at = NOW + 3 * MINUTE * paused
    now = paused_at + lost
    shifted = shift_plan(slices, remaining=remaining, paused_at=paused_at, now=now)
    assert sum((part.quantity for part in shifted), ZERO) == remaining
    assert all(part.starts_at >= now for part in shifted)
    assert all(part.starts_at < part.ends_at for part in shifted)
    assert all(a.ends_at == b.starts_at for a, b in pairwise(shifted))
    assert not shifted or shifted[-1].ends_at == slices[-1].ends_at + lost
    assert [part.number for part in shifted] == list(range(1, len(shifted) + 1))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=D("-1e20"), max_value=D("1e20")))
def test_a_plain_number_is_the_same_number_without_exponent(number: Decimal) -> None:
    text = plain(number)
    assert D(text) == number
    assert "E" not in text.upper()
    assert not (text.endswith("0") and "." in text)


@pytest.mark.parametrize(("seconds", "count"), [(5, 1), (40, 4), (100, 10), (599, 10), (900, 15), (3600, 60)])
def test_an_order_that_does_not_say_is_sliced_by_the_minute_and_a_short_one_in_ten(
    seconds: int, count: int
) -> None:
    end = NOW + timedelta(seconds=seconds)
    assert slice_count(None, D(10), MARKET, D(60_000), NOW, end) == count
    assert slice_count(None, D("0.0004"), MARKET, D(60_000), NOW, end) == min(count, 2), "by the minimum"
