"""The markets' volumes: sampled seconds where they were watched, candles elsewhere, else unknown."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from execution.core.orders.volume_gaps import VolumeGaps
from execution.core.types import ZERO, Candle, CandleHistory
from execution.models import MarketSample
from execution.selectors.decisions.volumes import VolumeSince, opening_of, traded_lately, traded_since
from execution.services.accounts.markets import candles_record
from tests.factories import NOW, SYMBOL, D, Rows

SECOND, BAR = timedelta(seconds=1), timedelta(minutes=5)
#: Two minutes into a stretch.
AT = opening_of(NOW) + timedelta(minutes=2)


def watch(venue: int, start: datetime, end: datetime, volume: str | None = "1") -> None:
    known = None if volume is None else D(volume)
    MarketSample.objects.bulk_create(
        MarketSample(venue_id=venue, symbol=SYMBOL, second=start + number * SECOND, volume=known)
        for number in range(int((end - start).total_seconds()))
    )


def record(venue: int, *openings: datetime, volume: str = "60", unknown: tuple[datetime, ...] = ()) -> None:
    bars = tuple(Candle(opening, D(1), D(1), D(1), D(1), D(volume)) for opening in openings)
    candles_record(venue_pk=venue, symbol=SYMBOL, history=CandleHistory(bars, unknown))


def since(*venues: int, start: datetime, now: datetime = AT) -> VolumeSince:
    return traded_since(venues, SYMBOL, start=start, now=now)


def test_an_order_of_seconds_is_read_from_the_seconds(rows: Rows) -> None:
    watch(rows.venue.pk, AT - 60 * SECOND, AT)
    assert since(rows.venue.pk, start=AT - 30 * SECOND) == VolumeSince(D(30), VolumeGaps(until=AT))


def test_a_market_that_nobody_watched_is_unknown_and_never_nothing(rows: Rows) -> None:
    found = since(rows.venue.pk, start=AT - 31 * SECOND)
    assert (found.volume, found.gaps.until, found.gaps.estimate) == (None, AT - 31 * SECOND, ZERO)
    assert since(rows.venue.pk, start=AT - 2 * SECOND).volume == 0, "it may still be told"
    assert traded_lately([rows.venue.pk], SYMBOL, now=AT) == ()


def test_the_newest_seconds_are_not_known_yet_and_the_moment_is_said(rows: Rows) -> None:
    watch(rows.venue.pk, AT - 60 * SECOND, AT - 12 * SECOND)
    watch(rows.venue.pk, AT - 12 * SECOND, AT - SECOND, None)
    found = since(rows.venue.pk, start=AT - 30 * SECOND)
    assert found == VolumeSince(D(18), VolumeGaps(until=AT - 12 * SECOND))


def test_seconds_that_are_not_known_count_as_nothing_and_as_lost(rows: Rows) -> None:
    watch(rows.venue.pk, AT - 60 * SECOND, AT - 50 * SECOND)
    watch(rows.venue.pk, AT - 50 * SECOND, AT - 45 * SECOND, None)  # 5 s more have no row
    watch(rows.venue.pk, AT - 40 * SECOND, AT)
    found = since(rows.venue.pk, start=AT - timedelta(seconds=59.6))
    # At the pace of the 49 s that are known. The broken first second is neither known nor lost.
    assert found == VolumeSince(D(49), VolumeGaps(until=AT, lost=10 * SECOND, estimate=D(10)))


def test_less_than_half_of_the_time_is_no_basis_for_an_estimate(rows: Rows) -> None:
    watch(rows.venue.pk, AT - 29 * SECOND, AT)
    found = since(rows.venue.pk, start=AT - 60 * SECOND)
    assert (found.volume, found.gaps.lost, found.gaps.estimate) == (D(29), 31 * SECOND, None)


def test_a_venue_that_is_silent_does_not_hide_what_another_one_tells(rows: Rows) -> None:
    beta = rows.beside()
    watch(rows.venue.pk, AT - 60 * SECOND, AT)
    watch(beta.venue.pk, AT - 60 * SECOND, AT - 20 * SECOND, "2")
    found = since(rows.venue.pk, beta.venue.pk, start=AT - 60 * SECOND)
    assert (found.volume, found.gaps) == (D(140), VolumeGaps(until=AT, estimate=D(40)))
    later = since(rows.venue.pk, beta.venue.pk, start=AT - 60 * SECOND, now=AT + 15 * SECOND)
    assert later.gaps == VolumeGaps(until=AT, silent_since=AT - 20 * SECOND, estimate=D(40))
    gone = since(rows.venue.pk, beta.venue.pk, start=AT - 60 * SECOND, now=AT + 31 * SECOND)
    assert gone.gaps == VolumeGaps(until=AT, estimate=D(40)), "all of them are: the order waits"


def test_a_candle_mends_a_stretch_whose_seconds_were_lost(rows: Rows) -> None:
    venue, opening = rows.venue.pk, opening_of(AT)
    watch(venue, opening - BAR, opening - BAR + 100 * SECOND)
    watch(venue, opening - BAR + 200 * SECOND, AT)
    before = since(venue, start=opening - BAR)
    assert (before.volume, before.gaps.lost) == (D(320), 100 * SECOND)
    assert traded_lately([venue], SYMBOL, now=AT)[0].starts_at == opening, "too little of it is known"
    record(venue, opening - BAR, volume="777")
    assert since(venue, start=opening - BAR) == VolumeSince(D(777 + 120), VolumeGaps(until=AT))
    # Of a part of the stretch most seconds are known: they say more than a share of the candle.
    edge = since(venue, start=opening - BAR + 190 * SECOND)
    assert (edge.volume, edge.gaps.lost) == (D(100 + 120), 10 * SECOND)


def test_seconds_stand_in_where_candles_do_not_come(rows: Rows) -> None:
    venue, opening = rows.venue.pk, opening_of(AT)
    watch(venue, opening - 5 * BAR, AT)
    record(venue, opening - 5 * BAR, volume="300")
    assert since(venue, start=opening - 5 * BAR) == VolumeSince(D(5 * 300 + 120), VolumeGaps(until=AT))


def test_candles_stand_in_between_the_edges(rows: Rows) -> None:
    start = opening_of(AT) - 3 * BAR + 4 * timedelta(minutes=1)  # a minute of the first stretch
    venue = rows.venue.pk
    watch(venue, start, start + timedelta(minutes=1), "2")
    watch(venue, opening_of(AT), AT)
    record(venue, opening_of(AT) - 2 * BAR, opening_of(AT) - BAR)
    assert since(venue, start=start) == VolumeSince(D(120) + 2 * D(60) + D(120), VolumeGaps(until=AT))


def test_an_edge_that_nobody_watched_gets_its_share_of_the_candle(rows: Rows) -> None:
    start = opening_of(AT) - 3 * BAR + timedelta(minutes=4)
    venue = rows.venue.pk
    watch(venue, opening_of(AT), AT)
    record(venue, opening_of(AT) - 3 * BAR, opening_of(AT) - BAR)
    # A fifth of 60. The stretch after it has no candle though a later one came: nobody traded.
    assert since(venue, start=start) == VolumeSince(D(12) + D(60) + D(120), VolumeGaps(until=AT))


def test_a_stretch_after_the_last_candle_that_came_is_unknown(rows: Rows) -> None:
    start = opening_of(AT) - 2 * BAR
    watch(rows.venue.pk, opening_of(AT), AT)
    record(rows.venue.pk, start)
    assert since(rows.venue.pk, start=start).gaps.lost == BAR, "it may be listed late"
    record(rows.venue.pk, start + BAR)
    assert since(rows.venue.pk, start=start) == VolumeSince(D(240), VolumeGaps(until=AT))


def test_a_candle_that_nobody_can_read_is_unknown_until_it_is_listed_well(rows: Rows) -> None:
    start = opening_of(AT) - 2 * BAR
    watch(rows.venue.pk, opening_of(AT), AT)
    record(rows.venue.pk, start + BAR, unknown=(start,))
    assert since(rows.venue.pk, start=start).gaps.lost == BAR
    record(rows.venue.pk, start, start + BAR)
    record(rows.venue.pk, start + BAR, unknown=(start,))
    assert since(rows.venue.pk, start=start) == VolumeSince(D(240), VolumeGaps(until=AT))


def test_the_last_twelve_hours_come_in_stretches_with_the_running_one(rows: Rows) -> None:
    venue = rows.venue.pk
    opening = opening_of(AT)
    record(venue, *(opening - number * BAR for number in range(1, 200)))
    watch(venue, opening, AT)
    found = traded_lately([venue], SYMBOL, now=AT)
    assert len(found) == 12 * 12 + 1
    assert found[-1].starts_at == opening
    assert found[-1].volume == D(120)
    assert {part.volume for part in found[:-1]} == {D(60)}
    assert all(before.ends_at == after.starts_at for before, after in itertools.pairwise(found))
