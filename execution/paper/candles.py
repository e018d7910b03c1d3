"""One-minute bars, continued by what is really traded, and longer ones folded from them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from execution.core.market import Bar
from execution.core.types import ZERO

MINUTE = 60
#: Bars kept in memory: fourteen days.
KEPT_MINUTES = 14 * 24 * 60

#: Intervals offered, in seconds.
INTERVALS = {"1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14_400, "1d": 86_400}


class CandleSeries:
    """Bars of one symbol, oldest first, without gaps; the last one is still growing."""

    def __init__(self, bars: list[Bar]) -> None:
        self.bars = bars
        self._finished: list[Bar] = []

    def advance(self, now: float) -> None:
        """Start the bar of this minute; minutes without a trade get an empty bar at the last close."""
        start = int(now) // MINUTE * MINUTE
        while (last := self.bars[-1]).start < start:
            self._finished.append(last)
            close = last.close
            empty = Bar(last.start + MINUTE, close, close, close, close, ZERO, ZERO, ZERO, ZERO, 0)
            self.bars.append(empty)
        if len(self.bars) > KEPT_MINUTES + 60:
            del self.bars[: len(self.bars) - KEPT_MINUTES]

    def add(self, price: Decimal, quantity: Decimal, *, buyer_takes: bool) -> None:
        """Fold a trade of this minute in."""
        bar = self.bars[-1]
        value = price * quantity
        self.bars[-1] = Bar(
            bar.start,
            bar.open if bar.trades else price,
            max(bar.high, price) if bar.trades else price,
            min(bar.low, price) if bar.trades else price,
            price,
            bar.volume + quantity,
            bar.notional + value,
            bar.buy_volume + (quantity if buyer_takes else ZERO),
            bar.buy_notional + (value if buyer_takes else ZERO),
            bar.trades + 1,
        )

    def take_finished(self) -> list[Bar]:
        """Bars completed since the last call."""
        finished, self._finished = self._finished, []
        return finished

    def day(self, now: float) -> Bar:
        """The last 24 hours as one bar, as tickers report it."""
        return fold(self.bars[-1440:], int(now) - 86_400)

    def folded(self, seconds: int, start: int | None, end: int | None, limit: int) -> list[Bar]:
        """Bars of an interval (in seconds) whose opening lies in [start, end] (seconds).

        With ``start``: the first ``limit``, otherwise the last ones, as Binance does.
        """
        needed = self.bars
        if start is None and end is None:
            needed = self.bars[-(limit * seconds // MINUTE + seconds // MINUTE) :]
        groups: dict[int, list[Bar]] = {}
        for bar in needed:
            opening = bar.start // seconds * seconds
            if (start is None or opening >= start) and (end is None or opening <= end):
                groups.setdefault(opening, []).append(bar)
        bars = [fold(group, opening) for opening, group in groups.items()]
        return bars[:limit] if start is not None else bars[-limit:]


def fold(bars: list[Bar], start: int) -> Bar:
    """Several bars as one that opens at ``start``. At least one bar is needed."""
    traded = [bar for bar in bars if bar.trades] or bars
    return replace(
        bars[0],
        start=start,
        open=traded[0].open,
        high=max(bar.high for bar in traded),
        low=min(bar.low for bar in traded),
        close=bars[-1].close,
        volume=sum((bar.volume for bar in bars), ZERO),
        notional=sum((bar.notional for bar in bars), ZERO),
        buy_volume=sum((bar.buy_volume for bar in bars), ZERO),
        buy_notional=sum((bar.buy_notional for bar in bars), ZERO),
        trades=sum(bar.trades for bar in bars),
    )
