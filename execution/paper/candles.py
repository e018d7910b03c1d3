"""One-minute bars, and longer bars made from them. Minutes that were not recorded are generated.

A day's bars are loaded when they are first requested, so that the exchange starts without loading any. They are held
as columns of whole numbers, which take a tenth of a megabyte for a day of one symbol.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from execution.core.market_model.price_path import MINUTE
from execution.core.market_model.synthetic_candles import Row, empty_row, units

DAY_MINUTES = 24 * 60
DAY = DAY_MINUTES * MINUTE

#: The intervals that the exchange offers, in seconds. Each divides a day.
INTERVALS = {"1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14_400, "1d": DAY}

Columns = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Bar:
    """A candle. ``start`` is in seconds since the epoch. ``volume`` is in base, ``notional`` in quote."""

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    notional: Decimal
    buy_volume: Decimal
    buy_notional: Decimal
    trades: int


class MadeUp(Protocol):
    """A generator of one-minute bars for the minutes that were not recorded."""

    def row(self, start: int) -> Row: ...


#: Returns the recorded minutes of a symbol within [start, end), oldest first.
Recorded = Callable[[int, int], Iterable[tuple[int, Row]]]


class CandleSeries:
    """The bars of one symbol over the last ``minutes``, without gaps. The last bar is still growing.

    A minute that was not recorded is generated if it lies before ``quiet_from``. If it lies later, it is a minute
    without a trade.
    """

    def __init__(
        self, made_up: MadeUp, recorded: Recorded, now: float, minutes: int, quiet_from: float = math.inf
    ) -> None:
        self._made_up = made_up
        self._recorded = recorded
        self._minutes = minutes
        self._quiet_from = quiet_from
        self._days: dict[int, tuple[array[int], ...]] = {}
        self._finished: list[tuple[int, Row]] = []
        self._start = int(now) // MINUTE * MINUTE
        before = self._columns(self._start - MINUTE, self._start)
        self._row = empty_row(before[3][0])

    @property
    def last_close(self) -> Decimal:
        return _amount(self._row.close)

    # --- growing --------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Begin the bar of this minute. Minutes without a trade get an empty bar at the last close."""
        start = int(now) // MINUTE * MINUTE
        while self._start < start:
            self._finished.append((self._start, self._row))
            self._append(self._start, self._row)
            self._start += MINUTE
            self._row = empty_row(self._row.close)
        self._forget(start - self._minutes * MINUTE)

    def _append(self, start: int, row: Row) -> None:
        day = start // DAY
        if day not in self._days:
            # Midnight, or nobody has asked for today yet: what is recorded is read back when somebody does.
            self._days[day] = self._read_day(day, start)
        for column, value in zip(self._days[day], row, strict=True):
            column.append(value)

    def _forget(self, first: int) -> None:
        if len(self._days) > self._minutes // DAY_MINUTES + 2:
            for day in [day for day in self._days if (day + 1) * DAY <= first]:
                del self._days[day]

    def add(self, price: Decimal, quantity: Decimal, *, buyer_takes: bool) -> None:
        """Add a trade of this minute to its bar."""
        at, volume, value = units(price), units(quantity), units(price * quantity)
        row = self._row
        self._row = Row(
            row.open if row.trades else at,
            max(row.high, at) if row.trades else at,
            min(row.low, at) if row.trades else at,
            at,
            row.volume + volume,
            row.notional + value,
            row.buy_volume + (volume if buyer_takes else 0),
            row.buy_notional + (value if buyer_takes else 0),
            row.trades + 1,
        )

    def take_finished(self) -> list[tuple[int, Row]]:
        """Return the minutes that were completed since the last call, each with its start."""
        finished, self._finished = self._finished, []
        return finished

    # --- asking ---------------------------------------------------------------------------------

    def day(self, now: float) -> Bar:
        """Return the last 24 hours as one bar, as tickers report it."""
        first = max(self._start + MINUTE - DAY, self._first)
        return self._fold(first, self._start + MINUTE, int(now) - DAY)

    def average_price(self, minutes: int) -> Decimal | None:
        """Return the volume-weighted price of the last ``minutes``; None when nobody traded."""
        bar = self._fold(self._start - (minutes - 1) * MINUTE, self._start + MINUTE, 0)
        return bar.notional / bar.volume if bar.volume else None

    def folded(self, seconds: int, start: int | None, end: int | None, limit: int) -> list[Bar]:
        """Return the bars of ``seconds`` each that open within [start, end] (seconds since the epoch).

        If ``start`` is given, return the first ``limit`` of these bars. Otherwise return the last ones, as Binance
        does.
        """
        last = self._start // seconds * seconds
        # An interval that began before the first minute is not whole; but the last one is always shown.
        first = min(-(-self._first // seconds) * seconds, last)
        if start is not None:
            first = max(first, -(-start // seconds) * seconds)
        if end is not None:
            last = min(last, end // seconds * seconds)
        openings = range(first, last + 1, seconds)
        chosen = openings[:limit] if start is not None else openings[-limit:]
        return [self._fold(opening, opening + seconds, opening) for opening in chosen]

    @property
    def _first(self) -> int:
        return self._start - self._minutes * MINUTE

    # --- inside ---------------------------------------------------------------------------------

    def _fold(self, start: int, end: int, opening: int) -> Bar:
        """Merge the minutes within [start, end) into one bar, and return it. Its ``start`` is ``opening``."""
        columns = self._columns(max(start, self._first), min(end, self._start))
        if end > self._start:
            columns = [[*column, value] for column, value in zip(columns, self._row, strict=True)]
        return _fold(columns, opening)

    def _columns(self, start: int, end: int) -> Columns:
        """Return the finished minutes within [start, end), as columns in the order of ``Row``'s fields."""
        columns: list[list[int]] = [[] for _ in Row._fields]
        for day in range(start // DAY, (end - 1) // DAY + 1):
            if day not in self._days:
                self._days[day] = self._read_day(day, self._start)
            begin = max(start - day * DAY, 0) // MINUTE
            stop = min(end - day * DAY, DAY) // MINUTE
            for column, values in zip(columns, self._days[day], strict=True):
                column += values[begin:stop]
        return columns

    def _read_day(self, day: int, until: int) -> tuple[array[int], ...]:
        """Return the minutes of one day, up to ``until``. Those not recorded are generated or empty."""
        columns = tuple(array("q") for _ in Row._fields)
        end = min((day + 1) * DAY, until)
        recorded = dict(self._recorded(day * DAY, end)) | dict(self._finished)
        close: int | None = None
        for start in range(day * DAY, end, MINUTE):
            row = recorded.get(start)
            if row is None and start < self._quiet_from:
                row = self._made_up.row(start)
            elif row is None:
                row = empty_row(self._columns(start - MINUTE, start)[3][0] if close is None else close)
            close = row.close
            for column, value in zip(columns, row, strict=True):
                column.append(value)
        return columns


def _amount(number: int) -> Decimal:
    return Decimal(number).scaleb(-8)


def _fold(columns: Columns, start: int) -> Bar:
    """Merge several minutes into one bar. Its prices come only from minutes with trades, if there are any."""
    opens, highs, lows, closes, volumes, notionals, buy_volumes, buy_notionals, trades = columns
    if 0 in trades and any(trades):
        traded = [number for number, count in enumerate(trades) if count]
        opens, highs, lows = ([column[number] for number in traded] for column in (opens, highs, lows))
    return Bar(
        start, _amount(opens[0]), _amount(max(highs)), _amount(min(lows)), _amount(closes[-1]),
        _amount(sum(volumes)), _amount(sum(notionals)), _amount(sum(buy_volumes)), _amount(sum(buy_notionals)),
        sum(trades),
    )  # fmt: skip
