"""Generated one-minute candles of a market, as a function of time.

Amounts are whole numbers of ``UNIT``, the eighth decimal. So they are exact, and two weeks of minutes fit into a few
megabytes.
"""

from __future__ import annotations

import math
from decimal import Decimal
from statistics import NormalDist
from typing import NamedTuple

from execution.core.market_model.background_market import MarketParameters, activity
from execution.core.market_model.price_path import MINUTE, Draws, PricePath

UNIT = Decimal("0.00000001")
UNITS = 10**8

_STANDARD = NormalDist()
#: Standard deviation of the logarithm of a minute's volume around the expected volume at its time of day.
VOLUME_NOISE = 0.4


class Row(NamedTuple):
    """One minute of trading. Prices, volumes and notionals are in ``UNIT`` of the base or the quote currency."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    notional: int
    buy_volume: int
    buy_notional: int
    trades: int


def units(amount: Decimal) -> int:
    """Return ``amount`` as a number of ``UNIT``. Drop decimals after the eighth, which the exchange does not use."""
    return int(amount.scaleb(8))


def empty_row(close: int) -> Row:
    """Return a minute without a trade."""
    return Row(close, close, close, close, 0, 0, 0, 0, 0)


class History:
    """The generated minutes of one market, along its price path.

    ``name`` seeds the random volumes, highs and lows. Histories with the same path and different names have the same
    opens and closes.
    """

    def __init__(self, parameters: MarketParameters, path: PricePath, name: str) -> None:
        self._parameters = parameters
        self._path = path
        self._draws = Draws(f"{name}:{parameters.market.symbol}:history")
        self._tick = units(parameters.market.tick)
        self._lot = units(parameters.market.lot)
        self._reach = parameters.volatility * 1e-4 * math.sqrt(MINUTE) / 2

    def row(self, start: int) -> Row:
        """Return the minute that begins at ``start`` (seconds since the epoch, a whole minute)."""
        opening, closing = self._path.price(start), self._path.price(start + MINUTE)
        up, down, size, share = self._draws.quartet(start)
        high = self._on_tick(max(opening, closing) * (1 + self._reach * _half_normal(up)))
        low = self._on_tick(min(opening, closing) * (1 - self._reach * _half_normal(down)))
        busy = activity(start + MINUTE / 2)
        # The mean of exp(noise × normal) is 1 after this shift.
        noise = VOLUME_NOISE * (_STANDARD.inv_cdf(size) - VOLUME_NOISE / 2)
        expected = self._parameters.hourly_volume / 60 * busy * math.exp(noise)
        volume = int(expected * UNITS) // self._lot * self._lot
        buys = int(volume * (0.4 + 0.2 * share)) // self._lot * self._lot
        middle = (high + low) // 2 // self._tick * self._tick
        trades = max(1, int(MINUTE * self._parameters.takers_per_second * busy * (0.8 + 0.4 * size)))
        return Row(
            self._on_tick(opening), high, low, self._on_tick(closing),
            volume, volume * middle // UNITS, buys, buys * middle // UNITS, trades,
        )  # fmt: skip

    def _on_tick(self, price: float) -> int:
        return int(price * UNITS) // self._tick * self._tick


def _half_normal(uniform: float) -> float:
    return _STANDARD.inv_cdf(0.5 + uniform / 2)
