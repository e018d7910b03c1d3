"""Costs in buckets: every order is in one, weights add up, and the sequence of the orders changes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.tca.aggregates import mean_of
from execution.core.tca.buckets import (
    MAX_BINS,
    Point,
    Quartiles,
    Summary,
    by_hour,
    by_size,
    by_week,
    difference_is_clear,
    distribution,
    quartiles,
    round_width,
    summarise,
    trend,
)

D = Decimal
TINY = D("1e-12")
START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
costs = st.decimals(min_value=-10000, max_value=10000, places=4)
weights = st.decimals(min_value="0.0001", max_value=1000000, places=4)
moments = st.integers(0, 40 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
points = st.lists(
    st.builds(
        Point,
        order=st.text("abc", min_size=1, max_size=3),
        at=moments,
        size=st.none() | weights,
        notional=st.none() | weights,
        cost_bp=st.none() | costs,
    ),
    max_size=30,
)


def known(found: list[Point]) -> list[Point]:
    return [point for point in found if point.cost_bp is not None and point.notional is not None]


def point(
    cost: str | None, notional: str | None = "1", at: datetime = START, size: str | None = "1"
) -> Point:
    size_, notional_, cost_ = (None if text is None else D(text) for text in (size, notional, cost))
    return Point("x", at, size_, notional_, cost_)


# --- summaries -----------------------------------------------------------------------------------


@given(st.lists(st.tuples(costs, weights), min_size=1, max_size=20))
def test_a_mean_lies_among_its_values_and_the_quartiles_in_their_sequence(
    pairs: list[tuple[Decimal, Decimal]],
) -> None:
    found = summarise(pairs)
    values = sorted(value for value, _ in pairs)
    assert found.mean is not None
    assert found.quartiles is not None
    assert values[0] - TINY <= found.mean <= values[-1] + TINY
    middle = found.quartiles
    assert values[0] <= middle.lower <= middle.median <= middle.upper <= values[-1]
    assert found.notional == sum(weight for _, weight in pairs)
    assert (found.standard_error is None) == (len(pairs) == 1)


@given(st.lists(costs, min_size=2, max_size=20), weights)
def test_with_equal_weights_the_error_is_that_of_a_plain_mean(values: list[Decimal], weight: Decimal) -> None:
    found, plain = (
        summarise((value, weight) for value in values),
        mean_of((value, weight) for value in values),
    )
    assert found.mean is not None
    assert plain.mean is not None
    assert found.standard_error is not None
    assert plain.standard_error is not None
    assert abs(found.mean - plain.mean) < TINY
    assert abs(found.standard_error - plain.standard_error) < TINY


@given(st.lists(st.tuples(costs, weights), max_size=10), st.integers(0, 5), st.integers(0, 5))
def test_an_unknown_value_is_counted_and_changes_no_figure(
    pairs: list[tuple[Decimal, Decimal]], no_cost: int, no_weight: int
) -> None:
    found = summarise([*pairs, *[(None, D(1))] * no_cost, *[(D(99), None)] * no_weight])
    without = summarise(pairs)
    assert (found.orders, found.unknown) == (len(pairs), no_cost + no_weight)
    assert (found.mean, found.standard_error, found.quartiles) == (
        *(without.mean, without.standard_error, without.quartiles),
    )


def test_a_known_summary() -> None:
    found = summarise([(D(10), D(1)), (D(20), D(3))])
    # mean 17.5; squares 1 · 7.5² + 9 · 2.5² = 112.5, times 2 / 1, root 15, over 4
    assert found == Summary(2, 0, D(4), D("17.5"), D("3.75"), Quartiles(D("12.5"), D(15), D("17.5")))
    assert found.is_few
    assert not summarise([(D(1), D(1))] * 5).is_few
    assert summarise([]) == Summary(0, 0, D(0), None, None, None)
    assert summarise([(D(5), D(0))]) == Summary(0, 1, D(0), None, None, None), "no weight, no mean"


def test_quartiles_interpolate() -> None:
    assert quartiles([]) is None
    assert quartiles([D(7)]) == Quartiles(D(7), D(7), D(7))
    assert quartiles([D(4), D(1), D(2), D(3), D(5)]) == Quartiles(D(2), D(3), D(4))


def test_a_difference_is_clear_beyond_two_standard_errors() -> None:
    assert not difference_is_clear(D(10), D(3), D(0), D(4))  # exactly two errors of 5
    assert difference_is_clear(D("10.01"), D(3), D(0), D(4))
    assert difference_is_clear(D(0), D(3), D("10.01"), D(4))


# --- buckets -------------------------------------------------------------------------------------


@given(points)
def test_every_order_is_in_one_bucket_and_the_notionals_add_up(found: list[Point]) -> None:
    sizes, unsized = by_size(found)
    buckets = {
        "week": (list(by_week(found).values()), 0),
        "hour": (list(by_hour(found).values()), 0),
        "size": ([bucket.summary for bucket in sizes], unsized),
    }
    for name, (summaries, beside) in buckets.items():
        assert sum(one.orders + one.unknown for one in summaries) + beside == len(found), name
    total = sum((one.notional or D(0) for one in known(found)), D(0))
    assert sum((one.notional for one in by_week(found).values()), D(0)) == total
    assert sum((one.notional for one in by_hour(found).values()), D(0)) == total
    bins = distribution(found)
    assert sum(one.orders for one in bins) == len(known(found))
    assert sum((one.notional for one in bins), D(0)) == total


@given(points, st.randoms())
def test_the_sequence_of_the_orders_changes_nothing(found: list[Point], random: Random) -> None:
    other = list(found)
    random.shuffle(other)
    assert by_week(found) == by_week(other)
    assert by_hour(found) == by_hour(other)
    assert by_size(found) == by_size(other)
    assert distribution(found) == distribution(other)
    assert trend(found) == trend(other)


@given(points)
def test_buckets_are_sorted_and_hold_their_orders(found: list[Point]) -> None:
    assert list(by_week(found)) == sorted(by_week(found))
    assert all(day.weekday() == 0 for day in by_week(found))
    assert list(by_hour(found)) == sorted(by_hour(found))
    sizes, _ = by_size(found)
    assert all(before.upper <= after.lower for before, after in pairwise(sizes))
    for bucket in sizes:
        inside = [one for one in found if one.size is not None and bucket.lower <= one.size < bucket.upper]
        assert bucket.summary.orders + bucket.summary.unknown == len(inside)


@given(points)
def test_bins_follow_on_each_other_and_only_their_ends_are_open(found: list[Point]) -> None:
    bins = distribution(found)
    assert (bins == []) == (known(found) == [])
    assert all(before.upper == after.lower for before, after in pairwise(bins))
    assert all(one.lower is not None for one in bins[1:])
    assert all(one.upper is not None for one in bins[:-1])
    assert len(bins) <= MAX_BINS + 2
    for one in bins:
        inside = [
            cost
            for cost in (point.cost_bp for point in known(found))
            if cost is not None
            and (one.lower is None or cost >= one.lower)
            and (one.upper is None or cost < one.upper)
        ]
        assert one.orders == len(inside)
        assert one.orders or (one.lower is not None and one.upper is not None), "an empty open end"


def test_weeks_begin_on_mondays_and_hours_are_of_the_start() -> None:
    found = [point("1", at=START - timedelta(seconds=1)), point("3", at=START), point(None, at=START)]
    weeks = by_week(found)
    assert {day: (one.orders, one.unknown, one.mean) for day, one in weeks.items()} == {
        date(2026, 2, 23): (1, 0, D(1)),
        date(2026, 3, 2): (1, 1, D(3)),
    }
    assert list(by_hour(found)) == [0, 23]


def test_a_trend_compares_the_newest_weeks_with_as_many_before() -> None:
    ages = {0: "1", 3: "3", 4: "10", 7: "20", 8: "500"}
    recent, before = trend([point(cost, at=START - timedelta(weeks=age)) for age, cost in ages.items()])
    assert (recent.orders, recent.mean, before.orders, before.mean) == (2, D(2), 2, D(15))
    assert [one.orders for one in trend([])] == [0, 0]


def test_sizes_have_round_bounds() -> None:
    sizes = ["999.99", "1000", "2999.99", "3000", "0.05"]
    buckets, unsized = by_size([point("1", size=size) for size in [*sizes, None, "0"]])
    assert unsized == 2
    assert [(one.lower, one.upper, one.summary.orders) for one in buckets] == [
        (D("0.03"), D("0.1"), 1),
        (D(300), D(1000), 1),
        (D(1000), D(3000), 2),
        (D(3000), D(10000), 1),
    ]


def test_one_far_order_is_in_an_open_end() -> None:
    near = [point(str(cost)) for cost in range(20)]
    bins = distribution([*near, point("5000", "7")])
    assert (bins[-1].upper, bins[-1].orders, bins[-1].notional) == (None, 1, D(7))
    assert sum(one.orders for one in bins[:-1]) == 20


def test_equal_costs_are_one_bin() -> None:
    (only,) = distribution([point("2.5")] * 9)
    assert only.lower is not None
    assert only.upper is not None
    assert (only.lower <= D("2.5") < only.upper, only.orders) == (True, 9)


@pytest.mark.parametrize(
    ("wanted", "width"), [("0.1", "0.1"), ("0.11", "0.2"), ("2", "2"), ("2.1", "5"), ("51", "100")]
)
def test_widths_are_round(wanted: str, width: str) -> None:
    assert round_width(D(wanted)) == D(width)
