"""A market's whole history through each exchange's real ccxt class: quiet stretches, late listings, odd candles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from execution.core.orders.parameters import MAX_LOOKBACK
from execution.core.types import CandleHistory
from execution.venues.exchanges import EXCHANGE_SPECS
from execution.venues.protocol import VenueReadFailed
from tests.venues.candle_lists import LISTINGS, STEP, CandleMarket, without_bounds
from tests.venues.stub import SYMBOL, StubbedVenue, now

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNTIL = int(now().timestamp()) // STEP * STEP
SINCE = UNTIL - MAX_LOOKBACK * 86_400
EVERY = range(SINCE, UNTIL, STEP)
MIDDLE = EVERY[len(EVERY) // 2]
#: One that kraken lists too.
ODD = EVERY[-100]
#: What kraken lists, the running candle among them.
NEWEST = 720


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def read(venue: StubbedVenue, market: CandleMarket) -> CandleHistory:
    venue.forget()
    market.serve(venue.stub, venue.exchange.id)
    return await venue.gateway.candles(SYMBOL, moment(SINCE), moment(UNTIL))


def without(hours: int) -> list[int]:
    """Return every candle but those of so many hours in the middle of the history."""
    return [at for at in EVERY if not MIDDLE <= at < MIDDLE + hours * 3600]


@pytest.mark.parametrize(
    ("openings", "expected"),
    [
        pytest.param([at for at in EVERY if at >= UNTIL - 3 * 86_400], 864, id="listed three days ago"),
        pytest.param(without(30), 3_672, id="a hole of 30 hours"),
        pytest.param(without(96), 2_880, id="a hole of four days"),
        pytest.param([at for at in EVERY if at < MIDDLE], 2_016, id="stopped a week ago"),
        pytest.param(list(EVERY), 4_032, id="whole"),
        pytest.param([MIDDLE], 1, id="one candle"),
        pytest.param([], 0, id="none"),
    ],
)
async def test_an_empty_page_is_a_quiet_stretch_and_not_the_end(
    venue: StubbedVenue, openings: list[int], expected: int
) -> None:
    market = CandleMarket([*openings, UNTIL])  # and the running one
    history = await read(venue, market)
    listed = openings if venue.exchange.id != "kraken" else openings[-(NEWEST - 1) :]
    assert [int(bar.opened_at.timestamp()) for bar in history.candles] == listed
    assert len(history.candles) == expected or venue.exchange.id == "kraken"
    assert {bar.volume for bar in history.candles} <= {Decimal("2.5")}
    assert len(market.asked) <= len(EVERY) // EXCHANGE_SPECS[venue.exchange.id].candles.size + 3
    untold = range(SINCE, listed[0], STEP) if len(listed) < len(openings) else ()
    assert [int(at.timestamp()) for at in history.unknown] == list(untold)


async def test_no_candle_is_lost_between_windows_that_end_before_their_bounds(venue: StubbedVenue) -> None:
    openings = without(30)
    history = await read(venue, CandleMarket([*openings, UNTIL], is_in=without_bounds))
    listed = openings if venue.exchange.id != "kraken" else openings[-(NEWEST - 1) :]
    assert [int(bar.opened_at.timestamp()) for bar in history.candles] == listed


# --- odd candles ------------------------------------------------------------------------------------


def blank(value: Any) -> Callable[[list[Any]], None]:
    """Replace a price of the candle at ``ODD``, of the one row that it is in."""

    def change(rows: list[Any]) -> None:
        for row in rows:
            if opening_of(row) == ODD:
                row["high" if isinstance(row, dict) else 3] = value

    return change


def opening_of(row: Any) -> int:
    """Return the opening of a row of any exchange, in seconds."""
    number = int(row["start"] if isinstance(row, dict) else row[0])
    return number // 1000 if number > 10**11 else number


def cut(rows: list[Any]) -> None:
    """Leave of the candle nothing but its time."""
    for number, row in enumerate(rows):
        if opening_of(row) == ODD:
            rows[number] = {"start": row["start"]} if isinstance(row, dict) else row[:1]


def timeless(value: Any) -> Callable[[list[Any]], None]:
    def change(rows: list[Any]) -> None:
        for row in rows:
            if opening_of(row) == ODD:
                row["start" if isinstance(row, dict) else 0] = value
                return

    return change


def replaced(value: Any) -> Callable[[list[Any]], None]:
    def change(rows: list[Any]) -> None:
        for number, row in enumerate(rows):
            if opening_of(row) == ODD:
                rows[number] = value
                return

    return change


@pytest.mark.parametrize(
    ("change", "has_time"),
    [
        pytest.param(blank(None), True, id="null"),
        pytest.param(blank(""), True, id="empty text"),
        pytest.param(blank(0), True, id="0"),
        pytest.param(cut, True, id="too short"),
        pytest.param(timeless(None), False, id="no time"),
        pytest.param(replaced(None), False, id="null row"),
        pytest.param(replaced("odd"), False, id="a text for a row"),
    ],
)
async def test_an_odd_candle_is_counted_and_left_out(
    venue: StubbedVenue, caplog: pytest.LogCaptureFixture, change: Callable[[list[Any]], None], has_time: bool
) -> None:
    market = CandleMarket(list(EVERY), change)
    venue.gateway._candles._told.clear()
    history = await read(venue, market)
    listed = EVERY if venue.exchange.id != "kraken" else EVERY[-NEWEST:]
    assert [int(bar.opened_at.timestamp()) for bar in history.candles] == [at for at in listed if at != ODD]
    assert len(history.candles) == (4_031 if venue.exchange.id != "kraken" else NEWEST - 1)
    if has_time:
        assert moment(ODD) in history.unknown
    assert caplog.text.count("candles of BTC/USDT that cannot be used") == 1
    caplog.clear()
    await read(venue, market)
    assert "cannot be used" not in caplog.text, "each is told once"


async def test_a_history_of_which_nothing_can_be_used_is_a_failed_read(venue: StubbedVenue) -> None:
    def empty(rows: list[Any]) -> None:
        rows[:] = [None] * len(rows)

    with pytest.raises(VenueReadFailed, match="no candle can be used, such as a candle without a time"):
        await read(venue, CandleMarket(list(EVERY), empty))


async def test_an_answer_without_the_list_is_no_quiet_stretch(venue: StubbedVenue) -> None:
    venue.forget()
    listing = LISTINGS[venue.exchange.id]
    hollow = {"retCode": 0, "code": {"kucoin": "200000", "bitget": "00000"}.get(venue.exchange.id, "0")}
    for path in listing.paths:
        venue.stub.answer(path, hollow | {"error": [], "result": {}, "data": {}})
    with pytest.raises(VenueReadFailed):
        await venue.gateway.candles(SYMBOL, moment(SINCE), moment(UNTIL))
