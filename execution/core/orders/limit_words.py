"""The words for a limit price that keeps a working order from being filled."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from execution.core.numbers import grouped
from execution.core.types import Quote, Side


def limit_beyond(side: Side, limit: Decimal | None, quotes: Iterable[Quote]) -> str:
    """Return words such as ``limit 60,000 is 8.6 % below the market``.

    The percentage is the distance to the nearest mid. The text is empty if at any venue the limit reaches the best
    price of its own side. That is the best bid for a buy, and the best ask for a sell. It is empty too without a limit
    or a usable quote.
    """
    sane = [quote for quote in quotes if quote.is_sane]
    if limit is None or not sane:
        return ""
    if any((quote.passive(side) - limit) * side.sign <= 0 for quote in sane):
        return ""
    distance = min(abs(limit / quote.mid - 1) for quote in sane) * 100
    if distance < Decimal("0.01"):
        words = "less than 0.01"
    else:
        words = f"{distance:.1f}" if distance >= 1 else f"{distance:.2f}"
    return f"limit {grouped(limit)} is {words} % {'below' if side is Side.BUY else 'above'} the market"
