"""Percentages of an export: exact digits, and a part is never the whole or nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.present.exports import percent
from tests.core.builders import D

ONE = Decimal(1)


@pytest.mark.parametrize(
    ("filled", "quantity", "shown"),
    [
        ("24.9995", "25", "99.998"),
        ("40", "1000000", "0.004"),
        ("0", "25", "0"),
        ("25", "25", "100"),
        ("1", "3", "33.33"),
        ("0.000000000001", "1000000", "0.0000000000000001"),
    ],
)
def test_a_share_is_shown_with_as_many_digits_as_it_takes(filled: str, quantity: str, shown: str) -> None:
    assert percent(D(filled) / D(quantity)) == shown


def test_unknown_is_empty_and_nothing_has_no_sign() -> None:
    assert percent(None) == ""
    assert percent(D("-0.0000001")) == "-0.00001"
    assert percent(D("-0")) == "0"


@given(st.decimals(D(0), D("1e9"), places=12), st.decimals(D("1e-12"), D("1e9"), places=12))
def test_a_part_is_never_nothing_and_never_the_whole(filled: Decimal, quantity: Decimal) -> None:
    share = min(filled / quantity, ONE)
    shown = Decimal(percent(share))
    assert (shown == 0) == (share == 0)
    assert (shown == 100) == (share == 1)
    assert abs(shown - share * 100) <= D("0.005")
