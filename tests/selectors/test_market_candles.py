"""The candles beside a ticket: stored ones, published ones after them, and what is not known of either."""

from __future__ import annotations

from datetime import datetime, timedelta

from execution.core.market_data.candles import MINUTE, KnownCandles
from execution.core.market_data.coverage import Stretch
from execution.core.types import Candle, CandleHistory
from execution.models import Fill, Order
from execution.payloads.encode import epoch_ms
from execution.payloads.market import Candles
from execution.selectors.market_candles import SHOWN, candle_place, candles_read, window_start
from execution.selectors.orders.visibility import orders_visible
from execution.selectors.quotes import candles_from_json, candles_to_json
from execution.services.accounts.markets import candles_record
from tests.factories import NOW, SYMBOL, D, Rows

FIVE = 5 * MINUTE
HALF = timedelta(seconds=30)


def bar(opened_at: datetime, price: int = 100, volume: int = 1) -> Candle:
    return Candle(opened_at, D(price), D(price + 2), D(price - 2), D(price + 1), D(volume))


def shown(
    rows: Rows, *, minutes: int = 1, now: datetime = NOW, venues: dict[int, str] | None = None
) -> Candles:
    place = candle_place(
        venues=venues or {rows.venue.pk: "alpha"},
        symbol=SYMBOL,
        minutes=minutes,
        orders=orders_visible(rows.trader),
        now=now,
    )
    return candles_read(place, now=now)


def test_candles_survive_redis() -> None:
    found = KnownCandles((bar(NOW), bar(NOW + MINUTE)), (Stretch(NOW, NOW + FIVE),))
    assert candles_from_json(candles_to_json(found)) == found


def test_where_nothing_was_published_nothing_is_known(rows: Rows) -> None:
    found = shown(rows)
    since = window_start(1, NOW)
    assert found["rows"] == []
    assert found["left_out"] == ["alpha"]
    assert found["unknown"] == [(epoch_ms(since), epoch_ms(NOW - timedelta(seconds=5)))]


def test_minutes_are_those_that_the_engine_published(rows: Rows) -> None:
    since = NOW - 10 * MINUTE
    candles = tuple(bar(since + number * MINUTE, 100 + number) for number in (0, 1, 3))
    rows.candles(KnownCandles(candles, (Stretch(since, NOW - timedelta(seconds=1)),)))
    found = shown(rows)
    assert [row[0] for row in found["rows"]] == [epoch_ms(each.opened_at) for each in candles]
    assert found["rows"][0][1:] == ("100", "102", "98", "101", "1", "100.333333333333")
    assert found["unknown"] == [(epoch_ms(window_start(1, NOW)), epoch_ms(since))]
    assert found["left_out"] == []
    assert len(range(found["since"], found["until"], 60_000)) == SHOWN - 1


def test_five_minutes_are_stored_ones_and_then_what_the_minutes_make(rows: Rows) -> None:
    history = CandleHistory((bar(NOW - 2 * FIVE, 50), bar(NOW - FIVE, 60)), (NOW - 4 * FIVE,))
    candles_record(venue_pk=rows.venue.pk, symbol=SYMBOL, history=history)
    minutes = tuple(bar(NOW + number * MINUTE, 70 + number) for number in range(2))
    early = bar(NOW - MINUTE, 999)
    now = NOW + MINUTE + HALF
    rows.candles(KnownCandles((early, *minutes), (Stretch(NOW - MINUTE, now),)))
    found = shown(rows, minutes=5, now=now)
    assert [(row[0], *row[1:6]) for row in found["rows"]] == [
        (epoch_ms(NOW - 2 * FIVE), "50", "52", "48", "51", "1"),
        (epoch_ms(NOW - FIVE), "60", "62", "58", "61", "1"),
        (epoch_ms(NOW), "70", "73", "68", "72", "2"),
    ]
    assert (epoch_ms(NOW - 4 * FIVE), epoch_ms(NOW - 3 * FIVE)) in found["unknown"]


def test_a_venue_that_tells_nothing_is_left_out_and_one_with_a_hole_hides_its_minutes(rows: Rows) -> None:
    beta, gamma = rows.beside().venue, rows.beside("gamma").venue
    since = NOW - 3 * MINUTE
    every = tuple(bar(since + number * MINUTE) for number in range(3))
    rows.candles(KnownCandles(every, (Stretch(since, NOW),)))
    rows.candles(KnownCandles(every[1:], (Stretch(since + HALF, NOW),)), venue=beta)
    venues = {rows.venue.pk: "alpha", beta.pk: "beta", gamma.pk: "gamma"}
    found = shown(rows, venues=venues)
    assert found["left_out"] == ["gamma"]
    assert [(row[0], row[5]) for row in found["rows"]] == [
        (epoch_ms(since + MINUTE), "2"),
        (epoch_ms(since + 2 * MINUTE), "2"),
    ]


def test_own_fills_stand_at_their_time(rows: Rows) -> None:
    order = rows.working()

    def fill(number: int, at: datetime) -> None:
        Fill.objects.create(
            account=rows.account,
            order=order,
            symbol=SYMBOL,
            trade_id=str(number),
            side="buy",
            price=D(60_000),
            quantity=D("0.1"),
            liquidity="maker",
            executed_at=at,
            recorded_at=at,
        )

    fill(1, NOW - 3 * SHOWN * MINUTE)
    fill(2, NOW - MINUTE)
    found = shown(rows)["fills"]
    assert [(row["at"], row["order"], row["liquidity"]) for row in found] == [
        (epoch_ms(NOW - MINUTE), order.public_id, "maker")
    ]
    assert Order.objects.filter(pk=order.pk, ended_at=None).exists()
