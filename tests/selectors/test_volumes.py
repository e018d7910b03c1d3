"""What the markets traded: sampled seconds where they were watched, candles elsewhere, else unknown."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from execution.core.types import Candle
from execution.models import MarketSample
from execution.selectors.decisions.volumes import WRITTEN_AFTER, opening_of, traded_lately, traded_since
from execution.services.accounts.markets import candles_record
from tests.factories import NOW, SYMBOL, D, Rows
from tests.fixtures import redis_url, rows

__all__ = ["redis_url", "rows"]

SECOND, BAR = timedelta(seconds=1), timedelta(minutes=5)
#: Two minutes into a stretch.
AT = opening_of(NOW) + timedelta(minutes=2)


def watch(venue: int, start: datetime, end: datetime, volume: str = "1") -> None:
    MarketSample.objects.bulk_create(
        MarketSample(venue_id=venue, symbol=SYMBOL, second=start + number * SECOND, volume=D(volume))
        for number in range(int((end - start).total_seconds()))
    )


def record(venue: int, *openings: datetime, volume: str = "60", until: datetime) -> None:
    bars = [Candle(opening, D(1), D(1), D(1), D(1), D(volume)) for opening in openings]
    candles_record(venue_pk=venue, symbol=SYMBOL, candles=bars, known_until=until)


def test_an_order_of_seconds_is_read_from_the_seconds(rows: Rows) -> None:
    watch(rows.venue.pk, AT - 60 * SECOND, AT)
    assert traded_since([rows.venue.pk], SYMBOL, start=AT - 30 * SECOND, now=AT) == D(30) - D(
        WRITTEN_AFTER.seconds
    )


def test_a_market_that_nobody_watched_is_unknown_and_never_nothing(rows: Rows) -> None:
    assert traded_since([rows.venue.pk], SYMBOL, start=AT - 30 * SECOND, now=AT) is None
    assert traded_lately([rows.venue.pk], SYMBOL, now=AT) == ()


def test_one_venue_that_is_unknown_makes_the_sum_unknown(rows: Rows) -> None:
    beta = rows.beside()
    watch(rows.venue.pk, AT - 60 * SECOND, AT)
    assert traded_since([rows.venue.pk, beta.venue.pk], SYMBOL, start=AT - 30 * SECOND, now=AT) is None


def test_candles_stand_in_between_the_edges(rows: Rows) -> None:
    start = opening_of(AT) - 3 * BAR + 4 * timedelta(minutes=1)  # a minute of the first stretch
    venue = rows.venue.pk
    watch(venue, start, start + timedelta(minutes=1), "2")
    watch(venue, opening_of(AT), AT)
    record(venue, opening_of(AT) - 2 * BAR, opening_of(AT) - BAR, until=opening_of(AT))
    expected = D(120) + 2 * D(60) + D(120) - D(WRITTEN_AFTER.seconds)
    assert traded_since([venue], SYMBOL, start=start, now=AT) == expected


def test_an_edge_that_nobody_watched_gets_its_share_of_the_candle(rows: Rows) -> None:
    start = opening_of(AT) - 2 * BAR + timedelta(minutes=4)
    venue = rows.venue.pk
    watch(venue, opening_of(AT), AT)
    record(venue, opening_of(AT) - 2 * BAR, until=opening_of(AT))
    # A fifth of 60; the stretch after it has no candle before ``known_until``: nobody traded.
    assert traded_since([venue], SYMBOL, start=start, now=AT) == D(12) + D(120) - D(WRITTEN_AFTER.seconds)


def test_the_last_twelve_hours_come_in_stretches_with_the_running_one(rows: Rows) -> None:
    venue = rows.venue.pk
    opening = opening_of(AT)
    record(venue, *(opening - number * BAR for number in range(1, 200)), until=opening)
    watch(venue, opening, AT)
    found = traded_lately([venue], SYMBOL, now=AT)
    assert len(found) == 12 * 12 + 1
    assert found[-1].starts_at == opening
    assert found[-1].volume == D(120) - D(WRITTEN_AFTER.seconds)
    assert {part.volume for part in found[:-1]} == {D(60)}
    assert all(before.ends_at == after.starts_at for before, after in itertools.pairwise(found))
