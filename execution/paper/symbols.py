"""The symbols that the paper exchange lists, with their background markets."""

from __future__ import annotations

from decimal import Decimal

from execution.core.market import MarketParameters
from execution.core.types import Market

#: Binance allows five times and a fifth of the average price.
PRICE_BAND_UP = Decimal(5)
PRICE_BAND_DOWN = Decimal("0.2")


def _market(base: str, lot: str) -> Market:
    return Market(
        symbol=f"{base}/USDT",
        base=base,
        quote="USDT",
        tick=Decimal("0.01"),
        lot=Decimal(lot),
        min_quantity=Decimal(lot),
        min_notional=Decimal(5),
        max_quantity=Decimal(9000) if base == "BTC" else Decimal(900_000),
    )


LISTED = (
    MarketParameters(_market("BTC", "0.00001"), mid=Decimal(64_500), spacing=Decimal("1.00")),
    MarketParameters(
        _market("ETH", "0.0001"),
        mid=Decimal(3_400),
        spacing=Decimal("0.06"),
        level_size=5.0,
        volatility=0.25,
        takers_per_second=3.0,
        taker_size=0.8,
    ),
    MarketParameters(
        _market("SOL", "0.001"),
        mid=Decimal(150),
        spacing=Decimal("0.02"),
        level_size=90.0,
        volatility=0.3,
        takers_per_second=2.5,
        taker_size=14.0,
    ),
)


def exchange_symbol(market: Market) -> str:
    """Binance's name of a symbol: ``BTCUSDT``."""
    return market.base + market.quote
