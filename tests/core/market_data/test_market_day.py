"""The last 24 hours of a market: told only where every part of them is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.core.market_data.candles import KnownCandles
from execution.core.market_data.coverage import Stretch
from execution.core.market_data.market_day import DAY, LATE, POINTS, market_day
from execution.core.types import Candle

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LENGTH = timedelta(minutes=5)
BARS = DAY // LENGTH


def bar(at: datetime, price: int, volume: int = 1) -> Candle:
    number = Decimal(price)
    return Candle(at, number, number, number, number, Decimal(volume))


def history(prices: list[int], until: datetime = NOW, known_from: datetime | None = None) -> KnownCandles:
    first = until - len(prices) * LENGTH
    bars = tuple(bar(first + number * LENGTH, price) for number, price in enumerate(prices))
    return KnownCandles(bars, (Stretch(known_from or first, until),))


@given(st.lists(st.integers(1, 10**6), min_size=BARS + 1, max_size=BARS + 20))
def test_a_day_that_is_known_has_its_volume_change_and_line(prices: list[int]) -> None:
    day = market_day(history(prices), NOW)
    assert day is not None
    of_day = prices[-BARS:]
    assert day.until == NOW
    assert day.volume == sum(of_day)
    assert day.reference == of_day[0]
    assert day.change(Decimal(of_day[0])) == 0
    assert len(day.line) == POINTS
    assert day.line[0] == of_day[0]
    assert day.line[-1] == prices[-1]
    assert set(day.line) <= set(map(Decimal, of_day))


def test_a_history_that_begins_within_the_day_tells_nothing() -> None:
    assert market_day(history([5] * (BARS - 1), known_from=NOW - 2 * DAY), NOW) is None
    assert market_day(KnownCandles(), NOW) is None


def test_a_part_that_is_not_known_makes_the_day_unknown() -> None:
    whole = history([5] * (BARS + 1))
    gap = NOW - timedelta(hours=3)
    known = (Stretch(NOW - 2 * DAY, gap), Stretch(gap + LENGTH, NOW))
    assert market_day(KnownCandles(whole.candles, known), NOW) is None


def test_a_market_without_a_trade_in_the_day_has_no_volume_and_its_last_price() -> None:
    quiet = KnownCandles((bar(NOW - DAY - LENGTH, 7),), (Stretch(NOW - 2 * DAY, NOW),))
    day = market_day(quiet, NOW)
    assert day is not None
    assert (day.reference, day.volume, day.line) == (Decimal(7), Decimal(0), (Decimal(7),))


def test_a_day_that_ended_long_ago_is_not_the_day_of_now() -> None:
    day = market_day(history([5] * (BARS + 1), until=NOW - LATE), NOW)
    assert day is not None
    assert day.is_of(NOW)
    assert not day.is_of(NOW + timedelta(seconds=1))
