"""An order said in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.terms import ALGORITHMS
from execution.core.types import Unit
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
    if market is None or not preview.accounts or start is None or end is None or preview.quantity is None:
        return ""
    request = preview.request
    count = len(preview.slices)
    parts = [
        f"{request.side.value.upper()} {grouped(preview.quantity)} {market.base} for {market.quote}"
        f" on {_places([account.label for account in preview.accounts])}",
        f"by {ALGORITHMS[request.algorithm].label} in {count} slice{'' if count == 1 else 's'}"
        f" over {spoken(end - start)}",
        _window(preview, start, end),
        _limit(preview),
    ]
    return ", ".join(parts) + "."


def unit_word(preview: Preview) -> str:
    """The currency that the quantity was asked in."""
    if preview.market is None:
        return ""
    return preview.market.quote if preview.request.unit is Unit.QUOTE else preview.market.base


def _places(labels: list[str]) -> str:
    """``alpha, beta or gamma, each slice where it is cheapest``: a slice goes to one of them."""
    if len(labels) == 1:
        return labels[0]
    return f"{', '.join(labels[:-1])} or {labels[-1]} (each slice where it is cheapest after fees)"


def _window(preview: Preview, start: datetime, end: datetime) -> str:
    """From when until when. With a duration from now on, the end moves with the moment of sending."""
    until = f"ending at {_moment(end, preview.now)}"
    if start > preview.now:
        return f"starting at {_moment(start, preview.now)}, {until}"
    fixed = preview.parameters is not None and preview.parameters.end_at is not None
    return f"starting at once, {until}{'' if fixed else ' if sent now'}"


def _moment(moment: datetime, now: datetime) -> str:
    """The time in UTC, with the day when that is not today."""
    day = "" if moment.date() == now.date() else f"{moment:%-d %B} "
    return f"{day}{moment:%H:%M:%S} UTC"


def _limit(preview: Preview) -> str:
    limit, market = preview.request.limit_price, preview.market
    if limit is None or market is None:
        return "no limit price"
    side = "above" if preview.request.side.sign > 0 else "below"
    return f"limit: never {side} {grouped(limit)} {market.quote}"
