"""Numbers from outside: what is accepted is exactly what was written, and what can be read in two ways is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from execution.core.numbers import (
    FINEST_NUMBER,
    MAX_NUMBER,
    NumberRefused,
    decimal_number,
    float_number,
    plain,
    rounded_parts,
    whole_number,
    without_grouping,
)
from tests.core.builders import D

#: What people, programs and spreadsheets write for numbers, and what only looks like one.
numeric_text = st.one_of(
    st.text("0123456789.,+-eE_ '’\u00a0\u202f１２３٣٤०१⅓²∞xX%$", max_size=30),
    st.from_regex(r"[+-]?[0-9]{1,20}([.,][0-9]{1,20}){0,3}([eE][+-]?[0-9]{1,9})?", fullmatch=True),
    st.decimals().map(str),
    st.floats().map(repr),
    st.integers().map(lambda number: f"{number:,}"),
)


@given(numeric_text)
@example("0,050")
@example("1_000")
@example("１０")
@example("٣")
@example("1e20000000")
@example("-0")
@example("0e99")
def test_an_accepted_number_is_exactly_the_decimal_of_its_text(text: str) -> None:
    try:
        number = decimal_number(text)
    except NumberRefused as refused:
        assert 0 < len(str(refused)) < 150  # noqa: PT017  the length is what is tested
        return
    assert number == Decimal(text)
    assert text.isascii()
    assert abs(number) <= MAX_NUMBER
    assert number % FINEST_NUMBER == 0
    assert decimal_number(plain(number)) == number


@given(numeric_text)
def test_a_whole_number_is_exactly_its_text_or_refused(text: str) -> None:
    try:
        number = whole_number(text)
    except NumberRefused:
        return
    assert number == Decimal(text)


@given(
    st.decimals(-MAX_NUMBER, MAX_NUMBER, places=12).filter(lambda number: len(number.as_tuple().digits) <= 27)
)
def test_every_number_in_range_is_read_as_it_is_written(number: Decimal) -> None:
    assert decimal_number(plain(number)) == decimal_number(number) == number


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,050", "write 0.050 or 50"),
        ("0,125", "write 0.125 or 125"),
        ("1,234", "write 1.234 or 1234"),
        ("-1,234", "write -1.234 or -1234"),
        ("1,5", "write it with a point instead of the comma: 1.5"),
        (",5", "write it with a point instead of the comma: .5"),
        ("1000,000", "write it with a point instead of the comma: 1000.000"),
        ("1.234,50", "write it with a point instead of the comma: 1234.50"),
        ("1,234.50", "write it without commas: 1234.50"),
        ("1,234,567", "write it without commas: 1234567"),
        ("12,34,567", "it is not a number"),
        ("1_000", "it is not a number"),
        ("１０", "it is not a number"),
        ("٣", "it is not a number"),
        ("1 000", "it is not a number"),
        (" 1", "it is not a number"),
        ("1\n", "it is not a number"),
        ("0x10", "it is not a number"),
        ("NaN", "it is not a number"),
        ("-Infinity", "it is not a number"),
        (".", "it is not a number"),
        ("", "it is empty"),
        ("1e100", "its exponent has more than two digits"),
        ("1e-1000000", "its exponent has more than two digits"),
        ("1e16", "between -1000000000000000 and 1000000000000000"),
        ("1e-13", "finer than 0.000000000001"),
        ("1" * 41, "it has 41 characters; a number has at most 40"),
        ("9" * 60_000_000, "it has 60,000,000 characters"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_plain_number_is_refused_with_the_way_to_write_it(text: str, words: str) -> None:
    with pytest.raises(NumberRefused) as refused:
        decimal_number(text)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "value", [True, 1.5, None, [], {}, Decimal("NaN"), Decimal("Infinity"), Decimal("1e9999"), 10**50]
)
def test_what_is_no_text_is_refused_unless_it_is_exact_and_in_range(value: Any) -> None:
    with pytest.raises(NumberRefused):
        decimal_number(value)
    with pytest.raises(NumberRefused):
        whole_number(value)


def test_a_whole_number_may_be_as_large_as_a_seed_and_has_no_fraction() -> None:
    assert whole_number(str(2**53)) == 2**53
    assert whole_number("1e3") == 1000
    for text in ("1.5", str(2**63), "1e30"):
        with pytest.raises(NumberRefused):
            whole_number(text)


def test_a_float_may_be_as_fine_as_floats_are_written() -> None:
    assert float_number("100.12345678901234") == 100.12345678901234
    for text in ("nan", "inf", "1e308", "1_0"):
        with pytest.raises(NumberRefused):
            float_number(text)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1,234.50", "1234.50"),
        ("1,234,567", "1234567"),
        ("-1,234,567.8", "-1234567.8"),
        (" 12 ", "12"),
        ("1,234", "1,234"),
        ("0,125", "0,125"),
        ("1,5", "1,5"),
        ("1,23,456.7", "1,23,456.7"),
    ],
)
def test_only_grouping_that_is_no_decimal_comma_is_taken_out(text: str, read: str) -> None:
    assert without_grouping(text) == read


@given(st.integers(10**6, 10**15))
def test_a_large_amount_with_thousands_separators_is_itself(number: int) -> None:
    assert decimal_number(without_grouping(f"{number:,}")) == number
    assert decimal_number(without_grouping(f"{number / 1000:,.2f}")) == D(f"{number / 1000:.2f}")


@given(st.lists(st.decimals(-10_000, 10_000, places=4), min_size=1, max_size=6), st.integers(0, 3))
@example([D("0.45"), D("0.02"), D("-0.12")], 1)
@example([D("-0.25"), D("-1.25"), D("-0.15")], 1)
def test_rounded_parts_add_up_to_the_rounded_sum(parts: list[Decimal], places: int) -> None:
    shown = rounded_parts(parts, places)
    assert sum(shown) == round(sum(parts, D(0)), places)
    assert all(abs(one - exact) < D(1).scaleb(-places) for one, exact in zip(shown, parts, strict=True))
    assert all(-one.as_tuple().exponent == places for one in shown)  # type: ignore[operator]


def test_parts_whose_plain_rounding_adds_up_are_rounded_plainly() -> None:
    assert rounded_parts([D("0.33"), D("9.98")], 1) == [D("0.3"), D("10.0")]
    assert rounded_parts([D("0.44"), D("0.44"), D("0.14")], 1) == [D("0.5"), D("0.4"), D("0.1")]
