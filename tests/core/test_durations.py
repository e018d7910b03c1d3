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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-5",
        "5 parsecs",
        "1e3",
        "NaN",
        "inf",
        "1:2:3:4",
        "10:5",
        "h",
        "1_0",
        "1,5",
        "٣٠",
        "３0s",
        "９:00",
    ],
)
def test_what_is_no_duration_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write seconds"):
        parse_duration(text)


@pytest.mark.parametrize(
    "value", ["9" * 20, "99999999999999d", "9" * 400, "99999999999999:00:00", 10**40, 1e300]
)
def test_a_duration_beyond_all_measure_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"is not a duration|must be at most 1,000,000,000 seconds"):
        parse_duration(value)


@pytest.mark.parametrize("value", ["0.0005", "1.0001s", 0.0005])
def test_a_duration_finer_than_a_millisecond_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="whole milliseconds"):
        parse_duration(value)


@given(st.integers(0, 7 * 86_400_000))
def test_milliseconds_are_kept_exactly(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    text = f"{milliseconds // 1000}.{milliseconds % 1000:03d}"
    assert parse_duration(text) == parse_duration(float(text)) == duration
    assert parse_duration(as_clock(duration)) == duration


@given(seconds)
def test_a_clock_reads_back_as_itself(duration: timedelta) -> None:
    assert parse_duration(as_clock(duration)) == duration


def test_seconds_may_be_a_number() -> None:
    assert parse_duration(90) == parse_duration(90.0) == timedelta(seconds=90)


@pytest.mark.parametrize("value", [timedelta(seconds=90), None, True, "PT1M30S", "P1DT2H", "PT0.5S"])
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
def test_what_is_no_instant_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time; write it like"):
        parse_instant(text)
