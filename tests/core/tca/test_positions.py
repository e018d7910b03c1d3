"""Results by average cost: they add up to the money that changed hands, in whatever order the fills came."""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from execution.core.tca.positions import Traded
from execution.core.types import ZERO, Side

D = Decimal
prices = st.decimals(min_value="0.01", max_value="1000000", places=2)
quantities = st.decimals(min_value="0.0001", max_value="10000", places=4)
Fill = tuple[Side, Decimal, Decimal]  #: side, quantity, price
fills = st.lists(st.tuples(st.sampled_from(Side), quantities, prices), max_size=20)
#: Averages are divisions: they are right to about 28 digits.
NEAR = D("1e-12")


def traded(parts: list[Fill]) -> Traded:
    return reduce(lambda before, part: before.beside(part[0], part[1], part[1] * part[2]), parts, Traded())


@given(fills, prices)
def test_realised_and_open_are_the_cash_flow_and_the_net_at_the_mid(parts: list[Fill], mid: Decimal) -> None:
    found = traded(parts)
    open_result = found.open_result(mid)
    assert open_result is not None
    total = found.cash_flow + found.net * mid
    size = 1 + found.paid + found.received + abs(found.net) * mid
    assert abs(found.realised + open_result - total) <= NEAR * size


@given(fills, st.randoms(use_true_random=False))
def test_the_order_of_fills_changes_nothing(parts: list[Fill], random: Random) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)
    assert traded(shuffled) == traded(parts)


@given(fills, prices)
def test_the_other_side_of_every_fill_has_the_opposite_result(parts: list[Fill], mid: Decimal) -> None:
    turned = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}
    other = traded([(turned[side], quantity, price) for side, quantity, price in parts])
    ours = traded(parts)
    assert other.net == -ours.net
    assert other.realised == -ours.realised
    assert other.open_result(mid) == -(ours.open_result(mid) or ZERO)
    assert other.average == ours.average


def test_a_day_by_hand() -> None:
    day = traded([(Side.BUY, D(3), D(100)), (Side.SELL, D(2), D(110)), (Side.BUY, D(1), D(104))])
    assert (day.net, day.bought_average, day.sold_average) == (D(2), D(101), D(110))
    assert (day.average, day.realised, day.open_result(D(105))) == (D(101), D(18), D(8))


def test_without_a_mid_the_open_result_is_not_known_unless_nothing_is_open() -> None:
    bought = Traded().beside(Side.BUY, D(2), D(200))
    assert bought.open_result(None) is None
    assert (bought.realised, bought.average) == (ZERO, D(100))
    closed = bought.beside(Side.SELL, D(2), D(190))
    assert (closed.average, closed.realised, closed.open_result(None)) == (None, D(-10), ZERO)
