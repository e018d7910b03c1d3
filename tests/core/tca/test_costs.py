"""Averages, slippage and shares: the signs, the bounds, and what is unknown."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.core.tca.costs import (
    average_price,
    fees_bp,
    maker_share,
    market_vwap,
    middle,
    participation,
    slippage_bp,
)
from execution.core.types import Side

prices = st.decimals(min_value="0.01", max_value="1000000", places=2)
quantities = st.decimals(min_value="0.0001", max_value="10000", places=4)
trades = st.lists(st.tuples(prices, quantities), min_size=1, max_size=20)


@given(trades)
def test_an_average_lies_between_the_cheapest_and_the_dearest_trade(
    parts: list[tuple[Decimal, Decimal]],
) -> None:
    average = market_vwap((price * quantity, quantity) for price, quantity in parts)
    assert average is not None
    margin = Decimal("1e-12") * average
    assert min(price for price, _ in parts) - margin <= average <= max(price for price, _ in parts) + margin


@given(trades)
def test_the_order_of_trades_does_not_matter(parts: list[tuple[Decimal, Decimal]]) -> None:
    forwards = market_vwap((price * quantity, quantity) for price, quantity in parts)
    backwards = market_vwap((price * quantity, quantity) for price, quantity in reversed(parts))
    assert forwards == backwards


@given(prices, prices)
def test_what_costs_a_buyer_gains_a_seller(average: Decimal, benchmark: Decimal) -> None:
    bought, sold = (slippage_bp(side, average, benchmark) for side in Side)
    assert bought is not None
    assert sold is not None
    assert bought == -sold
    assert (bought > 0) == (average > benchmark)


def test_paying_one_percent_more_is_a_cost_of_100_bp() -> None:
    assert slippage_bp(Side.BUY, Decimal(101), Decimal(100)) == 100
    assert slippage_bp(Side.SELL, Decimal(101), Decimal(100)) == -100


@given(quantities, quantities)
def test_participation_is_a_share(own: Decimal, market: Decimal) -> None:
    share = participation(own, market)
    assert share is not None
    assert 0 < share <= 1


@given(st.lists(st.tuples(quantities, st.sampled_from(["maker", "taker"])), min_size=1))
def test_maker_and_taker_shares_sum_to_one(parts: list[tuple[Decimal, str]]) -> None:
    other = [(quantity, "taker" if liquidity == "maker" else "maker") for quantity, liquidity in parts]
    maker, taker = maker_share(parts), maker_share(other)
    assert maker is not None
    assert taker is not None
    assert abs(maker + taker - 1) < Decimal("1e-20")


def test_fees_of_ten_in_ten_thousand_are_ten_basis_points() -> None:
    assert fees_bp([Decimal(4), Decimal(6)], Decimal(10_000)) == 10


def test_unknown_stays_unknown_and_is_never_zero() -> None:
    assert average_price(Decimal(0), Decimal(0)) is None
    assert market_vwap([]) is None
    assert slippage_bp(Side.BUY, None, Decimal(1)) is None
    assert slippage_bp(Side.BUY, Decimal(1), None) is None
    assert slippage_bp(Side.BUY, Decimal(1), Decimal(0)) is None
    assert participation(Decimal(1), Decimal(0)) is None
    assert fees_bp([Decimal(1), None], Decimal(100)) is None
    assert fees_bp([], Decimal(0)) is None
    assert maker_share([(Decimal(1), "maker"), (Decimal(1), "")]) is None
    assert maker_share([]) is None
    assert middle(Decimal(1), None) is None
    assert middle(Decimal(1), Decimal(2)) == Decimal("1.5")
