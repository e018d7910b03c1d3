"""Fifteen days of minutes that nobody recorded, what is recorded since, and longer bars folded from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from execution.core.market_model.background_market import activity
from execution.core.market_model.price_path import PricePath
from execution.core.market_model.synthetic_candles import History, Row, empty_row, units
from execution.paper.candles import DAY, Bar, CandleSeries
from execution.paper.exchange import HISTORY_MINUTES, Exchange
from execution.paper.profiles import ALONE, ALPHA, BETA, GAMMA, PROFILES, Profile
from execution.paper.store import Store
from execution.paper.symbols import LISTED

SEED = 1
#: Some minutes past four in the afternoon.
NOW = 1_779_984_500.0
MINUTE = 60
TWO_DAYS = 2 * 24 * 60

Open = Callable[..., Exchange]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_exchange(tmp_path: Path, clock: Clock) -> Iterator[Open]:
    """Yield exchanges without a server. The same profile is the same folder again."""
    stores: list[Store] = []

    def start(profile: Profile, minutes: int = HISTORY_MINUTES) -> Exchange:
        stores.append(Store(tmp_path / f"{profile.name}.sqlite3"))
        return Exchange(stores[-1], profile, seed=SEED, clock=clock, history_minutes=minutes)

    yield start
    for store in stores:
        store.close()


def minutes_of(exchange: Exchange, symbol: str = "BTCUSDT") -> list[Bar]:
    """Return all minutes, page by page as a client asks for them."""
    series = exchange.symbols[symbol].candles
    bars: list[Bar] = []
    start = 0
    while page := series.folded(MINUTE, start, None, 1000):
        bars += page
        start = page[-1].start + 1
    return bars


def live(exchange: Exchange, clock: Clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        exchange.advance()


def test_a_first_start_shows_fifteen_days_without_gaps_and_is_quick(open_exchange: Open) -> None:
    begun = time.process_time()
    exchange = open_exchange(ALPHA)
    assert time.process_time() - begun < 0.5, "a start waits for no history"
    bars = minutes_of(exchange)
    assert len(bars) == HISTORY_MINUTES + 1 >= 15 * 24 * 60
    assert [bar.start for bar in bars] == list(range(bars[0].start, int(NOW), MINUTE))
    market = exchange.symbols["BTCUSDT"].market
    for bar in bars[:-1]:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert 0 <= bar.buy_volume <= bar.volume
        assert not bar.volume % market.lot
        assert not bar.close % market.tick
        assert bar.low * bar.volume <= bar.notional <= bar.high * bar.volume


def test_prices_have_no_jump_neither_in_the_past_nor_where_trading_begins(
    open_exchange: Open, clock: Clock
) -> None:
    for profile in (ALPHA, ALONE):
        exchange = open_exchange(profile, TWO_DAYS)
        exchange.open_books()
        live(exchange, clock, 100)
        bars = minutes_of(exchange)
        for before, after in pairwise(bars):
            assert abs(after.open / before.close - 1) < Decimal("0.0005"), (profile.name, after.start)


def test_hours_and_days_equal_their_minutes(open_exchange: Open) -> None:
    exchange = open_exchange(BETA)
    minutes = {bar.start: bar for bar in minutes_of(exchange, "ETHUSDT")}
    for seconds, count in ((3600, 360), (DAY, 15)):
        bars = exchange.symbols["ETHUSDT"].candles.folded(seconds, None, None, count)
        assert len(bars) == count
        for bar in bars:
            parts = [
                minutes[start] for start in range(bar.start, bar.start + seconds, MINUTE) if start in minutes
            ]
            traded = [part for part in parts if part.trades]
            assert bar.open == traded[0].open
            assert bar.close == parts[-1].close
            assert bar.high == max(part.high for part in traded)
            assert bar.low == min(part.low for part in traded)
            assert bar.volume == sum(part.volume for part in parts)
            assert bar.notional == sum(part.notional for part in parts)
            assert bar.buy_notional == sum(part.buy_notional for part in parts)
            assert bar.trades == sum(part.trades for part in parts)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_volume_follows_the_time_of_day(open_exchange: Open, profile: Profile) -> None:
    """Fifteen days show the shape to a few percent; the busiest hours trade twice the quietest."""
    hours: dict[int, list[Decimal]] = {}
    for bar in open_exchange(profile).symbols["SOLUSDT"].candles.folded(3600, None, None, 360)[:-1]:
        hours.setdefault(bar.start // 3600 % 24, []).append(bar.volume)
    means = {hour: float(sum(volumes) / len(volumes)) for hour, volumes in hours.items()}
    expected = profile.listed[2].hourly_volume
    for hour, mean in means.items():
        shape = sum(activity(3600 * hour + 60 * minute) for minute in range(60)) / 60
        assert mean == pytest.approx(expected * shape, rel=0.12)
    assert max(means.values()) > 1.8 * min(means.values())


def test_venues_have_the_same_past_prices_but_trades_of_their_own(open_exchange: Open) -> None:
    pasts = [minutes_of(open_exchange(profile, TWO_DAYS)) for profile in (ALPHA, GAMMA)]
    for ours, theirs in zip(*pasts, strict=True):
        assert abs(ours.close / theirs.close - 1) < Decimal("0.00001")
    assert [bar.volume for bar in pasts[0]] != [bar.volume for bar in pasts[1]]


def test_what_was_traded_is_kept_over_a_restart_and_an_absence_leaves_no_hole(
    open_exchange: Open, clock: Clock
) -> None:
    exchange = open_exchange(ALPHA, TWO_DAYS)
    exchange.open_books()
    live(exchange, clock, 150)
    before = minutes_of(exchange)
    clock.now += 5 * 3600
    again = minutes_of(open_exchange(ALPHA, TWO_DAYS))
    ours = {bar.start: bar for bar in before[:-1]}
    theirs = {bar.start: bar for bar in again}
    common = ours.keys() & theirs.keys()
    assert len(common) > TWO_DAYS - 5 * 60 - 5
    assert all(ours[start] == theirs[start] for start in common)
    while_away = [bar for bar in again[:-1] if bar.start > before[-1].start]
    assert len(while_away) > 290
    assert all(bar.trades for bar in while_away)


def test_an_exchange_that_stands_alone_trades_nothing_while_it_is_away(
    open_exchange: Open, clock: Clock
) -> None:
    exchange = open_exchange(ALONE, TWO_DAYS)
    exchange.open_books()
    live(exchange, clock, 130)
    before = minutes_of(exchange)
    clock.now += DAY
    while_away = [
        bar for bar in minutes_of(open_exchange(ALONE, TWO_DAYS))[:-1] if bar.start >= before[-1].start
    ]
    assert len(while_away) == 24 * 60
    assert {(bar.open, bar.high, bar.low, bar.close, bar.trades) for bar in while_away} == {
        (*[before[-2].close] * 4, 0)
    }


def series(now: float, recorded: dict[int, Row] | None = None) -> CandleSeries:
    path = PricePath(SEED, "BTC/USDT", LISTED[0].mid, LISTED[0].volatility)
    rows = sorted((recorded or {}).items())
    return CandleSeries(
        History(LISTED[0], path, "test"),
        lambda start, end: [row for row in rows if start <= row[0] < end],
        now,
        HISTORY_MINUTES,
    )


def test_minutes_go_on_over_midnight() -> None:
    midnight = int(NOW) // DAY * DAY + DAY
    bars = series(midnight - 90)
    bars.add(Decimal(64_000), Decimal("0.5"), buyer_takes=True)
    bars.advance(midnight + 10)
    bars.add(Decimal(64_010), Decimal("0.25"), buyer_takes=False)
    bars.advance(midnight + 70)
    last = bars.folded(MINUTE, None, None, 4)
    assert [bar.start - midnight for bar in last] == [-120, -60, 0, 60]
    assert [bar.volume for bar in last] == [Decimal("0.5"), 0, Decimal("0.25"), 0]
    assert [bar.open for bar in last] == [64_000, 64_000, 64_010, 64_010]
    assert [start - midnight for start, _ in bars.take_finished()] == [-120, -60, 0]
    assert bars.take_finished() == []
    [day] = bars.folded(DAY, midnight, None, 10)
    assert (day.volume, day.buy_volume, day.trades) == (Decimal("0.25"), Decimal(0), 1)


def test_pages_have_their_bounds_and_limits() -> None:
    bars = series(NOW)
    hour = int(NOW) // 3600 * 3600
    openings = [bar.start for bar in bars.folded(3600, hour - 5 * 3600 + 1, hour - 3600, 100)]
    assert openings == [hour - 4 * 3600, hour - 3 * 3600, hour - 2 * 3600, hour - 3600]
    assert [bar.start for bar in bars.folded(3600, hour - 5 * 3600, None, 2)] == [
        hour - 5 * 3600,
        hour - 4 * 3600,
    ]
    assert [bar.start for bar in bars.folded(3600, None, hour - 3600, 2)] == openings[-2:]
    assert bars.folded(3600, hour + 3600, None, 5) == []
    assert bars.folded(3600, None, hour - 30 * DAY, 5) == []


def test_recorded_minutes_come_before_made_up_ones() -> None:
    start = int(NOW) // MINUTE * MINUTE - 10 * MINUTE
    known = empty_row(units(Decimal(1234)))
    bars = series(NOW, {start: known}).folded(MINUTE, start - MINUTE, start + MINUTE, 10)
    assert [bar.close == 1234 for bar in bars] == [False, True, False]
    assert [bool(bar.trades) for bar in bars] == [True, False, True]


def test_a_long_life_keeps_no_more_than_is_shown() -> None:
    bars = series(NOW)
    assert len(bars.folded(3600, None, None, 1000)) >= 360
    for day in range(1, 4):
        bars.advance(NOW + day * DAY)
    assert len(bars.folded(3600, None, None, 1000)) in (361, 362, 363)
    assert bars.folded(MINUTE, 0, None, 1)[0].start == int(NOW + 3 * DAY) // MINUTE * MINUTE - 60 * (
        HISTORY_MINUTES
    )
