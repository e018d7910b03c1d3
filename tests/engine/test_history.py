"""An account keeps its markets' candles: as far back as plans look, then only what is new, once per venue."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from execution.core.orders.parameters import MAX_LOOKBACK
from execution.core.types import Candle
from execution.engine.history import SETTLES, MarketHistory, last_finished
from execution.selectors.candles import CANDLE_LENGTH, candles_known_until, candles_of
from execution.services.desk.housekeeping import candles_drop
from execution.venues.protocol import VenueReadFailed
from tests.engine.desk import Desk, at_once
from tests.factories import NOW, SYMBOL, D, Rows
from tests.fixtures import redis_url, rows

__all__ = ["redis_url", "rows"]

UNTIL = last_finished(NOW - SETTLES)


def bar(opened_at: datetime, volume: str = "3") -> Candle:
    return Candle(opened_at, D(100), D("110.50"), D(90), D(105), D(volume))


@pytest.fixture
def desk(rows: Rows) -> Desk:
    return Desk(rows)


def history(desk: Desk) -> MarketHistory:
    return MarketHistory(desk.parts, desk.exchange, venue_pk=desk.rows.venue.pk, symbols=(SYMBOL,))


def test_the_whole_lookback_comes_first_and_then_what_is_new(desk: Desk) -> None:
    oldest = UNTIL - timedelta(days=MAX_LOOKBACK)
    first = [bar(oldest - CANDLE_LENGTH), bar(oldest), bar(UNTIL - CANDLE_LENGTH, "0.00000001")]
    desk.exchange.candles_of = first
    venue = desk.rows.venue.pk
    at_once(history(desk).refresh(SYMBOL))
    assert candles_of([venue], SYMBOL, since=oldest - timedelta(days=1), until=NOW) == tuple(first[1:])
    assert candles_known_until(venue, SYMBOL) == UNTIL
    at_once(history(desk).refresh(SYMBOL))
    assert len(desk.exchange.looked_at) == 1, "another account there has just done so"
    desk.clock.pass_by(300)
    desk.exchange.candles_of = [bar(UNTIL, "7")]
    at_once(history(desk).refresh(SYMBOL))
    assert [c.volume for c in candles_of([venue], SYMBOL, since=oldest, until=NOW + CANDLE_LENGTH)] == [
        D(3), D("0.00000001"), D(7),
    ]  # fmt: skip


def test_a_failed_look_leaves_what_is_known(desk: Desk) -> None:
    desk.exchange.failing[SYMBOL] = VenueReadFailed("busy")
    with pytest.raises(VenueReadFailed):
        at_once(history(desk).refresh(SYMBOL))
    assert candles_known_until(desk.rows.venue.pk, SYMBOL) is None


def test_volumes_of_several_venues_add_up_and_old_days_are_dropped(desk: Desk) -> None:
    desk.exchange.candles_of = [bar(UNTIL - timedelta(days=2)), bar(UNTIL - CANDLE_LENGTH)]
    beta = desk.rows.beside()
    for venue in (desk.rows.venue.pk, beta.venue.pk):
        other = MarketHistory(desk.parts, desk.exchange, venue_pk=venue, symbols=(SYMBOL,))
        at_once(other.refresh(SYMBOL))
    both = [desk.rows.venue.pk, beta.venue.pk]
    assert [c.volume for c in candles_of(both, SYMBOL, since=UNTIL - timedelta(days=3), until=NOW)] == [
        D(6)
    ] * 2
    candles_drop(before=UNTIL.date(), pause=lambda: None)
    assert len(candles_of(both, SYMBOL, since=UNTIL - timedelta(days=3), until=NOW)) == 1
