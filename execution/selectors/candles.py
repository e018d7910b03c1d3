"""The markets' history: five-minute candles, of several venues together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from execution.core.types import Candle
from execution.models import CandleDay

CANDLE_SECONDS = 300
CANDLE_LENGTH = timedelta(seconds=CANDLE_SECONDS)


def candles_of(
    venues: Collection[int], symbol: str, *, since: datetime, until: datetime
) -> tuple[Candle, ...]:
    """Candles that opened from ``since`` on and before ``until``, oldest first.

    Of several venues volumes add up; prices are those of the venue that traded most in the bar.
    """
    days = CandleDay.objects.filter(
        venue__in=venues, symbol=symbol, seconds=CANDLE_SECONDS, day__gte=since.date(), day__lte=until.date()
    )
    found: dict[datetime, list[Candle]] = {}
    for day in days:
        for candle in bars_to_candles(day):
            if since <= candle.opened_at < until:
                found.setdefault(candle.opened_at, []).append(candle)
    return tuple(_together(found[at]) for at in sorted(found))


def candles_known_until(venue_pk: int, symbol: str) -> datetime | None:
    """When the last bar that the venue told had ended; None before there was one."""
    days = CandleDay.objects.filter(venue=venue_pk, symbol=symbol, seconds=CANDLE_SECONDS).order_by("-day")
    return days.values_list("known_until", flat=True).first()


def bars_to_candles(day: CandleDay) -> list[Candle]:
    midnight = datetime.combine(day.day, time(), UTC)
    return [Candle(midnight + timedelta(seconds=bar[0]), *map(Decimal, bar[1:])) for bar in day.bars]


def bars_unknown(day: CandleDay) -> list[datetime]:
    """When the bars opened of which the venue told nothing that can be read."""
    midnight = datetime.combine(day.day, time(), UTC)
    return [midnight + timedelta(seconds=seconds) for seconds in day.unknown]


def _together(candles: Sequence[Candle]) -> Candle:
    if len(candles) == 1:
        return candles[0]
    largest = max(candles, key=lambda candle: candle.volume)
    volume = sum((candle.volume for candle in candles), Decimal(0))
    return Candle(largest.opened_at, largest.open, largest.high, largest.low, largest.close, volume)
