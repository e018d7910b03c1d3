"""The helper buttons never propose more than there is, nor a price that the tick does not have."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dashboard.present.sizing import limit_beside, quantity_shares
from execution.core.types import Market, Side, Unit

MARKET = Market(
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.1"),
    lot=Decimal("0.0001"),
    min_quantity=Decimal("0.0001"),
    min_notional=Decimal(5),
    taker_fee=Decimal("0.001"),
)
amounts = st.decimals(min_value=0, max_value=10_000_000, places=8)
prices = st.decimals(min_value=1, max_value=200_000, places=1)


@given(amounts, prices, st.sampled_from(Side))
def test_the_whole_balance_is_enough_for_max(free: Decimal, price: Decimal, side: Side) -> None:
    shares = quantity_shares(side=side, unit=Unit.BASE, market=MARKET, free=free, price=price)
    most = Decimal(shares["100"])
    spent = most * price * Decimal("1.001") if side is Side.BUY else most
    assert spent <= free
    assert most % MARKET.lot == 0
    assert Decimal(shares["10"]) <= Decimal(shares["25"]) <= Decimal(shares["50"]) <= most


@given(prices, st.sampled_from(Side))
def test_the_proposed_limit_is_on_the_tick_and_within_25_bp(mid: Decimal, side: Side) -> None:
    limit = Decimal(limit_beside(side, mid, MARKET.tick))
    assert limit % MARKET.tick == 0
    assert side.sign * (limit - mid) <= mid * Decimal("0.0025")


def test_without_a_balance_or_a_price_nothing_is_proposed() -> None:
    for free, price in ((None, Decimal(1)), (Decimal(1), None)):
        shares = quantity_shares(side=Side.BUY, unit=Unit.BASE, market=MARKET, free=free, price=price)
        assert shares == {}
