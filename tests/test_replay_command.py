"""``manage.py replay``: the JSON as documented, and errors that name the value and the limit."""

from __future__ import annotations

import gzip
import json
import re
from io import StringIO
from pathlib import Path
from random import Random

import pytest
from django.core.management import CommandError, call_command

from tests.report_pages import charts_of, printed_in

HEADER = "timestamp,open,high,low,close,volume\n"
START = 1_700_006_400_000  # a midnight


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write nine days of random minutes."""
    random, price = Random(1), 100.0
    path = tmp_path_factory.mktemp("candles") / "made.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write(HEADER)
        for number in range(9 * 1440):
            price *= 1 + random.gauss(0, 0.0005)
            volume = random.lognormvariate(0, 1)
            file.write(
                f"{START + number * 60_000},{price},{price * 1.001},{price * 0.999},{price},{volume}\n"
            )
    return path


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("replay", *arguments, stdout=out)
    return out.getvalue()


def test_the_replay_prints_tracking_errors_as_json(candles: Path) -> None:
    found = json.loads(run("--algorithm", "vwap", "--candles", str(candles), "--hours", "8", "--json"))
    assert (found["file"], found["hours"], found["windows"]) == ("made.csv.gz", 8, 6)
    assert set(found["tracking_error_bp"]) == {"even", "hourly_profile", "adaptive"}
    assert all(error > 0 for error in found["tracking_error_bp"].values())


def test_without_json_it_prints_a_table(candles: Path) -> None:
    text = run("--candles", str(candles), "--hours", "24")
    assert "made.csv.gz: 2 windows of 24 h" in text
    assert "hourly_profile" in text


def test_the_report_has_the_printed_figures_and_each_window(candles: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    text = run("--candles", str(candles), "--hours", "8", "--report", str(path))
    page = path.read_text(encoding="utf-8")
    assert printed_in(page).strip() == text.strip()
    errors, windows = charts_of(page)
    squares = dict(zip(errors["traces"][0]["x"], errors["traces"][0]["y"], strict=True))
    for name, error in squares.items():
        assert re.search(rf"^{name} +{error:.2f} bp ", text, re.MULTILINE)
    adaptive = next(trace for trace in windows["traces"] if trace["name"] == "adaptive")
    assert adaptive["x"][:2] == ["2023-11-22T00:00:00+00:00", "2023-11-22T08:00:00+00:00"]
    assert sum(error**2 for error in adaptive["y"]) / 6 == pytest.approx(squares["adaptive"] ** 2)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1700006400000,1,1,1,1\n", "6 numbers are needed"),
        ("1700006400000,1,1,x,1,1\n", "line 2"),
        ("1700006400001,1,1,1,1,1\n", "whole minute"),
        ("1700006400000,1,1,1,1,-1\n", "not below"),
        ("1700006400000,1,nan,1,1,1\n", "line 2: .*high is nan: it is not a number"),
        ("1700006400000,1,1e308,1,1,1\n", "line 2: .*high is 1e308: its exponent"),
        ("1700006400000,1,1,1,1_0,1\n", "line 2: .*close is 1_0"),
        ("1700006400000,1,１,1,1,1\n", "line 2: .*high is １"),
        ("1700006400000,1,1,1,1,1\n999999999960000,1,1,1,1,1\n", "days. At most 3,660"),
        ("1700006400000,1,1,1,1,1\n", "0 whole UTC days. At least 8"),
        ("", "no candle"),
    ],
)
def test_a_bad_file_is_refused_with_the_line_and_the_rule(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(HEADER + line)
    with pytest.raises(CommandError, match=words):
        run("--candles", str(path))


def test_an_empty_line_is_no_candle(candles: Path, tmp_path: Path) -> None:
    path = tmp_path / "blank.csv"
    path.write_bytes(gzip.decompress(candles.read_bytes()) + b"\n \n\n")
    arguments = ("--hours", "8", "--json", "--candles")
    found, same = (json.loads(run(*arguments, str(name))) for name in (path, candles))
    assert found["tracking_error_bp"] == same["tracking_error_bp"]


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run("--candles", str(tmp_path / "none.csv.gz"))
    (tmp_path / "text.csv.gz").write_text("no gzip")
    with pytest.raises(CommandError, match="cannot be read"):
        run("--candles", str(tmp_path / "text.csv.gz"))
    (tmp_path / "head.csv").write_text("time,price\n")
    with pytest.raises(CommandError, match="must begin with timestamp,open"):
        run("--candles", str(tmp_path / "head.csv"))


@pytest.mark.parametrize("hours", ["0", "25"])
def test_hours_out_of_range_are_refused(candles: Path, hours: str) -> None:
    with pytest.raises(CommandError, match=f"--hours {hours}: it must be 1 to 24"):
        run("--candles", str(candles), "--hours", hours)
