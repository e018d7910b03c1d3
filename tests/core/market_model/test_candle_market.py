"""Candles as a market: the price passes each of their prices, and what is traded is their volume."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.market_model.background_market import Withdraw
from execution.core.market_model.candle_market import (
    CandleMarket,
    CandlePast,
    CandleRow,
    CandleTape,
    market_of,
)
from execution.core.market_model.matching import NewOrder, OrderBook
from execution.core.market_model.synthetic_candles import UNITS
from execution.core.problems import Refused

BEGINS = 1_679_004_900 // 60 * 60
MINUTE = 60


def candle(start: int, *numbers: str) -> CandleRow:
    """Open, high, low, close and volume as a file has them."""
    opening, high, low, close, volume = map(Decimal, numbers)
    return start, opening, high, low, close, volume


@st.composite
def candles(draw: st.DrawFn) -> list[CandleRow]:
    """Draw minutes with holes in between; each price on a tick of a hundredth."""
    rows, start = [], BEGINS
    for _ in range(draw(st.integers(1, 6))):
        prices = sorted(draw(st.lists(st.integers(9_000, 11_000), min_size=4, max_size=4)))
        low, first, second, high = (Decimal(price) / 100 for price in prices)
        opening, close = draw(st.permutations([first, second]))
        rows.append((start, opening, high, low, close, Decimal(draw(st.integers(0, 5_000))) / 1000))
        start += MINUTE * draw(st.integers(1, 3))
    return rows


@given(candles())
def test_a_candles_path_has_its_four_prices_and_none_beyond_them(rows: list[CandleRow]) -> None:
    tape = CandleTape(rows)
    for start, opening, high, low, close, _ in rows:
        path = [tape.price(start + tenth * tape.length / 600) for tenth in range(600)]
        assert path[0] == float(opening)
        assert max(path) == pytest.approx(float(high))
        assert min(path) == pytest.approx(float(low))
        assert path[-1] == pytest.approx(float(close), rel=0.02)
        assert float(low) - 1e-9 <= min(path) <= max(path) <= float(high) + 1e-9


@given(candles(), st.lists(st.integers(-50, 1_200), min_size=2, max_size=9))
def test_what_is_traded_adds_up_over_any_steps(rows: list[CandleRow], steps: list[int]) -> None:
    tape = CandleTape(rows)
    moments = sorted(BEGINS + step for step in steps)
    parts = [tape.traded(since, until) for since, until in pairwise(moments)]
    assert sum(parts) == pytest.approx(tape.traded(moments[0], moments[-1]))
    whole = sum(float(volume) for *_, volume in rows)
    assert tape.traded(BEGINS - 60, tape.end + 60) == pytest.approx(whole)


@given(candles())
def test_past_minutes_are_the_candles_moved_in_time(rows: list[CandleRow]) -> None:
    tape, shift = CandleTape(rows), 7 * 86_400
    history = CandlePast(tape, shift)
    if tape.length > MINUTE:
        return
    for start, opening, high, low, close, volume in rows:
        row = history.row(start + shift)
        if not volume:
            assert (row.close, row.volume) == (int(close * UNITS), 0)
            continue
        assert (row.open, row.high, row.low, row.close) == tuple(
            int(price * UNITS) for price in (opening, high, low, close)
        )
        assert row.volume == int(volume * UNITS)
        assert row.low * row.volume <= row.notional * UNITS + UNITS
        assert row.notional * UNITS <= row.high * row.volume


def test_an_hours_candle_is_sixty_minutes_that_make_it_up() -> None:
    hour = 3600
    rows = [
        candle(BEGINS, "100", "110", "95", "105", "60"),
        candle(BEGINS + hour, "105", "106", "90", "91", "6"),
    ]
    tape = CandleTape(rows)
    assert tape.length == hour
    for number, (start, opening, high, low, close, volume) in enumerate(rows):
        minutes = [tape.minute(start + 60 * minute) for minute in range(60)]
        assert minutes[0].open == int(opening * UNITS)
        assert minutes[-1].close == int(close * UNITS)
        assert max(minute.high for minute in minutes) == int(high * UNITS)
        assert min(minute.low for minute in minutes) == int(low * UNITS)
        assert sum(minute.volume for minute in minutes) == int(volume * UNITS), number
        for before, after in pairwise(minutes):
            assert abs(before.close - after.open) <= UNITS // 100


def test_in_a_hole_the_price_stands_and_nothing_is_traded() -> None:
    tape = CandleTape(
        [
            candle(BEGINS, "100", "101", "99", "100.5", "1"),
            candle(BEGINS + 60, "100.5", "101", "100", "100.7", "1"),
            candle(BEGINS + 300, "101", "102", "100", "101", "2"),
        ]
    )
    assert tape.price(BEGINS + 200) == 100.7
    assert tape.traded(BEGINS + 120, BEGINS + 300) == 0
    assert tape.minute(BEGINS + 180).volume == 0


def test_steps_are_as_fine_as_the_digits() -> None:
    rows = [candle(BEGINS, "0.324", "0.3242", "0.324", "0.3241", "44517.9")]
    market = market_of("ADA/USDT", CandleTape(rows), BEGINS).market
    assert (market.tick, market.lot) == (Decimal("0.0001"), Decimal("0.1"))
    assert (market.base, market.quote) == ("ADA", "USDT")
    whole = [candle(BEGINS, "3000", "3000", "3000", "3000", "10")]
    assert market_of("A/B", CandleTape(whole), BEGINS).market.tick == 1


@pytest.mark.parametrize("symbol", ["", "BTC", "BTC/", "/USDT", "BTC/USDT:USDT", "B TC/USDT"])
def test_a_symbol_that_is_not_written_as_one_is_refused(symbol: str) -> None:
    rows = [candle(BEGINS, "100", "101", "99", "100.5", "1")]
    with pytest.raises(Refused, match="is not written BASE/QUOTE"):
        market_of(symbol, CandleTape(rows), BEGINS)


def test_no_candle_is_refused() -> None:
    with pytest.raises(Refused, match="has no candle"):
        CandleTape([])


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_the_market_trades_the_candles_volume_around_their_price_and_ends_with_them(speed: float) -> None:
    prices = [("100", "101", "99", "100.5"), ("100.5", "103", "100", "102"), ("102", "102.5", "98", "99")]
    volumes = ("50", "120", "30")
    rows = [
        candle(BEGINS + number * MINUTE, *price, volume)
        for number, (price, volume) in enumerate(zip(prices, volumes, strict=True))
    ]
    tape = CandleTape(rows)
    parameters = market_of("BTC/USDT", tape, BEGINS)
    market = CandleMarket(parameters, tape, begins=BEGINS, speed=speed, seed=7)
    book, traded = OrderBook(), dict.fromkeys(range(3), 0.0)
    lowest: dict[int, float] = {}
    highest: dict[int, float] = {}
    commands = list(market.settle(book))
    step = 0.1
    while not market.is_over:
        bar = int(market.position - BEGINS) // MINUTE
        for command in commands:
            if isinstance(command, Withdraw):
                book.cancel(command.order_id)
                continue
            assert isinstance(command, NewOrder)
            for execution in book.submit(command).executions:
                number = min(bar, 2)
                traded[number] += float(execution.quantity)
                price = float(execution.price)
                lowest[number] = min(lowest.get(number, price), price)
                highest[number] = max(highest.get(number, price), price)
        commands = list(market.step(book, 0.0, step))
    for number, (_, _, high, low, _, volume) in enumerate(rows):
        assert traded[number] == pytest.approx(float(volume), rel=0.1)
        assert highest[number] == pytest.approx(float(high), rel=0.005)
        assert lowest[number] == pytest.approx(float(low), rel=0.005)
    for command in commands:
        assert isinstance(command, Withdraw)
        book.cancel(command.order_id)
    assert not book._orders, "nobody is left at the end"
