"""The growth of a figure over a run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.verification.soak.growth import Sample, growth_of


def test_a_line_has_its_slope_by_hour() -> None:
    growth = growth_of([Sample(at, 100 + at / 60) for at in range(0, 3601, 60)])
    assert growth is not None
    assert growth.by_hour == pytest.approx(60)
    assert (growth.first, growth.last) == (107.5, 152.5)
    assert not growth.is_flat


@given(st.lists(st.floats(1, 1e6), min_size=4, max_size=60), st.floats(0.1, 100))
def test_a_figure_that_stays_is_flat_and_one_above_it_everywhere_grows_no_more(
    values: list[float], more: float
) -> None:
    still = growth_of([Sample(number, values[0]) for number in range(len(values))])
    assert still is not None
    assert (still.first, still.last, still.is_flat) == (values[0], values[0], True)
    assert still.by_hour == pytest.approx(0, abs=1e-3)
    low, high = (
        growth_of([Sample(number, value + add) for number, value in enumerate(values)]) for add in (0, more)
    )
    assert low is not None
    assert high is not None
    assert high.by_hour == pytest.approx(low.by_hour, rel=1e-3, abs=1)
    assert high.first == pytest.approx(low.first + more)
    assert high.last == pytest.approx(low.last + more)


@pytest.mark.parametrize("count", range(4))
def test_too_few_samples_say_nothing(count: int) -> None:
    assert growth_of([Sample(number, 1) for number in range(count)]) is None
