"""The last 24 hours of a market from its candles, if all of them are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.market_data.candles import KnownCandles
from execution.core.market_data.coverage import Coverage
from execution.core.types import ZERO, Candle

DAY = timedelta(days=1)
#: Exchanges list a candle late, so the last 24 hours may end this long ago. Older ones are not current.
LATE = timedelta(minutes=20)
#: The most prices in the line of a ``MarketDay``.
POINTS = 32


@dataclass(frozen=True, slots=True)
class MarketDay:
    """The 24 hours up to ``until``.

    ``reference`` is the price at their start, ``volume`` the traded volume in quote units, and ``line`` the prices in
    the order of time.
    """

    until: datetime
    reference: Decimal
    volume: Decimal
    line: tuple[Decimal, ...]

    def change(self, price: Decimal) -> Decimal:
        """Return the change from the price at the start to ``price``, as a share."""
        return price / self.reference - 1

    def is_of(self, now: datetime) -> bool:
        return now - self.until <= LATE


def market_day(found: KnownCandles, now: datetime) -> MarketDay | None:
    """Return the last 24 hours; None if a part of them or the price at their start is unknown.

    The price at their start comes from an earlier candle. So ``found`` must begin before these 24 hours.
    """
    if not found.known or not found.candles:
        return None
    until = min(found.known[-1].end, now)
    start = until - DAY
    earlier = [bar for bar in found.candles if bar.opened_at <= start]
    if not earlier or not Coverage(found.known).covers(start, until):
        return None
    bars = [bar for bar in found.candles if start <= bar.opened_at < until]
    reference = earlier[-1].open if earlier[-1].opened_at == start else earlier[-1].close
    if reference <= ZERO:
        return None
    volume = sum((bar.typical * bar.volume for bar in bars), ZERO)
    return MarketDay(until, reference, volume, _line(bars, reference))


def _line(bars: Sequence[Candle], reference: Decimal) -> tuple[Decimal, ...]:
    closes = [reference, *(bar.close for bar in bars)]
    if len(closes) <= POINTS:
        return tuple(closes)
    last = len(closes) - 1
    return tuple(closes[index * last // (POINTS - 1)] for index in range(POINTS))
