"""Files of recorded one-minute candles: CSV, gzipped or not, with a header."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from math import isfinite
from pathlib import Path

from execution.core.problems import Problem, Refused
from execution.core.volume_replay import Bars, MinuteRow, bars_from_minutes

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")


def read_bars(path: Path) -> Bars:
    """The file's whole UTC days as five-minute bars; raises ``Refused`` naming the line and the value."""
    try:
        return bars_from_minutes(_rows(path))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise Refused([Problem("candles", f"{path} cannot be read: {error}", str(path))]) from None


def _rows(path: Path) -> Iterator[MinuteRow]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as lines:
        reader = csv.reader(lines)
        header = next(reader, [])
        if tuple(header[: len(COLUMNS)]) != COLUMNS:
            message = (
                f"{path}: the header is {','.join(header)!r:.80}; it must begin with {','.join(COLUMNS)}"
            )
            raise Refused([Problem("candles", message, ",".join(header), ",".join(COLUMNS))])
        for row in reader:
            yield _row(row, path, reader.line_num)


def _row(row: list[str], path: Path, line: int) -> MinuteRow:
    try:
        at, _open, high, low, close, volume = (float(value) for value in row[: len(COLUMNS)])
    except ValueError:
        raise _bad(path, line, row, "six numbers are needed") from None
    if not all(isfinite(value) for value in (at, high, low, close, volume)):
        raise _bad(path, line, row, "every number must be finite")
    if min(high, low, close) <= 0 or volume < 0:
        raise _bad(path, line, row, "prices must be above 0 and the volume not below it")
    if at % 60_000:
        raise _bad(path, line, row, "the time must be a whole minute in milliseconds")
    return int(at) // 1000, high, low, close, volume


def _bad(path: Path, line: int, row: list[str], rule: str) -> Refused:
    text = ",".join(row)
    return Refused([Problem("candles", f"{path}, line {line}: {text!r:.100}: {rule}", text)])
