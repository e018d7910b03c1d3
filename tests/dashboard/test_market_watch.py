"""Requests of a page to watch a market: numbers are exact and above zero, and nothing else is taken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from dashboard.forms.market_watch import MAX_ACCOUNTS, MarketWatch

WISH = {"type": "watch", "symbol": "BTC/USDT", "accounts": ["alpha"]}


def test_numbers_are_exact() -> None:
    found = MarketWatch.model_validate({**WISH, "quantity": "0.10000001", "collar_bp": "12.5"})
    assert (found.quantity, found.collar_bp) == (Decimal("0.10000001"), Decimal("12.5"))
    assert found.slice is None, "what is not known is not sent"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity", "-1"),
        ("quantity", "0"),
        ("slice", "1,5"),
        ("collar_bp", "NaN"),
        ("side", "hold"),
        ("group", 7),
        ("accounts", ["a"] * (MAX_ACCOUNTS + 1)),
        ("symbol", "B" * 41),
        ("type", "look"),
        ("more", 1),
    ],
)
def test_anything_else_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        MarketWatch.model_validate({**WISH, field: value})
