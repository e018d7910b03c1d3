"""Candles: a minute is told only when all of it was streamed, and longer or merged ones lose nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.core.market_data.candles import (
    IDS_KEPT,
    KEPT,
    MINUTE,
    MinuteCandles,
    common_stretches,
    longer_candles,
    merged_candles,
    opening,
    running_vwap,
)
from execution.core.market_data.coverage import Stretch
from execution.core.types import ZERO, Candle, PublicTrade
from tests.factories import NOW, SYMBOL, D

SECOND = timedelta(seconds=1)
FIVE = timedelta(minutes=5)


def trade(second: float, price: str = "100", quantity: str = "1", trade_id: str | None = None) -> PublicTrade:
    return PublicTrade(SYMBOL, D(price), D(quantity), NOW + second * SECOND, trade_id=trade_id)


def filled(*trades: PublicTrade) -> MinuteCandles:
    candles = MinuteCandles()
    for each in trades:
        candles.add(each)
    return candles


def at(seconds: float) -> datetime:
    return NOW + seconds * SECOND


def test_the_minute_in_which_the_stream_began_is_not_told() -> None:
    candles = filled(
        trade(30), trade(61, "101"), trade(70, "99"), trade(119, "100.5", "2"), trade(121, "102")
    )
    assert candles.read(at(125)).candles == (
        Candle(at(60), D(101), D(101), D(99), D("100.5"), D(4)),
        Candle(at(120), D(102), D(102), D(102), D(102), D(1)),
    ), "the second one still grows"
    assert candles.read(at(125)).known == (Stretch(at(30), at(125)),)


def test_a_quiet_minute_is_known_and_has_no_candle() -> None:
    candles = filled(trade(0), trade(61))
    found = candles.read(at(185))
    assert [bar.opened_at for bar in found.candles] == [at(0), at(60)]
    assert found.known == (Stretch(at(0), at(185)),)


def test_minutes_with_an_interruption_are_not_told_and_the_others_are() -> None:
    candles = filled(trade(0), trade(50), trade(65))
    candles.interrupt()
    candles.add(trade(130))
    candles.add(trade(181))
    found = candles.read(at(190))
    assert [bar.opened_at for bar in found.candles] == [at(0), at(180)]
    assert found.known == (Stretch(at(0), at(65)), Stretch(at(130), at(190)))


def test_nothing_is_known_while_the_stream_is_interrupted() -> None:
    candles = filled(trade(0), trade(50))
    candles.interrupt()
    assert candles.read(at(59)).known == (Stretch(at(0), at(50)),)
    assert candles.read(at(200)).candles == (), "a part of a minute is no candle"


def test_an_interruption_that_is_noticed_late_takes_back_what_was_told_since_the_last_trade() -> None:
    candles = filled(trade(0), trade(50))
    assert candles.read(at(200)).known == (Stretch(at(0), at(200)),)
    candles.interrupt()
    candles.add(trade(210))
    assert candles.read(at(220)).known == (Stretch(at(0), at(50)), Stretch(at(210), at(220)))


def test_a_trade_that_is_told_twice_counts_once() -> None:
    candles = filled(trade(0, trade_id="1"), trade(1, trade_id="1"), trade(2, trade_id="2"))
    assert candles.read(at(3)).candles[0].volume == D(2)
    for number in range(IDS_KEPT + 10):
        candles.add(trade(3, trade_id=f"x{number}"))
    assert candles.read(at(4)).candles[0].volume == D(IDS_KEPT + 12)


def test_what_a_new_stream_repeats_is_not_counted() -> None:
    candles = filled(trade(0), trade(61))
    candles.interrupt()
    candles.add(trade(70))
    candles.add(trade(30, "500"))
    assert candles.read(at(71)).candles == (Candle(at(0), D(100), D(100), D(100), D(100), D(1)),)


def test_old_minutes_are_forgotten() -> None:
    candles = filled(trade(0))
    later = NOW + KEPT + 5 * MINUTE
    candles.add(PublicTrade(SYMBOL, D(100), D(1), later))
    found = candles.read(later)
    assert [bar.opened_at for bar in found.candles] == [later]
    assert found.known[0].start == later - KEPT


bars = st.builds(
    lambda minute, prices, volume: Candle(
        NOW + minute * MINUTE, prices[0], max(prices), min(prices), prices[1], volume
    ),
    st.integers(0, 60),
    st.lists(st.integers(1, 1000).map(Decimal), min_size=2, max_size=4),
    st.integers(0, 100).map(Decimal),
)
series = st.lists(bars, unique_by=lambda bar: bar.opened_at, max_size=30).map(
    lambda some: sorted(some, key=lambda bar: bar.opened_at)
)


def volume(candles: list[Candle] | tuple[Candle, ...]) -> Decimal:
    return sum((bar.volume for bar in candles), ZERO)


@given(series)
def test_longer_candles_hold_all_that_is_in_shorter_ones(short: list[Candle]) -> None:
    found = longer_candles(short, FIVE)
    assert volume(found) == volume(short)
    assert [bar.opened_at for bar in found] == sorted({opening(bar.opened_at, FIVE) for bar in short})
    for bar in found:
        parts = [each for each in short if opening(each.opened_at, FIVE) == bar.opened_at]
        assert (bar.open, bar.close) == (parts[0].open, parts[-1].close)
        assert (bar.high, bar.low) == (max(each.high for each in parts), min(each.low for each in parts))


@given(st.lists(series, max_size=3))
def test_merged_candles_add_volumes_and_keep_the_prices_of_one(venues: list[list[Candle]]) -> None:
    every = [bar for candles in venues for bar in candles]
    found = merged_candles(venues)
    assert volume(found) == volume(every)
    for bar in found:
        parts = [each for each in every if each.opened_at == bar.opened_at]
        largest = max(each.volume for each in parts)
        prices = (bar.open, bar.high, bar.low, bar.close)
        assert prices in [(p.open, p.high, p.low, p.close) for p in parts if p.volume == largest]


def test_a_time_is_common_when_every_venue_knows_it() -> None:
    alpha = [Stretch(at(0), at(100)), Stretch(at(200), at(300))]
    beta = [Stretch(at(50), at(250))]
    assert common_stretches([alpha, beta], at(0), at(300)) == (
        Stretch(at(50), at(100)),
        Stretch(at(200), at(250)),
    )
    assert common_stretches([alpha, []], at(0), at(300)) == ()
    assert common_stretches([], at(0), at(300)) == ()


@given(series)
def test_the_vwap_lies_between_low_and_high(short: list[Candle]) -> None:
    for count, average in enumerate(running_vwap(short), 1):
        traded = [bar for bar in short[:count] if bar.volume]
        if not traded:
            assert average is None
        else:
            assert average is not None
            low, high = min(bar.low for bar in traded), max(bar.high for bar in traded)
            assert low - D("1e-20") <= average <= high + D("1e-20")


def test_candles_that_nobody_reads_do_not_grow_without_end() -> None:
    """Else an engine keeps every minute of a symbol that no page shows."""
    minutes = KEPT // MINUTE
    candles = filled(*(trade(60 * number) for number in range(3 * minutes)))
    assert len(candles._bars) <= minutes + 2
    shown = candles.read(at(60 * (3 * minutes - 1))).candles
    assert [bar.opened_at for bar in (shown[0], shown[-1])] == [
        at(60 * (2 * minutes - 1)),
        at(60 * (3 * minutes - 1)),
    ]
