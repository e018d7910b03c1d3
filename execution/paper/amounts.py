"""The JSON forms of amounts and times that several exchanges share."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal


def text(amount: Decimal | None) -> str:
    """Return the amount with all its digits, without an exponent or trailing zeros. Return an empty text for None."""
    if amount is None:
        return ""
    written = f"{amount:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def iso(milliseconds: int) -> str:
    """Return a time (milliseconds) in UTC with microseconds, such as ``2026-04-07T00:28:58.544000Z``."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}000Z"
