"""Numbers and times as the scripts write them: as the server does where it writes the same, and unknown as a dash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.present import numbers
from execution.core.durations import as_words
from execution.core.numbers import plain
from tests.scripts.bare import Scripts

DIGITS = st.integers(0, 6)
#: Of any size that the desk takes, and many ties of its roundings.
NUMBERS = st.one_of(
    st.decimals("-1e15", "1e15", places=6),
    st.decimals("-10", "10", places=4),
    st.builds(
        lambda odd, places: Decimal(odd * 10 + 5).scaleb(-places), st.integers(-500, 500), st.integers(0, 5)
    ),
    st.sampled_from([Decimal(0), Decimal("-0.0000001"), Decimal("0.9999999"), Decimal(1)]),
).map(plain)
CASES = st.lists(st.tuples(NUMBERS, DIGITS), min_size=1, max_size=20)


@given(CASES)
def test_rounding_is_the_servers(scripts: Scripts, cases: list[tuple[str, int]]) -> None:
    def nearest(number: str, digits: int) -> str:
        found = Decimal(number).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
        return f"{found if found else abs(found):f}"

    assert scripts.results("lib/format", "rounded", cases) == [nearest(*case) for case in cases]


@given(CASES)
def test_amounts_costs_and_shares_are_written_as_in_the_reports(
    scripts: Scripts, cases: list[tuple[str, int]]
) -> None:
    for script, twin in [
        ("decimal", numbers.amount),
        ("points", numbers.points),
        ("costClass", numbers.tone),
        ("percent", numbers.percent),
    ]:
        assert scripts.results("lib/format", script, cases) == [twin(*case) for case in cases], script


@given(
    st.lists(st.tuples(NUMBERS, st.sampled_from(["1", "0.5", "0.01", "0.00100", "0.00000001"])), min_size=1)
)
def test_a_price_has_one_place_more_than_its_tick(scripts: Scripts, cases: list[tuple[str, str]]) -> None:
    shown = scripts.results("lib/format", "price", [(number, tick, 1) for number, tick in cases])
    assert shown == [numbers.price(*case) for case in cases]


@given(st.lists(st.integers(0, 10**7), min_size=1))
def test_durations_are_said_as_the_server_says_them(scripts: Scripts, seconds: list[int]) -> None:
    shown = scripts.results("lib/format", "spoken", [(each * 1000,) for each in seconds])
    assert shown == [as_words(timedelta(seconds=each)) for each in seconds]


#: Share, digits, and how both the scripts and the reports write it.
SHARES: list[tuple[str | None, int, str]] = [
    ("1", 1, "100.0 %"),
    ("0.99989", 0, ">99 %"),
    ("0.99989", 1, ">99.9 %"),
    ("0.9994", 1, "99.9 %"),
    ("0.0001", 1, "<0.1 %"),
    ("0", 1, "0.0 %"),
    ("1.25", 0, "125 %"),
    ("-0.051", 1, "−5.1 %"),
    # As a floating number its hundredfold is 1.4500000000000002.
    ("0.0145", 1, "1.4 %"),
    (None, 1, "–"),
]


def test_a_part_is_not_shown_as_the_whole(scripts: Scripts) -> None:
    words = [words for _, _, words in SHARES]
    assert scripts.results("lib/format", "percent", [case[:2] for case in SHARES]) == words
    assert [numbers.percent(share, digits) for share, digits, _ in SHARES] == words
    assert scripts.results("lib/format", "percent", [(1 / 3,), (1,), (float("nan"),)]) == [
        "33.3 %",
        "100.0 %",
        "–",
    ]


NOW = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


MIDNIGHT = ms(NOW.replace(hour=0, minute=0, second=0))
#: By function of ``format.js``: arguments and result.
TABLES: dict[str, list[tuple[list[Any], Any]]] = {
    "places": [
        (["0.00100"], 3),
        (["0.001"], 3),
        (["1"], 0),
        (["10"], 0),
        ([0.5], 1),
        ([""], None),
        ([None], None),
    ],
    "decimal": [
        (["1234567.1000"], "1,234,567.1000"),
        (["-1234"], "−1,234"),
        (["-0.000"], "0.000"),
        (["999999999999999.123456789012"], "999,999,999,999,999.123456789012"),
        (["0.0000001", 4], "0.0000"),
        (["1e-7", 8], "0.00000010"),
        ([""], "–"),
        ([None, 2], "–"),
    ],
    "price": [(["65200", "0.1"], "65,200.0"), (["65200.25", None], "65,200.25"), ([None, "0.1"], "–")],
    "quantity": [(["0.5", "0.0010"], "0.500"), (["0.123456", None], "0.123456"), ([None, "1"], "–")],
    "short": [
        (["0"], "0"),
        (["0.4"], "0"),
        (["999.4"], "999"),
        (["999.5"], "1.0 k"),
        (["1500"], "1.5 k"),
        (["99949"], "99.9 k"),
        (["99960"], "100 k"),
        (["999499"], "999 k"),
        (["999600"], "1.0 M"),
        (["4120000"], "4.1 M"),
        (["7300000000"], "7.3 G"),
        (["1000000000000000"], "1000000 G"),
        (["-1500"], "−1.5 k"),
        (["-0.4"], "0"),
        ([""], "–"),
        ([None], "–"),
    ],
    "clock": [
        ([0], "00:00:00"),
        ([ms(NOW)], "14:13:20"),
        ([1_234, True], "00:00:01.234"),
        ([-1_000], "23:59:59"),
        ([None], "–"),
    ],
    "moment": [
        ([MIDNIGHT, ms(NOW)], "00:00:00"),
        ([MIDNIGHT - 1, ms(NOW)], "2026-09-20 23:59:59"),
        ([ms(NOW + timedelta(days=1)), ms(NOW)], "2026-09-22 14:13:20"),
        ([None, ms(NOW)], "–"),
    ],
    "shortMoment": [
        ([ms(NOW), ms(NOW)], "14:13:20"),
        ([ms(NOW - timedelta(hours=15)), ms(NOW)], "09-20 23:13"),
        ([ms(NOW + timedelta(days=1)), ms(NOW)], "09-22 14:13"),
        ([ms(NOW - timedelta(days=365)), ms(NOW)], "2025-09-21"),
        ([None, ms(NOW)], "–"),
    ],
    "countdown": [
        ([11_000], "00:00:11"),
        ([90_061_000], "25:01:01"),
        ([0], "00:00:00"),
        ([-1], "00:00:00"),
        ([None], "–"),
    ],
    "age": [
        ([0], "0.0 s"),
        ([-5_000], "0.0 s"),
        ([300], "0.3 s"),
        ([41_000], "41 s"),
        ([119_000], "119 s"),
        ([720_000], "12 min"),
        ([3 * 3_600_000], "3 h"),
        ([49 * 3_600_000], "2 d"),
        ([None], "–"),
    ],
    "spoken": [([5_400_000], "1 h 30 min"), ([90_061_000], "1 d 1 h 1 min 1 s"), ([0], "0 s"), ([None], "–")],
    "points": [(["1.25"], "+1.2"), (["-0.04"], "0.0"), (["-12.5", 0], "−12"), ([None], "–")],
    "costClass": [(["0.05"], ""), (["0.06"], "warn"), (["-3"], "good"), ([None], "")],
}


@pytest.mark.parametrize("function", TABLES)
def test_what_is_not_known_is_a_dash_and_never_zero(scripts: Scripts, function: str) -> None:
    cases = TABLES[function]
    found = scripts.results("lib/format", function, [given for given, _ in cases])
    assert list(zip([given for given, _ in cases], found, strict=True)) == cases


def test_a_tooltip_has_the_readers_own_time(scripts: Scripts) -> None:
    here, none = scripts.results("lib/format", "local", [(ms(NOW),), (None,)])
    assert (here.endswith("19:43:20 your time"), none) == (True, ""), here


def test_a_fill_delay_says_early_or_late() -> None:
    seconds = ["-8.4", "8.4", "0", "-90", None]
    assert [numbers.fill_delay(each) for each in seconds] == [
        "8.4 s early",
        "8.4 s late",
        "on time",
        "1 min 30 s early",
        "–",
    ]


def test_a_small_share_of_the_market_has_two_decimals(scripts: Scripts) -> None:
    shares = ["0.0005", "0.0099", "0.01", "0.7049", "0", None]
    words = ["0.05 %", "0.99 %", "1.0 %", "70.5 %", "0.00 %", "–"]
    assert [numbers.participation(share) for share in shares] == words
    assert scripts.results("lib/format", "participation", [[share] for share in shares]) == words
