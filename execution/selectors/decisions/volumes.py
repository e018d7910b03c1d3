"""The volumes of an order's markets, from sampled seconds and from five-minute candles where seconds are missing.

A second whose volume is unknown is treated as having none. So sums are lower bounds. The gaps are returned together
with the sums.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.days import midnight_of
from execution.core.orders.volume_gaps import VOLUME_LASTS, VolumeGaps
from execution.core.types import ZERO, Candle, Traded
from execution.models import CandleDay, MarketSample
from execution.selectors.candles import CANDLE_LENGTH, CANDLE_SECONDS, bars_to_candles, bars_unknown

#: A forecast uses the traded volume of this much time.
FORECAST_SPAN = timedelta(hours=12)
#: Seconds replace missing candles for stretches of at most this age.
SECONDS_SPAN = timedelta(hours=1)
#: The share of a stretch's seconds that must be known for their sum to be used instead of a share of the candle.
WATCHED = 0.9
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Part:
    """The volume of one market in a stretch of time that is only partly known.

    The stretch is ``whole`` seconds long. ``volume`` is the sum over the ``known`` seconds whose volume is known.
    """

    volume: Decimal
    known: int
    whole: int

    @property
    def estimate(self) -> Decimal:
        """Return the volume of the full stretch, assuming the pace of its known part."""
        return self.volume * self.whole / self.known if self.known else self.volume


@dataclass(frozen=True, slots=True)
class _Venue:
    """The data of one market that volumes are computed from.

    ``candles`` are by their opening time. ``unknown`` has the opening times of unreadable candles. ``known_until`` is
    the end of the last candle. ``seconds`` has each stretch's sampled seconds with their volumes, by the stretch's
    opening.
    """

    candles: Mapping[datetime, Candle]
    unknown: Collection[datetime]
    known_until: datetime | None
    seconds: Mapping[datetime, Sequence[tuple[datetime, Decimal]]]

    def until(self, start: datetime, now: datetime) -> datetime:
        """Return the time up to which the volume is known, at least ``start`` and at most ``now``."""
        last = max((at for stretch in self.seconds.values() for at, _ in stretch), default=None)
        ends = [start] if last is None else [start, last + SECOND]
        if self.known_until is not None:
            ends.append(self.known_until.replace(microsecond=0))
        return min(max(ends), now)

    def between(self, start: datetime, end: datetime) -> _Part:
        """Return the known volume from ``start`` to ``end``, within one five-minute stretch.

        It is the sum of the sampled seconds if all seconds are known, or if there is no readable candle. Otherwise,
        for a full stretch, it is the candle's volume. For a part of a stretch, it is the sum of the sampled seconds
        if a share of ``WATCHED`` is known, else a proportional part of the candle's volume.
        """
        opening = opening_of(start)
        known = [volume for at, volume in self.seconds.get(opening, ()) if start <= at < end]
        whole = max(int((end - _whole_second(start)).total_seconds()), 0)
        seconds = _Part(sum(known, ZERO), len(known), whole)
        is_listed = self.known_until is not None and opening + CANDLE_LENGTH <= self.known_until
        if seconds.known >= whole or not is_listed or opening in self.unknown:
            return seconds
        is_whole_stretch = start == opening and end == opening + CANDLE_LENGTH
        if not is_whole_stretch and seconds.known >= whole * WATCHED:
            return seconds
        candle = self.candles.get(opening)
        share = Decimal(str((end - start).total_seconds())) / CANDLE_SECONDS
        return _Part(ZERO if candle is None else candle.volume * share, whole, whole)


@dataclass(frozen=True, slots=True)
class VolumeSince:
    """The known volume of all venues together, in base units, and the gaps in it.

    The volume is None if none is known although more than ``VOLUME_LASTS`` has passed since the start.
    """

    volume: Decimal | None
    gaps: VolumeGaps


def traded_lately(venues: Collection[int], symbol: str, *, now: datetime) -> tuple[Traded, ...]:
    """Return the five-minute volumes of the last twelve hours, oldest first, summed over all venues.

    The last stretch may be shorter, because it ends where the known data end. A stretch with too many unknown seconds
    at a venue is left out.
    """
    since = opening_of(now - FORECAST_SPAN)
    known = _read(venues, symbol, since, now)
    found = []
    for start, end in _edges(since, min(venue.until(since, now) for venue in known)):
        parts = [venue.between(start, end) for venue in known]
        if all(part.known >= part.whole * WATCHED - 1 for part in parts):
            found.append(Traded(start, end, sum((part.estimate for part in parts), ZERO)))
    return tuple(found)


def traded_since(venues: Collection[int], symbol: str, *, start: datetime, now: datetime) -> VolumeSince:
    """Return the known volume of all venues together from ``start`` to ``now``. It is a lower bound."""
    known = _read(venues, symbol, opening_of(start), now, edge=start)
    ends = [venue.until(start, now) for venue in known]
    until, oldest = max(ends), min(ends)
    volume, lost, estimate = ZERO, 0, ZERO
    is_estimated = True
    for venue, end in zip(known, ends, strict=True):
        parts = [venue.between(*edge) for edge in _edges(start, end)]
        traded = sum((part.volume for part in parts), ZERO)
        seconds, whole = sum(part.known for part in parts), sum(part.whole for part in parts)
        volume += traded
        lost = max(lost, whole - seconds)
        whole += int((until - end).total_seconds())
        is_estimated = is_estimated and 2 * seconds >= whole
        estimate += traded * (whole - seconds) / seconds if seconds else ZERO
    is_silent = now - oldest > VOLUME_LASTS >= now - until
    gaps = VolumeGaps(
        until=until,
        silent_since=oldest if is_silent else None,
        lost=timedelta(seconds=lost),
        estimate=estimate if is_estimated else None,
    )
    is_unknown = until == start and now - start > VOLUME_LASTS
    return VolumeSince(None if is_unknown else volume, gaps)


def opening_of(at: datetime) -> datetime:
    """Return the opening time of the five-minute stretch that contains ``at``."""
    midnight = midnight_of(at)
    return midnight + (at - midnight) // CANDLE_LENGTH * CANDLE_LENGTH


def _whole_second(at: datetime) -> datetime:
    """Return the first full second at or after ``at``. The volume of a partial second is unknown."""
    return at if at.microsecond == 0 else at.replace(microsecond=0) + SECOND


def _edges(start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
    """Yield the five-minute stretches from ``start`` to ``end``. The first and the last may be shorter."""
    while start < end:
        following = min(opening_of(start) + CANDLE_LENGTH, end)
        yield start, following
        start = following


def _read(
    venues: Collection[int], symbol: str, since: datetime, now: datetime, *, edge: datetime | None = None
) -> list[_Venue]:
    """Read each venue's candles from ``since`` on, and sampled seconds where they are needed.

    Seconds are read where candles are missing, and from ``edge`` to the end of the five-minute stretch that contains
    it.
    """
    days = list(
        CandleDay.objects.filter(
            venue__in=venues,
            symbol=symbol,
            seconds=CANDLE_SECONDS,
            day__gte=since.date(),
            day__lte=now.date(),
        )
    )
    known_until = {
        pk: max((day.known_until for day in days if day.venue_id == pk), default=None) for pk in venues
    }
    seconds_from = max(_seconds_from(known_until.values(), now), since)
    samples = MarketSample.objects.filter(venue__in=venues, symbol=symbol, volume__isnull=False)
    columns = ("venue_id", "second", "volume")
    rows = list(samples.filter(second__gte=seconds_from, second__lt=now).values_list(*columns))
    if edge is not None and edge < seconds_from:
        ends = min(opening_of(edge) + CANDLE_LENGTH, seconds_from)
        rows += samples.filter(second__gte=edge, second__lt=ends).values_list(*columns)
    seconds: dict[int, dict[datetime, list[tuple[datetime, Decimal]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for venue, second, volume in rows:
        if volume is not None:
            seconds[venue][opening_of(second)].append((second, volume))
    return [
        _Venue(
            candles={
                bar.opened_at: bar for day in days if day.venue_id == pk for bar in bars_to_candles(day)
            },
            unknown={at for day in days if day.venue_id == pk for at in bars_unknown(day)},
            known_until=known_until[pk],
            seconds=seconds[pk],
        )
        for pk in venues
    ]


def _seconds_from(known_until: Iterable[datetime | None], now: datetime) -> datetime:
    """Return the opening of the first stretch for which a venue's candle may be missing.

    This is the stretch before the current one, or an earlier one.
    """
    usual, furthest = opening_of(now) - CANDLE_LENGTH, opening_of(now - SECONDS_SPAN)
    found = [furthest if until is None else max(opening_of(until), furthest) for until in known_until]
    return min([usual, *found])
