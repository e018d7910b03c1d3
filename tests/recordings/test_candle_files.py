"""Files of candles: exact, gzipped or not, and a bad line is named."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from execution.core.problems import Refused
from execution.recordings.candle_files import read_candles

HEADER = "timestamp,open,high,low,close,volume"
FIRST = "1679004900000,24899.18,24943.98,24896.29,24934.2,293.13711"


def file_of(folder: Path, *lines: str, name: str = "candles.csv") -> Path:
    path, content = folder / name, "\n".join((HEADER, *lines)) + "\n"
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return path


@pytest.mark.parametrize("name", ["candles.csv", "candles.csv.gz"])
def test_every_digit_is_read(tmp_path: Path, name: str) -> None:
    lines = (FIRST, "", "1679004960000,24934.2,24934.2,24934.2,24934.2,0.00000001,extra")
    found = list(read_candles(file_of(tmp_path, *lines, name=name)))
    assert found == [
        (1679004900, *map(Decimal, ("24899.18", "24943.98", "24896.29", "24934.2", "293.13711"))),
        (1679004960, *map(Decimal, ("24934.2", "24934.2", "24934.2", "24934.2", "0.00000001"))),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1679004960000,1,1,1,1", "line 3: .*: 6 numbers are needed"),
        ("1679004960000,1,1,1,x,1", "line 3: .*: close is x: it is not a number"),
        ("1679004960000,1,1,1,nan,1", "line 3: .*: close is nan: it is not a number"),
        ("1679004960000,1,1,0,1,1", "line 3: .*: prices must be above 0"),
        ("1679004960000,1,1,1,1,-1", "line 3: .*: prices must be above 0 and the volume not below it"),
        ("1679004960001,1,1,1,1,1", "line 3: .*: the time must be a whole minute in milliseconds"),
        (
            "1679004960,1,1,1,1,1",
            "line 3: .*: its time must be later|line 3: .*: the time must be a whole minute",
        ),
        ("1679004900000,1,1,1,1,1", "line 3: .*: its time must be later than that of the line before"),
        ("1679004840000,1,1,1,1,1", "line 3: .*: its time must be later than that of the line before"),
        ("1679004960000,1,1,1,1,0.000000001", "line 3: .*: no number may be finer than 0.00000001"),
        ("1679004960000,2,1,1,1,1", "line 3: .*: open and close must be within low and high"),
        ("1679004960000,1,2,1,3,1", "line 3: .*: open and close must be within low and high"),
        ("1679004960000,0,2,0.5,1,1", "line 3: .*: open and close must be within low and high"),
    ],
)
def test_a_bad_line_is_named_with_its_value_and_the_rule(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        list(read_candles(file_of(tmp_path, FIRST, line)))


def test_what_is_no_file_of_candles_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("time,price\n1,2\n")
    with pytest.raises(Refused, match="It must begin with timestamp,open,high,low,close,volume"):
        list(read_candles(wrong))
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(HEADER.encode() * 100)[:30])
    for path in (cut, tmp_path / "nowhere.csv"):
        with pytest.raises(Refused, match="cannot be read"):
            list(read_candles(path))
