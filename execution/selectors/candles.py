"""The markets' history: five-minute candles, of several venues together."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.days import start_of
from execution.core.market_data.candles import merged_candles
from execution.core.types import Candle
from execution.models import CandleDay

CANDLE_SECONDS = 300
CANDLE_LENGTH = timedelta(seconds=CANDLE_SECONDS)


def candles_of(
    venues: Collection[int], symbol: str, *, since: datetime, until: datetime
) -> tuple[Candle, ...]:
    """Return candles that opened from ``since`` on and before ``until``, oldest first. Volumes of several venues
    add up; prices are those of the venue that traded most in the bar.

    Of several venues volumes add up; prices are those of the venue that traded most in the bar.
    """
    days = CandleDay.objects.filter(
        venue__in=venues, symbol=symbol, seconds=CANDLE_SECONDS, day__gte=since.date(), day__lte=until.date()
    )
    return merged_candles(
        (candle for candle in bars_to_candles(day) if since <= candle.opened_at < until) for day in days
    )


def candles_known_until(venue_pk: int, symbol: str) -> datetime | None:
    """Return the end of the last bar that the venue sent; None without a bar."""
    days = CandleDay.objects.filter(venue=venue_pk, symbol=symbol, seconds=CANDLE_SECONDS).order_by("-day")
    return days.values_list("known_until", flat=True).first()


def bars_to_candles(day: CandleDay) -> list[Candle]:
    midnight = start_of(day.day)
    return [Candle(midnight + timedelta(seconds=bar[0]), *map(Decimal, bar[1:])) for bar in day.bars]


def bars_unknown(day: CandleDay) -> list[datetime]:
    """Return the openings of the bars that the venue sent in an unreadable form."""
    midnight = start_of(day.day)
    return [midnight + timedelta(seconds=seconds) for seconds in day.unknown]
