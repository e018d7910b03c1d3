"""The progress of an order against its plan, by the plan's own steps, at any time of a fill within its slice."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.schedule import (
    BEHIND_SHARE,
    ON_SCHEDULE,
    SETTLING_MS,
    finish_share,
    is_behind,
    share_due,
)

#: Length of a slice in milliseconds, its quantity in lots, and when it is filled inside of it (0 to 1, in parts).
slices = st.lists(
    st.tuples(st.integers(1_000, 600_000), st.integers(1, 1_000), st.lists(st.floats(0, 1), max_size=4)),
    min_size=1,
    max_size=40,
)


def line_of(lengths: list[int], lots: list[int]) -> list[tuple[int, float]]:
    """Return the line as the rows of the lists have it: shares rounded to six digits."""
    total = sum(lots)
    edges = accumulate(lengths, initial=0)
    return [(at, round(done / total, 6)) for at, done in zip(edges, accumulate(lots, initial=0), strict=True)]


@given(slices, st.data())
def test_an_order_that_does_what_its_plan_says_is_never_ahead_or_behind_and_ends_with_it(
    plan: list[tuple[int, int, list[float]]], data: st.DataObject
) -> None:
    line = line_of([length for length, _, _ in plan], [lots for _, lots, _ in plan])
    total = sum(lots for _, lots, _ in plan)
    fills = []
    for (length, lots, moments), (start, _) in zip(plan, line, strict=False):
        parts = sorted(moments) or [1.0]
        fills += [(start + moment * length, lots / len(parts) / total) for moment in parts]
    # At each fill, each edge of a slice, and anywhere.
    moments_ = [round(at) for at, _ in fills] + [at for at, _ in line]
    now = data.draw(st.one_of(st.sampled_from(moments_), st.integers(-1_000, line[-1][0] + 60_000)))
    done = sum(share for at, share in fills if at <= now)
    due = share_due(line, now, done)
    assert due == pytest.approx(done, abs=2e-6)
    assert finish_share(line, now, done) == 1


@given(slices, st.integers(-5_000, 30_000_000), st.integers(0, 600_000), st.floats(0, 1))
def test_what_is_due_never_falls_and_stays_inside_the_plan(
    plan: list[tuple[int, int, list[float]]], at: int, later: int, done: float
) -> None:
    line = line_of([length for length, _, _ in plan], [lots for _, lots, _ in plan])
    now, then = share_due(line, at, done), share_due(line, at + later, done)
    assert now is not None
    assert then is not None
    assert 0 <= now <= then <= 1


@given(slices, st.integers(0, 30_000_000), st.floats(0, 1))
def test_an_order_behind_ends_short_and_no_other(
    plan: list[tuple[int, int, list[float]]], at: int, done: float
) -> None:
    line = line_of([length for length, _, _ in plan], [lots for _, lots, _ in plan])
    due, finish = share_due(line, at, done), finish_share(line, at, done)
    assert due is not None
    assert finish is not None
    assert done <= finish <= 1
    assert (finish < 1) == (due - done >= ON_SCHEDULE)


def test_ahead_and_behind_are_counted_from_the_edges_of_the_open_slice() -> None:
    line = [(minute * 60_000, minute / 60) for minute in range(61)]
    in_the_third = 150_000
    assert share_due(line, in_the_third, 0.0) == pytest.approx(2 / 60)
    assert share_due(line, in_the_third, 2.5 / 60) == pytest.approx(2.5 / 60)
    assert share_due(line, in_the_third, 1.0) == pytest.approx(3 / 60)
    assert finish_share(line, in_the_third, 1 / 60) == pytest.approx(0.5)


def test_a_slice_is_judged_when_its_last_fills_have_had_their_time() -> None:
    line = [(0, 0.0), (60_000, 0.5), (120_000, 1.0)]
    assert share_due(line, 60_000 + SETTLING_MS - 1, 0.4) == 0.4
    assert share_due(line, 60_000 + SETTLING_MS, 0.4) == 0.5


def test_what_lots_leave_to_the_next_slice_is_not_behind() -> None:
    line = [(0, 0.0), (60_000, 0.5), (120_000, 1.0)]
    assert finish_share(line, 70_000, 0.4997) == 1
    assert finish_share(line, 70_000, 0.499) == pytest.approx(0.998)


def test_a_later_plan_is_judged_from_what_was_done_when_it_was_made() -> None:
    line = [(0, 0.4), (60_000, 0.7), (120_000, 1.0)]
    assert share_due(line, -5, 0.4) == 0.4
    assert finish_share(line, 70_000, 0.55) == pytest.approx(0.4 + 0.5 * 0.6)


def test_a_thinned_plan_does_not_make_an_order_late() -> None:
    """Of every twelve slices one point is kept: what lies between is inside of the plan."""
    fine = [(minute * 60_000, minute / 1_440) for minute in range(1_441)]
    thinned = [*fine[:-1:12], fine[-1]]
    for (_, before), (at, _) in pairwise(fine):
        assert share_due(thinned, at - 1, before) == before


def test_without_a_plan_nothing_is_due_and_nobody_is_behind() -> None:
    assert share_due([], 5, 0.0) is None
    assert finish_share([], 5, 0.0) is None
    assert not is_behind([], 5, 0.0)


def test_an_order_is_behind_when_an_ended_slice_lacks_more_than_a_twentieth_of_the_order() -> None:
    line = [(0, 0.0), (60_000, 0.5), (120_000, 1.0)]
    assert not is_behind(line, 59_000, 0.0)
    assert not is_behind(line, 70_000, 0.5 - BEHIND_SHARE)
    assert is_behind(line, 70_000, 0.499 - BEHIND_SHARE)
