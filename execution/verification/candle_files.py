"""Files of recorded one-minute candles, read as the bars on which schedules are measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from execution.core.algorithms.vwap_replay import Bars, MinuteRow, bars_from_minutes
from execution.core.numbers import float_number
from execution.recordings.candle_files import candle_lines


def read_bars(path: Path) -> Bars:
    """Return the file's whole UTC days as five-minute bars. Raises ``Refused`` that names the wrong line and value."""
    return bars_from_minutes(_rows(path))


def _rows(path: Path) -> Iterator[MinuteRow]:
    for _line, _row, at, _open, high, low, close, volume in candle_lines(path, float_number):
        yield int(at) // 1000, high, low, close, volume
