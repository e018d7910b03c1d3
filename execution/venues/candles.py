"""A market's history, page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from execution.core.types import ZERO, Candle
from execution.venues.convert import AnswerError, decimal_or_none, listed, milliseconds_of, time_or_none
from execution.venues.protocol import VenueReadFailed

TIMEFRAME, LENGTH = "5m", timedelta(minutes=5)
#: Asked for at once; exchanges that give fewer are asked again from where they stopped.
PAGE = 1000
MAX_PAGES = 100

#: Candles from a time in milliseconds on, at most so many.
Fetch = Callable[[int, int], Awaitable[list[Candle]]]


def read_page(answer: Any) -> list[Candle]:
    return [candle(row) for row in listed(answer)]


def candle(row: Any) -> Candle:
    """ccxt's ``[milliseconds, open, high, low, close, volume]``."""
    if not isinstance(row, Sequence) or len(row) < 6:
        raise AnswerError(f"{row!r} is no candle")
    opened_at, (opening, high, low, close, volume) = time_or_none(row[0]), map(decimal_or_none, row[1:6])
    if opened_at is None or opening is None or high is None or low is None or close is None:
        raise AnswerError(f"a candle that lacks its time or a price: {row!r}")
    if volume is None or volume < ZERO or min(opening, high, low, close) <= ZERO:
        raise AnswerError(f"a candle with a volume or price that cannot be: {row!r}")
    return Candle(opened_at, opening, high, low, close, volume)


async def all_candles(fetch: Fetch, *, since: datetime, until: datetime) -> list[Candle]:
    """Every finished candle that opened from ``since`` on and ended by ``until``, oldest first.

    A page that brings nothing new ends it where the market has no more history; raises ``VenueReadFailed`` when
    that many pages do not end.
    """
    found: dict[datetime, Candle] = {}
    start = since
    for _ in range(MAX_PAGES):
        fresh = [bar for bar in await fetch(milliseconds_of(start), PAGE) if bar.opened_at >= start]
        found.update((bar.opened_at, bar) for bar in fresh)
        if not fresh:
            break
        start = max(bar.opened_at for bar in fresh) + LENGTH
        if start + LENGTH > until:
            break
    else:
        raise VenueReadFailed(f"the candles since {since:%Y-%m-%d %H:%M} do not end after {MAX_PAGES} pages")
    return [found[at] for at in sorted(found) if at + LENGTH <= until]
