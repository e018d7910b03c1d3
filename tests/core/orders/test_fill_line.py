"""The thinned line of an order's fills: it ends at what is filled, and never says more than was filled by then."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.fill_line import POINTS, fill_line, merged_parts, parts_total

START, END = 1_000, 101_000
QUANTITY = st.integers(1, 10**6).map(lambda number: Decimal(number) / 1000)
PARTS = st.lists(st.tuples(st.integers(0, 150_000), QUANTITY), max_size=200)


@given(PARTS)
def test_merging_keeps_the_sum_and_the_curve_keeps_to_the_fills(parts: list[tuple[int, Decimal]]) -> None:
    merged = merged_parts(parts, START, END)
    assert parts_total(merged) == parts_total(parts)
    assert len(merged) <= POINTS
    done = Decimal(0)
    for at, quantity in merged:
        done += quantity
        assert done == parts_total(part for part in parts if part[0] <= at), "a point of the exact curve"


@given(PARTS, PARTS)
def test_later_fills_join_what_is_merged_already(
    first: list[tuple[int, Decimal]], more: list[tuple[int, Decimal]]
) -> None:
    later = [(150_000 + at, quantity) for at, quantity in more]
    together = merged_parts([*first, *later], START, 300_000)
    assert merged_parts([*merged_parts(first, START, 300_000), *later], START, 300_000) == together


@given(PARTS, QUANTITY)
def test_the_line_never_falls_and_ends_at_the_filled_share(
    parts: list[tuple[int, Decimal]], quantity: Decimal
) -> None:
    line = fill_line(merged_parts(parts, START, END), quantity)
    assert line == sorted(line)
    if line:
        assert line[-1][1] == round(float(parts_total(parts) / quantity), 6)


def test_an_order_without_a_quantity_has_no_line() -> None:
    assert fill_line([(1, Decimal(1))], Decimal(0)) == []
