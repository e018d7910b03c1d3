"""Means over orders: what is unknown does not count, and a mean stays among its values."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.core.tca.aggregates import MeanOf, mean_of

D = Decimal
values = st.decimals(min_value=-10000, max_value=10000, places=4)
weights = st.decimals(min_value="0.0001", max_value=1000000, places=4)
TINY = D("1e-15")


@given(st.lists(st.tuples(values, weights), min_size=1, max_size=20))
def test_both_means_lie_among_their_values(parts: list[tuple[Decimal, Decimal]]) -> None:
    found = mean_of(parts)
    lowest, highest = min(value for value, _ in parts), max(value for value, _ in parts)
    assert found.mean is not None
    assert found.weighted is not None
    assert lowest - TINY <= found.mean <= highest + TINY
    assert lowest - TINY <= found.weighted <= highest + TINY
    assert (found.standard_error is None) == (len(parts) == 1)


@given(st.lists(values, min_size=1, max_size=20), weights)
def test_equal_weights_change_nothing(numbers: list[Decimal], weight: Decimal) -> None:
    found = mean_of((number, weight) for number in numbers)
    assert found.mean is not None
    assert found.weighted is not None
    assert abs(found.mean - found.weighted) < TINY


@given(st.lists(st.tuples(values, weights), min_size=1, max_size=10), st.integers(0, 5))
def test_what_is_unknown_does_not_count(parts: list[tuple[Decimal, Decimal]], unknown: int) -> None:
    assert mean_of([*parts, *[(None, D(1))] * unknown]) == mean_of(parts)


def test_a_known_case() -> None:
    assert mean_of([(D(1), D(1)), (D(3), D(3))]) == MeanOf(2, D(2), D("2.5"), D(1))
    assert mean_of([(D(1), None), (D(3), D(3))]) == MeanOf(2, D(2), None, D(1))
    assert mean_of([(D(1), D(0))]) == MeanOf(1, D(1), None, None)
    assert mean_of([]) == MeanOf(0, None, None, None)
