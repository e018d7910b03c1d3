"""Decimals and moments as the pages are sent them. Unknown stays unknown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from execution.core.numbers import plain


def text(number: Decimal | None) -> str | None:
    """A decimal as plain text without trailing zeros; unknown stays unknown."""
    return None if number is None else plain(number)


def rounded(number: Decimal | None, places: int) -> str | None:
    return None if number is None else text(round(number, places))


def instant(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
