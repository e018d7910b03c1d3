"""A plan on another lot and over another minimum: what was left to do is still to be done, to the digit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.plans import SlicePlan, fit_plan, shift_plan, spread_slices
from tests.core.builders import MINUTE, NOW, D, even_slices, steps


def plan_of(*quantities: str) -> tuple[SlicePlan, ...]:
    return spread_slices([D(each) for each in quantities], NOW, NOW + len(quantities) * MINUTE)


@given(
    st.lists(st.decimals(D("0.000001"), D(1000), places=6), min_size=0, max_size=30),
    steps,
    st.decimals(D(0), D(100), places=4),
    st.integers(0, 40),
    st.integers(0, 100),
)
def test_the_rest_of_a_plan_fits_the_new_rules_and_its_sum_is_exact(
    quantities: list[Decimal], lot: Decimal, least: Decimal, minutes: int, done_share: int
) -> None:
    plan = spread_slices(quantities, NOW, NOW + len(quantities) * MINUTE) if quantities else ()
    total = sum(quantities, D(0))
    remaining = total - (total * done_share / 100).quantize(D("0.000001"))
    now = NOW + minutes * timedelta(seconds=31)
    rest = shift_plan(plan, remaining=remaining, paused_at=now, now=now)
    fitting = fit_plan(rest, lot=lot, least=least)
    assert sum((part.quantity for part in fitting), D(0)) == sum((part.quantity for part in rest), D(0))
    assert bool(fitting) == bool(rest)
    assert [part.number for part in fitting] == list(range(1, len(fitting) + 1))
    assert all(part.quantity % lot == 0 for part in fitting[:-1])
    assert all(part.starts_at < part.ends_at for part in fitting)
    assert all(before.ends_at == after.starts_at for before, after in pairwise(fitting))
    if rest:
        assert (fitting[0].starts_at, fitting[-1].ends_at) == (rest[0].starts_at, rest[-1].ends_at)
    if len(fitting) > 1:
        assert all(part.quantity >= least for part in fitting)
    assert fit_plan(fitting, lot=lot, least=least) == fitting


def test_a_plan_that_fits_is_as_it_was() -> None:
    plan = even_slices(D("0.3"), 3)
    assert fit_plan(plan, lot=D("0.00001"), least=D("0.001")) == plan


def test_what_the_new_lot_cannot_express_goes_with_the_last_slice() -> None:
    fitting = fit_plan(plan_of("0.123", "0.123", "0.123"), lot=D("0.1"), least=D("0.1"))
    assert [part.quantity for part in fitting] == [D("0.1"), D("0.1"), D("0.169")]


def test_slices_under_the_new_minimum_become_fewer_and_larger() -> None:
    plan = plan_of("0.1", "0.1", "0.1", "0.1", "0.1")
    fitting = fit_plan(plan, lot=D("0.1"), least=D("0.2"))
    assert [part.quantity for part in fitting] == [D("0.2"), D("0.3")]
    assert fitting[0].ends_at == NOW + 2 * MINUTE
    assert fitting[-1].ends_at == plan[-1].ends_at
    assert fit_plan(plan, lot=D("0.1"), least=D(9)) == (
        replace(plan[0], ends_at=plan[-1].ends_at, quantity=D("0.5")),
    )
