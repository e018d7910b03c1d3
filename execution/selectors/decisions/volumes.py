"""What the markets of an order traded: whole stretches from candles, their edges from the sampled seconds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.types import ZERO, Candle, Traded
from execution.models import CandleDay, MarketSample
from execution.selectors.candles import CANDLE_LENGTH, CANDLE_SECONDS, bars_to_candles

#: How far back a forecast looks at what was traded.
LOOK_BACK = timedelta(hours=12)
#: A second is written when it is over and its late trades have come.
WRITTEN_AFTER = timedelta(seconds=3)
#: Of the seconds of a stretch, as many must have been watched for its sum to be known.
WATCHED = 0.9


@dataclass(frozen=True, slots=True)
class _Venue:
    """What is known of one market: its candles by opening, up to when, and its sampled seconds."""

    candles: Mapping[datetime, Candle]
    known_until: datetime | None
    seconds: Mapping[datetime, Decimal]

    def between(self, start: datetime, end: datetime) -> Decimal | None:
        """What was traded from ``start`` to ``end``, at most one stretch; None while it is not known."""
        watched = [volume for at, volume in self.seconds.items() if start <= at < end]
        wanted = (end - start).total_seconds()
        if len(watched) >= wanted * WATCHED - 1:
            return sum(watched, ZERO)
        opening = opening_of(start)
        if self.known_until is None or opening + CANDLE_LENGTH > self.known_until:
            return None
        candle = self.candles.get(opening)
        share = Decimal(str(wanted)) / CANDLE_SECONDS
        return ZERO if candle is None else candle.volume * share


def traded_lately(venues: Collection[int], symbol: str, *, now: datetime) -> tuple[Traded, ...]:
    """The stretches of the last twelve hours, oldest first, the last one up to ``now``; of all venues together.

    A stretch that is not known of every venue is missing.
    """
    since = opening_of(now - LOOK_BACK)
    known = _read(venues, symbol, since, now, seconds_from=_seconds_from(now))
    return tuple(_stretches(known, since, now))


def traded_since(venues: Collection[int], symbol: str, *, start: datetime, now: datetime) -> Decimal | None:
    """What all venues together traded from ``start`` to ``now``; None while one of them is not known."""
    edge = opening_of(start) + CANDLE_LENGTH
    known = _read(venues, symbol, opening_of(start), now, seconds_from=_seconds_from(now), edge=(start, edge))
    total = ZERO
    for part in _edges(start, now - WRITTEN_AFTER):
        for venue in known:
            volume = venue.between(*part)
            if volume is None:
                return None
            total += volume
    return total


def opening_of(at: datetime) -> datetime:
    """When the stretch of five minutes began in which ``at`` lies."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (at - midnight) // CANDLE_LENGTH * CANDLE_LENGTH


def _seconds_from(now: datetime) -> datetime:
    """Seconds stand in for the stretch that runs and for the one before it, whose candle may not be here yet."""
    return opening_of(now) - CANDLE_LENGTH


def _edges(start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
    """The stretches that ``start`` to ``end`` is cut into, the first and the last one shorter."""
    while start < end:
        following = min(opening_of(start) + CANDLE_LENGTH, end)
        yield start, following
        start = following


def _stretches(known: list[_Venue], since: datetime, now: datetime) -> Iterable[Traded]:
    for start, end in _edges(since, now - WRITTEN_AFTER):
        volumes = [venue.between(start, end) for venue in known]
        found = [volume for volume in volumes if volume is not None]
        if len(found) == len(known):
            yield Traded(start, end, sum(found, ZERO))


def _read(
    venues: Collection[int],
    symbol: str,
    since: datetime,
    now: datetime,
    *,
    seconds_from: datetime,
    edge: tuple[datetime, datetime] | None = None,
) -> list[_Venue]:
    days = list(
        CandleDay.objects.filter(
            venue__in=venues,
            symbol=symbol,
            seconds=CANDLE_SECONDS,
            day__gte=since.date(),
            day__lte=now.date(),
        )
    )
    samples = MarketSample.objects.filter(venue__in=venues, symbol=symbol)
    rows = list(
        samples.filter(second__gte=max(seconds_from, since), second__lt=now).values_list(
            "venue_id", "second", "volume"
        )
    )
    if edge is not None and edge[0] < seconds_from:
        rows += samples.filter(second__gte=edge[0], second__lt=min(edge[1], seconds_from)).values_list(
            "venue_id", "second", "volume"
        )
    return [
        _Venue(
            candles={
                bar.opened_at: bar for day in days if day.venue_id == pk for bar in bars_to_candles(day)
            },
            known_until=max((day.known_until for day in days if day.venue_id == pk), default=None),
            seconds={second: volume for venue, second, volume in rows if venue == pk},
        )
        for pk in venues
    ]
