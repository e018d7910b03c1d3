"""Stored five-minute candles of markets, also of several venues merged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain

from execution.core.days import start_of
from execution.core.market_data.candles import KnownCandles, merged_candles
from execution.core.market_data.coverage import Coverage
from execution.core.types import Candle
from execution.models import CandleDay

CANDLE_SECONDS = 300
CANDLE_LENGTH = timedelta(seconds=CANDLE_SECONDS)


def candles_of(
    venues: Collection[int], symbol: str, *, since: datetime, until: datetime
) -> tuple[Candle, ...]:
    """Return candles that opened at or after ``since`` and before ``until``, oldest first.

    For several venues, volumes are added up. The prices of a bar are those of the venue that traded most in it.
    """
    days = CandleDay.objects.filter(
        venue__in=venues, symbol=symbol, seconds=CANDLE_SECONDS, day__gte=since.date(), day__lte=until.date()
    )
    return merged_candles(
        (candle for candle in bars_to_candles(day) if since <= candle.opened_at < until) for day in days
    )


def candles_known_until(venue_pk: int, symbol: str) -> datetime | None:
    """Return the end of the last bar that the venue sent; None if it sent none."""
    days = CandleDay.objects.filter(venue=venue_pk, symbol=symbol, seconds=CANDLE_SECONDS).order_by("-day")
    return days.values_list("known_until", flat=True).first()


def candles_stored(
    venues: Collection[int], symbols: Collection[str], since: datetime
) -> dict[tuple[int, str], KnownCandles]:
    """Return the stored candles from ``since`` on, by venue and symbol, with the stretches of time that are known.

    Markets without stored candles are left out.
    """
    rows: defaultdict[tuple[int, str], list[CandleDay]] = defaultdict(list)
    found = CandleDay.objects.filter(
        venue__in=venues, symbol__in=symbols, seconds=CANDLE_SECONDS, day__gte=since.date()
    )
    for day in found.order_by("day"):
        rows[day.venue_id, day.symbol].append(day)
    return {pair: _known(days, since) for pair, days in rows.items()}


def _known(days: Sequence[CandleDay], since: datetime) -> KnownCandles:
    candles = tuple(bar for bar in chain.from_iterable(map(bars_to_candles, days)) if bar.opened_at >= since)
    unknown = Coverage()
    for at in chain.from_iterable(map(bars_unknown, days)):
        unknown.add(at, at + CANDLE_LENGTH)
    until = max(day.known_until for day in days)
    return KnownCandles(candles, tuple(unknown.gaps(since, until)))


def bars_to_candles(day: CandleDay) -> list[Candle]:
    midnight = start_of(day.day)
    return [Candle(midnight + timedelta(seconds=bar[0]), *map(Decimal, bar[1:])) for bar in day.bars]


def bars_unknown(day: CandleDay) -> list[datetime]:
    """Return the opening times of the bars that the venue sent in an unreadable form."""
    midnight = start_of(day.day)
    return [midnight + timedelta(seconds=seconds) for seconds in day.unknown]
