"""Files of recorded candles as CSV, gzipped or not, with a header. The columns are in ccxt's order."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import NoReturn, TypeVar

from execution.core.market_model.candle_market import CandleRow
from execution.core.market_model.synthetic_candles import UNIT
from execution.core.numbers import NumberRefused, decimal_number, plain, shortened
from execution.core.problem_codes import Code
from execution.core.problems import refuse

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")

Number = TypeVar("Number", float, Decimal)


def read_candles(path: Path) -> Iterator[CandleRow]:
    """Yield the candles in the order of the file, with exact numbers. Raise ``Refused`` naming the line and the value.

    Times must rise, a candle's prices must lie between its low and its high, and no number may have more than eight
    decimals.
    """
    before: int | None = None
    for line, row, at, opening, high, low, close, volume in candle_lines(path, decimal_number):
        start = int(at) // 1000
        if any(number % UNIT for number in (opening, high, low, close, volume)):
            refuse_line(path, line, row, f"no number may be finer than {plain(UNIT)}")
        if not low <= min(opening, close) <= max(opening, close) <= high:
            refuse_line(path, line, row, "open and close must be within low and high")
        if before is not None and start <= before:
            refuse_line(path, line, row, "its time must be later than that of the line before")
        before = start
        yield start, opening, high, low, close, volume


def candle_lines(
    path: Path, read_number: Callable[[str], Number]
) -> Iterator[tuple[int, list[str], Number, Number, Number, Number, Number, Number]]:
    """Yield each candle with its line number and its cells. Raise ``Refused`` naming the line and the value."""
    try:
        yield from _lines(path, read_number)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        refuse("candles", f"{path} cannot be read: {error}.", str(path), code=Code.FILE_UNREADABLE)


def refuse_line(path: Path, line: int, row: list[str], rule: str) -> NoReturn:
    """Raise ``Refused`` for a line of a file of candles."""
    text = ",".join(row)
    message = f"{path}, line {line}: {text!r:.100}: {rule}."
    refuse("candles", message, text, code=Code.VALUE_MALFORMED)


def _lines(
    path: Path, read_number: Callable[[str], Number]
) -> Iterator[tuple[int, list[str], Number, Number, Number, Number, Number, Number]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as lines:
        reader = csv.reader(lines)
        header = next(reader, [])
        if tuple(header[: len(COLUMNS)]) != COLUMNS:
            message = (
                f"{path}: the header is {','.join(header)!r:.80}. It must begin with {','.join(COLUMNS)}."
            )
            refuse("candles", message, ",".join(header), ",".join(COLUMNS), code=Code.VALUE_MALFORMED)
        for row in reader:
            if any(cell.strip() for cell in row):
                line = reader.line_num
                at, opening, high, low, close, volume = _numbers(row, path, line, read_number)
                yield line, row, at, opening, high, low, close, volume


def _numbers(
    row: list[str], path: Path, line: int, read_number: Callable[[str], Number]
) -> tuple[Number, Number, Number, Number, Number, Number]:
    cells = [cell.strip() for cell in row[: len(COLUMNS)]]
    if len(cells) < len(COLUMNS):
        refuse_line(path, line, row, f"{len(COLUMNS)} numbers are needed")
    numbers = []
    for name, cell in zip(COLUMNS, cells, strict=True):
        try:
            numbers.append(read_number(cell))
        except NumberRefused as refused:
            refuse_line(path, line, row, f"{name} is {shortened(cell)}: {refused}")
    at, opening, high, low, close, volume = numbers
    if min(high, low, close) <= 0 or volume < 0:
        refuse_line(path, line, row, "prices must be above 0 and the volume not below it")
    if at % 60_000:
        refuse_line(path, line, row, "the time must be a whole minute in milliseconds")
    return at, opening, high, low, close, volume
