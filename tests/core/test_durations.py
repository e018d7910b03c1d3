"""Durations and instants in every spelling, and what is not one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.durations import as_clock, parse_duration, parse_instant

seconds = st.integers(0, 7 * 86_400).map(lambda number: timedelta(seconds=number))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", timedelta(seconds=90)),
        ("0.5", timedelta(seconds=0.5)),
        ("01:30:00", timedelta(minutes=90)),
        ("90:00", timedelta(minutes=90)),
        ("2:05", timedelta(minutes=2, seconds=5)),
        ("90m", timedelta(minutes=90)),
        ("1h 30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        (" 1H30M ", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("45s", timedelta(seconds=45)),
    ],
)
def test_a_duration_may_be_written_in_many_ways(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "-5", "5 parsecs", "1e3", "NaN", "inf", "1:2:3:4", "10:5", "h"])
def test_what_is_no_duration_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write seconds") as exception:
        parse_duration(text)
    assert repr(text) in str(exception.value)


@pytest.mark.parametrize("text", ["9" * 20, "99999999999999d", "9" * 400, "99999999999999:00:00"])
def test_a_duration_beyond_all_measure_is_refused_like_any_other(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@given(seconds)
def test_a_clock_reads_back_as_itself(duration: timedelta) -> None:
    assert parse_duration(as_clock(duration)) == duration


@pytest.mark.parametrize("value", [90, timedelta(seconds=90), None, "PT1M30S"])
def test_what_is_pydantics_own_passes_through(value: Any) -> None:
    assert parse_duration(value) is value


@pytest.mark.parametrize(
    "text",
    ["2030-01-31T16:30:00", "2030-01-31T16:30:00Z", "2030-01-31T18:30:00+02:00", " 2030-01-31 16:30 "],
)
def test_an_instant_without_a_zone_is_utc_and_one_with_a_zone_becomes_it(text: str) -> None:
    instant = parse_instant(text)
    assert instant == datetime(2030, 1, 31, 16, 30, tzinfo=UTC)
    assert instant.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "tomorrow", "2030-13-01", "25:00", "0001-01-01T00:00:00+23:00"])
def test_what_is_no_instant_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time; write it like"):
        parse_instant(text)
