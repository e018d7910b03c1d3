"""The ladder of several books: nothing is lost or counted twice, steps are edges, sizes reach as far as they must."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.routing.account_selection import average_price
from execution.core.routing.ladder import LadderSide, OwnChild, ladder_side, merged_levels, reach
from execution.core.types import ZERO, Book, Level, Side
from tests.factories import NOW, D

EVERY = 10_000
STEPS = [D("0.01"), D("0.1"), D("0.25"), D(1), D(10)]
sides = st.sampled_from(Side)
steps = st.sampled_from(STEPS)
sizes = st.integers(1, 5000).map(lambda thousandths: Decimal(thousandths) / 1000)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Return a sane book around 100 on a tick of a hundredth; the books of two draws may cross."""
    mid = draw(st.integers(9_950, 10_050))

    def side(sign: int) -> tuple[Level, ...]:
        ticks = sorted(draw(st.sets(st.integers(1, 400), max_size=12)))
        return tuple((Decimal(mid + sign * tick) / 100, draw(sizes)) for tick in ticks)

    return Book(side(-1), side(1), NOW)


several = st.lists(books(), min_size=1, max_size=4)
children = st.lists(
    st.builds(
        OwnChild, st.just("abc"), sides, st.integers(9_000, 11_000).map(lambda p: Decimal(p) / 100), sizes
    ),
    max_size=5,
)


def all_of(found: LadderSide) -> Decimal:
    return sum((row.size for row in found.rows), ZERO)


@given(several, sides, steps)
def test_no_size_is_lost_or_counted_twice(given_books: list[Book], taker: Side, step: Decimal) -> None:
    found = ladder_side(given_books, taker, step=step, rows=EVERY)
    for place, book in enumerate(given_books):
        there = sum((size for _, size in book.to_take(taker)), ZERO)
        assert sum((row.sizes[place] for row in found.rows), ZERO) == there
    running = ZERO
    for row in found.rows:
        running += row.size
        assert row.depth == running


@given(several, sides, steps, children)
def test_rows_are_edges_of_steps_from_the_best_on(
    given_books: list[Book], taker: Side, step: Decimal, own: list[OwnChild]
) -> None:
    found = ladder_side(given_books, taker, step=step, rows=EVERY, own=own)
    prices = [row.price for row in found.rows]
    assert prices == sorted(set(prices), reverse=taker is Side.SELL)
    assert all(price % step == 0 for price in prices)
    for price, _ in merged_levels(given_books, taker):
        edge = min(prices, key=lambda at: abs(at - price) if (at - price) * taker.sign >= 0 else EVERY)
        assert ZERO <= (edge - price) * taker.sign < step, "worse for the taker, and by less than a step"


@given(several, sides, steps, children, st.integers(0, 12))
def test_each_own_child_of_the_side_stands_once_in_its_row_or_beyond(
    given_books: list[Book], taker: Side, step: Decimal, own: list[OwnChild], rows: int
) -> None:
    found = ladder_side(given_books, taker, step=step, rows=rows, own=own)
    assert len(found.rows) <= rows
    shown = [child for row in found.rows for child in row.own]
    meets = [child for child in own if child.side is taker.opposite]
    assert sorted(map(repr, [*shown, *found.beyond])) == sorted(map(repr, meets))
    for row in found.rows:
        assert all(ZERO <= (row.price - child.price) * taker.sign < step for child in row.own)
    if found.beyond and found.rows:
        last = found.rows[-1].price
        assert all((child.price - last) * taker.sign > ZERO for child in found.beyond)


@given(several, sides, steps, st.randoms())
def test_the_order_of_the_books_changes_no_sum(
    given_books: list[Book], taker: Side, step: Decimal, random: Random
) -> None:
    shuffled = list(given_books)
    random.shuffle(shuffled)
    one, other = (ladder_side(some, taker, step=step, rows=EVERY) for some in (given_books, shuffled))
    assert [(row.price, row.depth) for row in one.rows] == [(row.price, row.depth) for row in other.rows]


@given(several, sides, sizes)
def test_a_size_reaches_the_first_level_up_to_which_there_is_enough(
    given_books: list[Book], taker: Side, quantity: Decimal
) -> None:
    mid = D(100)
    found = reach(given_books, taker, quantity, mid)
    levels = [level for book in given_books for level in book.to_take(taker)]
    depth = sum((size for _, size in levels), ZERO)
    assert found.carried == min(quantity, depth)
    if depth < quantity:
        assert (found.price, found.cost_bp, found.average_bp) == (None, None, None)
        return
    worst = found.price
    assert worst is not None
    assert sum((size for price, size in levels if (worst - price) * taker.sign >= 0), ZERO) >= quantity
    assert sum((size for price, size in levels if (worst - price) * taker.sign > 0), ZERO) < quantity
    assert found.cost_bp is not None
    assert found.average_bp is not None
    assert found.average_bp <= found.cost_bp, "the average is never worse than the worst"
    best_first = sorted(levels, key=lambda level: level[0] * taker.sign)
    average = average_price(quantity, best_first)
    assert average is not None
    assert abs(found.average_bp - taker.sign * (average / mid - 1) * 10_000) < D("1e-15")


@given(several, sides, sizes, sizes)
def test_more_never_reaches_less_far(
    given_books: list[Book], taker: Side, one: Decimal, more: Decimal
) -> None:
    near, far = (reach(given_books, taker, quantity, D(100)) for quantity in (one, one + more))
    if near.price is None:
        assert far.price is None
    elif far.price is not None:
        assert (far.price - near.price) * taker.sign >= 0


def test_two_books_of_a_sell_merge_bids_by_step() -> None:
    alpha = Book(((D("99.98"), D(1)), (D("99.91"), D(2))), ((D("100.02"), D(1)),), NOW)
    beta = Book(((D("99.95"), D(4)), (D("99.89"), D(8))), (), NOW)
    own = [OwnChild("q7", Side.BUY, D("99.93"), D("0.5")), OwnChild("t8", Side.SELL, D("100.02"), D(1))]
    found = ladder_side([alpha, beta], Side.SELL, step=D("0.1"), rows=1, own=own)
    assert [(row.price, row.sizes, row.depth, row.own) for row in found.rows] == [
        (D("99.9"), (D(3), D(4)), D(7), (own[0],))
    ]
    found = ladder_side([alpha, beta], Side.SELL, step=D("0.01"), rows=2, own=own)
    assert [row.price for row in found.rows] == [D("99.98"), D("99.95")]
    assert found.beyond == (own[0],)
    assert reach([alpha, beta], Side.SELL, D(6), D(100)).price == D("99.91")
    assert reach([alpha, beta], Side.SELL, D(16), D(100)).carried == D(15)


@given(several, sides, sizes, st.integers(9_900, 10_100).map(lambda cents: Decimal(cents) / 100))
def test_nothing_beyond_the_limit_is_taken(
    given_books: list[Book], taker: Side, quantity: Decimal, limit: Decimal
) -> None:
    found = reach(given_books, taker, quantity, D(100), limit)
    levels = [level for book in given_books for level in book.to_take(taker)]
    allowed = sum((size for price, size in levels if (limit - price) * taker.sign >= 0), ZERO)
    assert found.carried == min(quantity, allowed)
    assert found.price is None or (limit - found.price) * taker.sign >= 0


def test_a_step_or_a_quantity_of_nothing_is_refused() -> None:
    book = Book((), (), NOW)
    with pytest.raises(ValueError, match="the step is 0; it must be above zero"):
        ladder_side([book], Side.BUY, step=ZERO, rows=5)
    with pytest.raises(ValueError, match="the quantity is -1; it must be above zero"):
        reach([book], Side.BUY, D(-1), D(100))
