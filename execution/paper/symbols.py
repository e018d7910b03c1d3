"""The symbols that the paper exchange lists, with the parameters of their generated markets."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from execution.core.market_model.background_market import MarketParameters
from execution.core.types import Market

#: Binance allows order prices from a fifth of the average price to five times that price.
PRICE_BAND_UP = Decimal(5)
PRICE_BAND_DOWN = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Listing:
    """The rules of one symbol that differ between venues."""

    tick: str
    lot: str
    spacing: str  #: distance between neighbouring levels


def _market(base: str, listing: Listing, min_notional: str) -> Market:
    return Market(
        symbol=f"{base}/USDT",
        base=base,
        quote="USDT",
        tick=Decimal(listing.tick),
        lot=Decimal(listing.lot),
        min_quantity=Decimal(listing.lot),
        min_notional=Decimal(min_notional),
        max_quantity=Decimal(9000) if base == "BTC" else Decimal(900_000),
    )


def listed(
    btc: Listing,
    eth: Listing,
    sol: Listing,
    *,
    min_notional: str = "5",
    depth: float = 1.0,
    flow: float = 1.0,
) -> tuple[MarketParameters, ...]:
    """Return a venue's symbols.

    ``depth`` is a factor for the sizes of book levels, and ``flow`` one for the sizes of takers.
    """
    return (
        MarketParameters(
            _market("BTC", btc, min_notional),
            mid=Decimal(64_500),
            spacing=Decimal(btc.spacing),
            level_size=0.3 * depth,
            taker_size=0.05 * flow,
        ),
        MarketParameters(
            _market("ETH", eth, min_notional),
            mid=Decimal(3_400),
            spacing=Decimal(eth.spacing),
            level_size=5.0 * depth,
            volatility=0.25,
            takers_per_second=3.0,
            taker_size=0.8 * flow,
        ),
        MarketParameters(
            _market("SOL", sol, min_notional),
            mid=Decimal(150),
            spacing=Decimal(sol.spacing),
            level_size=90.0 * depth,
            volatility=0.3,
            takers_per_second=2.5,
            taker_size=14.0 * flow,
        ),
    )


LISTED = listed(
    Listing("0.01", "0.00001", "1.00"), Listing("0.01", "0.0001", "0.06"), Listing("0.01", "0.001", "0.02")
)


def numbered(count: int) -> tuple[MarketParameters, ...]:
    """Return ``count`` more symbols, ``C001/USDT`` and so on. They serve to measure a desk with many symbols."""
    listing = Listing("0.001", "0.01", "0.02")
    return tuple(
        MarketParameters(
            _market(f"C{number:03}", listing, "5"),
            mid=Decimal(20 + number),
            spacing=Decimal(listing.spacing),
            level_size=100.0,
            volatility=0.3,
            takers_per_second=1.0,
            taker_size=10.0,
        )
        for number in range(1, count + 1)
    )


def exchange_symbol(market: Market) -> str:
    """Return Binance's name of a symbol: ``BTCUSDT``."""
    return market.base + market.quote


def dashed_symbol(market: Market) -> str:
    """Return okx's and coinbase's name of a symbol: ``BTC-USDT``."""
    return f"{market.base}-{market.quote}"
