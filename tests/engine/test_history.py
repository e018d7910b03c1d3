"""An account keeps its markets' candles: as far back as plans look, then only what is new, once per venue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from execution.core.orders.parameters import MAX_LOOKBACK
from execution.core.types import Candle, CandleHistory
from execution.engine.history import MAX_PAUSE, PATIENCE, POLL_EVERY, SETTLES, MarketHistory, last_finished
from execution.selectors.candles import CANDLE_LENGTH, candles_known_until, candles_of
from execution.services.desk.housekeeping import candles_drop
from execution.venues.protocol import VenueReadFailed
from tests.engine.desk import Desk, at_once
from tests.factories import NOW, SYMBOL, D, Rows
from tests.venues.candle_lists import STEP, CandleMarket
from tests.venues.stub import StubbedVenue, opened_venue

UNTIL = last_finished(NOW - SETTLES)


def bar(opened_at: datetime, volume: str = "3") -> Candle:
    return Candle(opened_at, D(100), D("110.50"), D(90), D(105), D(volume))


@pytest.fixture
def desk(rows: Rows) -> Desk:
    return Desk(rows)


def history(desk: Desk, *symbols: str) -> MarketHistory:
    return MarketHistory(desk.parts, desk.exchange, venue_pk=desk.rows.venue.pk, symbols=symbols or (SYMBOL,))


def test_the_whole_lookback_comes_first_and_then_what_is_new(desk: Desk) -> None:
    oldest = UNTIL - timedelta(days=MAX_LOOKBACK)
    first = [bar(oldest - CANDLE_LENGTH), bar(oldest), bar(UNTIL - CANDLE_LENGTH, "0.00000001")]
    desk.exchange.candles_of = first
    venue = desk.rows.venue.pk
    at_once(history(desk).refresh(SYMBOL))
    assert candles_of([venue], SYMBOL, since=oldest - timedelta(days=1), until=NOW) == tuple(first[1:])
    assert candles_known_until(venue, SYMBOL) == UNTIL
    at_once(history(desk).refresh(SYMBOL))
    assert len(desk.exchange.polled_at) == 1, "another account there has just done so"
    desk.clock.pass_by(300)
    desk.exchange.candles_of = [bar(UNTIL, "7")]
    at_once(history(desk).refresh(SYMBOL))
    assert [c.volume for c in candles_of([venue], SYMBOL, since=oldest, until=NOW + CANDLE_LENGTH)] == [
        D(3), D("0.00000001"), D(7),
    ]  # fmt: skip


def test_a_failed_poll_leaves_what_is_known(desk: Desk) -> None:
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


def pass_time(desk: Desk, histories: MarketHistory, seconds: float) -> None:
    """Let the history poll as its loop does."""
    for _ in range(int(seconds / POLL_EVERY)):
        desk.clock.pass_by(POLL_EVERY)
        at_once(histories.refresh_due())


def test_known_ends_at_the_last_candle_that_came(desk: Desk) -> None:
    desk.exchange.candles_of = [bar(UNTIL - 3 * CANDLE_LENGTH), bar(UNTIL - 2 * CANDLE_LENGTH)]
    histories = history(desk)
    at_once(histories.refresh_due())
    assert candles_known_until(desk.rows.venue.pk, SYMBOL) == UNTIL - CANDLE_LENGTH
    desk.exchange.candles_of = [bar(UNTIL - 3 * CANDLE_LENGTH)]
    pass_time(desk, histories, 10)
    assert candles_known_until(desk.rows.venue.pk, SYMBOL) == UNTIL - CANDLE_LENGTH, "it never goes back"


def test_a_candle_that_is_corrected_or_comes_late_replaces_what_was_there(desk: Desk) -> None:
    bars = [bar(UNTIL - number * CANDLE_LENGTH) for number in (12, 10, 1)]
    desk.exchange.candles_of = bars
    histories = history(desk)
    at_once(histories.refresh_due())
    late, corrected = bar(UNTIL - 11 * CANDLE_LENGTH, "5"), bar(UNTIL - CANDLE_LENGTH, "4")
    desk.exchange.candles_of = [bars[0], late, bars[1], corrected, bar(UNTIL)]
    pass_time(desk, histories, 310)
    found = candles_of(
        [desk.rows.venue.pk], SYMBOL, since=UNTIL - timedelta(days=1), until=NOW + CANDLE_LENGTH
    )
    assert [candle.volume for candle in found] == [D(3), D(5), D(3), D(4), D(3)]


def test_a_market_that_stopped_is_asked_ever_less_often(desk: Desk) -> None:
    desk.exchange.candles_of = [bar(UNTIL - CANDLE_LENGTH)]
    histories = history(desk)
    at_once(histories.refresh_due())
    pass_time(desk, histories, 86_400)
    assert len(desk.exchange.polled_at) < 100, "8,640 without pauses"
    desk.exchange.polled_at.clear()
    pass_time(desk, histories, 86_400)
    assert len(desk.exchange.polled_at) == 24
    desk.exchange.candles_of.append(bar(last_finished(desk.clock.now()) - CANDLE_LENGTH))
    pass_time(desk, histories, MAX_PAUSE + 10)
    known = candles_known_until(desk.rows.venue.pk, SYMBOL)
    assert known is not None
    assert desk.clock.now() - known < timedelta(seconds=MAX_PAUSE) + 3 * CANDLE_LENGTH
    desk.exchange.candles_of.append(bar(last_finished(desk.clock.now()) - CANDLE_LENGTH))
    pass_time(desk, histories, CANDLE_LENGTH.total_seconds() + 20)
    later = candles_known_until(desk.rows.venue.pk, SYMBOL)
    assert later is not None
    assert later > known


def test_a_quiet_market_that_trades_again_is_seen_after_a_part_of_the_quiet(desk: Desk) -> None:
    desk.exchange.candles_of = [bar(UNTIL - CANDLE_LENGTH)]
    histories = history(desk)
    at_once(histories.refresh_due())
    pass_time(desk, histories, 3600)
    opened_at = last_finished(desk.clock.now())
    desk.exchange.candles_of.append(bar(opened_at))
    pass_time(desk, histories, 300 + PATIENCE * 3900 + 20)
    assert candles_known_until(desk.rows.venue.pk, SYMBOL) == opened_at + CANDLE_LENGTH


def test_one_symbols_trouble_is_its_own(desk: Desk) -> None:
    desk.exchange.candles_of = [bar(UNTIL - CANDLE_LENGTH)]
    desk.exchange.failing = {
        "BAD/USDT": VenueReadFailed("busy", retry_after=timedelta(minutes=30)),
        "ODD/USDT": RuntimeError("our own"),
    }
    histories = history(desk, "BAD/USDT", "ODD/USDT", SYMBOL)
    with pytest.raises(RuntimeError, match="our own"):
        at_once(histories.refresh_due())
    assert candles_known_until(desk.rows.venue.pk, SYMBOL) == UNTIL
    del desk.exchange.failing["ODD/USDT"]
    pass_time(desk, histories, 1700)
    assert desk.exchange.polled_at.count("BAD/USDT") == 1, "the exchange asked for half an hour"
    assert candles_known_until(desk.rows.venue.pk, "ODD/USDT") == UNTIL
    pass_time(desk, histories, 200)
    assert desk.exchange.polled_at.count("BAD/USDT") == 2


# --- late listings, through the exchanges' real ccxt classes -----------------------------------------


class OnStub:
    """A gateway on a stub that is driven to its end by each call: the rows are read without a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, venue: StubbedVenue) -> None:
        self._loop = loop
        self._venue = venue

    async def candles(self, symbol: str, since: datetime, until: datetime) -> CandleHistory:
        return self._loop.run_until_complete(self._venue.gateway.candles(symbol, since, until))


@pytest.fixture(params=["okx", "coinbase", "gate", "kucoin", "bitget"])
def on_stub(request: pytest.FixtureRequest) -> Iterator[tuple[OnStub, StubbedVenue]]:
    loop = asyncio.new_event_loop()
    opened = opened_venue(request.param)
    venue = loop.run_until_complete(opened.__aenter__())
    yield OnStub(loop, venue), venue
    loop.run_until_complete(opened.__aexit__(None, None, None))
    loop.close()


def test_a_history_that_is_listed_late_is_had_in_full(
    desk: Desk, on_stub: tuple[OnStub, StubbedVenue]
) -> None:
    gateway: Any
    gateway, venue = on_stub
    desk.clock.pass_by(10)  # the next candle is not over before the end
    end = last_finished(desk.clock.now() - SETTLES)
    until = int(end.timestamp())
    whole = range(until - MAX_LOOKBACK * 86_400, until, STEP)
    market = CandleMarket([])
    market.serve(venue.stub, venue.exchange.id)
    histories = MarketHistory(desk.parts, gateway, venue_pk=desk.rows.venue.pk, symbols=(SYMBOL,))

    def count() -> int:
        return len(candles_of([desk.rows.venue.pk], SYMBOL, since=end - timedelta(days=15), until=end))

    at_once(histories.refresh_due())
    assert candles_known_until(desk.rows.venue.pk, SYMBOL) is None, "an empty answer tells nothing"
    market.openings = whole[:-1]
    pass_time(desk, histories, 80)
    assert (count(), candles_known_until(desk.rows.venue.pk, SYMBOL)) == (4_031, end - CANDLE_LENGTH)
    market.asked.clear()
    market.openings = whole
    pass_time(desk, histories, 10)
    assert (count(), candles_known_until(desk.rows.venue.pk, SYMBOL)) == (4_032, end)
    assert len(market.asked) == 1
    pass_time(desk, histories, 60)
    assert len(market.asked) == 1, "nothing is missing"
