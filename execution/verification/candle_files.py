"""Files of recorded one-minute candles: CSV, gzipped or not, with a header."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from execution.core.algorithms.vwap_replay import Bars, MinuteRow, bars_from_minutes
from execution.core.numbers import NumberRefused, float_number, shortened
from execution.core.problems import Problem, Refused

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
            if any(cell.strip() for cell in row):
                yield _row(row, path, reader.line_num)


def _row(row: list[str], path: Path, line: int) -> MinuteRow:
    cells = [cell.strip() for cell in row[: len(COLUMNS)]]
    if len(cells) < len(COLUMNS):
        raise _bad(path, line, row, f"{len(COLUMNS)} numbers are needed")
    at, _open, high, low, close, volume = (
        _number(path, line, row, name, cell) for name, cell in zip(COLUMNS, cells, strict=True)
    )
    if min(high, low, close) <= 0 or volume < 0:
        raise _bad(path, line, row, "prices must be above 0 and the volume not below it")
    if at % 60_000:
        raise _bad(path, line, row, "the time must be a whole minute in milliseconds")
    return int(at) // 1000, high, low, close, volume


def _number(path: Path, line: int, row: list[str], name: str, cell: str) -> float:
    try:
        return float_number(cell)
    except NumberRefused as refused:
        raise _bad(path, line, row, f"{name} is {shortened(cell)}: {refused}") from None


def _bad(path: Path, line: int, row: list[str], rule: str) -> Refused:
    text = ",".join(row)
    return Refused([Problem("candles", f"{path}, line {line}: {text!r:.100}: {rule}", text)])
