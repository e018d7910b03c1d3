"""An order said in words."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from execution.core.terms import ALGORITHMS
from execution.services.orders import Preview


def grouped(number: Decimal) -> str:
    """Thousands separators, no exponent, no trailing zeros."""
    plain = format(number, ",f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def spoken(duration: timedelta) -> str:
    """``1 h 30 min``: the words that a person would use."""
    seconds = round(duration.total_seconds())
    parts = [
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def order_sentence(preview: Preview) -> str:
    """What will be sent, in one sentence; empty while the plan is not known."""
    market, start, end = preview.market, preview.start_at, preview.end_at
    if market is None or start is None or end is None or preview.quantity is None:
        return ""
    request = preview.request
    limit = request.limit_price
    parts = [
        f"{request.side.value.upper()} {grouped(preview.quantity)} {market.base} for {market.quote}",
        f"by {ALGORITHMS[request.algorithm].label} in {len(preview.slices)} slices over {spoken(end - start)}",
        f"from {start:%H:%M:%S} to {end:%H:%M:%S} UTC",
        f"never {'above' if request.side.sign > 0 else 'below'} {grouped(limit)}"
        if limit
        else "without a limit price",
    ]
    return ", ".join(parts) + "."
