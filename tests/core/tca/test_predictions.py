"""Predicted against achieved: the pairs that count, the bias, and groups of similar predictions."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from execution.core.tca.buckets import MIN_ORDERS
from execution.core.tca.predictions import STEPS, Pair, calibration

D = Decimal
costs = st.decimals(min_value=-1000, max_value=1000, places=4)
weights = st.decimals(min_value="0.0001", max_value=1000000, places=4)
pairs = st.lists(
    st.builds(
        Pair,
        order=st.text("abc", min_size=1, max_size=3),
        notional=st.none() | weights,
        predicted_bp=st.none() | costs,
        achieved_bp=st.none() | costs,
    ),
    max_size=60,
)


@given(pairs)
def test_every_order_is_a_pair_or_counted_as_unknown(found: list[Pair]) -> None:
    result = calibration(found)
    assert len(result.pairs) == result.error.orders == result.absolute_error.orders
    assert result.error.orders + result.error.unknown == len(found)
    if result.steps:
        assert sum(step.predicted.orders for step in result.steps) == len(result.pairs)
        assert [step.predicted.orders for step in result.steps] == [
            step.achieved.orders for step in result.steps
        ]


@given(pairs, st.randoms())
def test_the_sequence_of_the_orders_changes_nothing(found: list[Pair], random: Random) -> None:
    other = list(found)
    random.shuffle(other)
    assert calibration(found) == calibration(other)


@given(pairs)
def test_steps_are_sorted_and_none_is_small(found: list[Pair]) -> None:
    steps = calibration(found).steps
    means = [step.predicted.mean for step in steps]
    assert len(steps) in (0, STEPS)
    assert all(not step.predicted.is_few for step in steps)
    assert all(
        before is not None and after is not None and before <= after + D("1e-12")
        for before, after in pairwise(means)
    )


def test_a_bias_is_seen() -> None:
    found = calibration([Pair(str(n), D(1), D(n), D(n + 2)) for n in range(STEPS * MIN_ORDERS)])
    assert (found.error.mean, found.absolute_error.mean) == (D(2), D(2))
    assert [(step.predicted.mean, step.achieved.mean) for step in found.steps] == [
        (D(2 + 5 * n), D(4 + 5 * n)) for n in range(STEPS)
    ]
    assert calibration([Pair("a", D(1), D(1), D(-3)), Pair("b", D(1), D(1), D(5))]).error.mean == D(0)


def test_what_is_unknown_is_not_zero() -> None:
    found = calibration(
        [Pair("a", D(1), None, D(1)), Pair("b", D(1), D(1), None), Pair("c", None, D(1), D(1))]
    )
    assert (found.error.orders, found.error.unknown, found.error.mean) == (0, 3, None)
