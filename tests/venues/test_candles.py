"""A market's history comes in pages: all of it, finished candles only, or a failed read."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.orders.parameters import MAX_LOOKBACK
from execution.core.types import CandleHistory
from execution.venues.candles import LENGTH, MAX_PAGES, Page, all_candles, candle, pages_of, read_page
from execution.venues.client import client_class
from execution.venues.exchanges import EXCHANGE_SPECS
from execution.venues.gateway import CcxtGateway
from execution.venues.protocol import VenueReadFailed
from execution.venues.spec import CandlePages, ExchangeSpec
from execution.venues.values import AnswerError, milliseconds_of
from tests.venues.candle_lists import STEP, CandleMarket
from tests.venues.stub import SYMBOL, Stub, now

START = datetime(2026, 1, 5, tzinfo=UTC)
ROW = ["100", "110", "90", "105", "2.5"]


def row(number: int) -> list[Any]:
    return [milliseconds_of(START + number * LENGTH), *ROW]


class Listing:
    """An exchange that lists some candles: of a window of time, or the first ones after a time, at most ``most``."""

    def __init__(self, numbers: range | list[int], most: int, *, is_window: bool = False) -> None:
        self.rows = read_page([row(number) for number in numbers]).candles
        self.most = most
        self.is_window = is_window
        self.asked = 0

    async def fetch(self, start: int, size: int) -> Page:
        self.asked += 1
        end = start + (size - 1) * (LENGTH // timedelta(milliseconds=1))
        later = [
            bar
            for bar in self.rows
            if milliseconds_of(bar.opened_at) > start
            and (not self.is_window or milliseconds_of(bar.opened_at) < end)
        ]
        return Page(later[: min(self.most, size)])


async def history(listing: Listing, until: datetime, size: int = 1000) -> CandleHistory:
    found, odd = await all_candles(listing.fetch, pages=CandlePages(size), since=START, until=until)
    assert odd == ()
    return found


def numbers_of(found: CandleHistory) -> list[int]:
    return [(bar.opened_at - START) // LENGTH for bar in found.candles]


async def test_every_page_is_fetched_and_the_running_candle_left_out() -> None:
    listing = Listing(range(1201), most=500)
    assert numbers_of(await history(listing, START + 1200 * LENGTH)) == list(range(1200))
    assert listing.asked == 3


async def test_a_stretch_without_trades_is_skipped_and_the_end_is_found() -> None:
    listing = Listing([0, 1, 40, 41], most=2)
    found = await history(listing, START + 100 * LENGTH)
    assert numbers_of(found) == [0, 1, 40, 41]
    assert found.candles[0].volume == Decimal("2.5")


@given(
    numbers=st.sets(st.integers(0, 400)),
    size=st.integers(10, 100),
    is_window=st.booleans(),
    fewer=st.booleans(),
    end=st.integers(0, 400),
)
def test_whatever_the_pages_nothing_that_is_listed_is_missed(
    numbers: set[int], size: int, is_window: bool, fewer: bool, end: int
) -> None:
    listing = Listing(sorted(numbers), most=7 if fewer else size, is_window=is_window)
    found = asyncio.run(history(listing, START + end * LENGTH, size))
    assert numbers_of(found) == [number for number in sorted(numbers) if number < end]
    assert listing.asked <= MAX_PAGES


async def test_what_the_newest_alone_leave_out_is_unknown() -> None:
    async def newest(_start: int, _size: int) -> Page:
        return read_page([row(number) for number in range(30, 50)])

    pages = CandlePages(20, newest_only=True)
    found, _ = await all_candles(newest, pages=pages, since=START, until=START + 50 * LENGTH)
    assert numbers_of(found) == list(range(30, 50))
    assert found.unknown == tuple(START + number * LENGTH for number in range(30))
    few, _ = await all_candles(
        newest, pages=CandlePages(21, newest_only=True), since=START, until=START + 50 * LENGTH
    )
    assert few.unknown == (), "fewer than it lists at most: all that there is"


async def test_one_that_cannot_be_read_is_unknown_unless_it_is_listed_well_too() -> None:
    async def pages(_start: int, _size: int) -> Page:
        return read_page([row(0), [row(1)[0], "", *ROW[1:]], row(2), [row(2)[0], 0, *ROW[1:]], row(3)])

    found, odd = await all_candles(pages, pages=CandlePages(4), since=START, until=START + 4 * LENGTH)
    assert numbers_of(found) == [0, 2, 3]
    assert found.unknown == (START + LENGTH,)
    assert len(odd) == 2


async def test_an_exchange_that_goes_on_for_ever_is_a_failed_read() -> None:
    async def endless(start: int, _size: int) -> Page:
        return read_page([[start + 1, *ROW]])

    with pytest.raises(VenueReadFailed, match=f"{MAX_PAGES} pages"):
        await all_candles(endless, pages=CandlePages(), since=START, until=START + timedelta(days=365))


@pytest.mark.parametrize(
    "broken",
    [
        [0, "100", "110", "90", "105"],
        [None, *ROW],
        [0, "100", None, "90", "105", "1"],
        [0, "100", "", "90", "105", "1"],
        [0, "100", "NaN", "90", "105", "1"],
        [0, "100", "110", "0", "105", "1"],
        [0, "100", "90", "110", "105", "1"],
        [0, "100", "110", "90", "105", "-1"],
        [0, "100", "110", "90", "105", None],
        [60_000, *ROW],
        [10**18, *ROW],
        "nothing",
        None,
        [],
    ],
)
def test_a_candle_that_cannot_be_is_no_answer(broken: Any) -> None:
    with pytest.raises(AnswerError):
        candle(broken)
    (odd,) = read_page([broken]).odd
    assert odd.problem


async def test_binance_lists_the_first_candles_after_a_time(stub: Stub, gateway: CcxtGateway) -> None:
    until = now().replace(minute=0, second=0, microsecond=0)
    since = until - timedelta(days=MAX_LOOKBACK)
    first, hole = int(since.timestamp()), int(since.timestamp()) + 86_400
    openings = [at for at in range(first, int(until.timestamp()), STEP) if not hole <= at < hole + 96 * 3600]
    market = CandleMarket([*openings, int(until.timestamp())])
    market.serve(stub, "binance")
    history = await gateway.candles(SYMBOL, since, until)
    assert [int(bar.opened_at.timestamp()) for bar in history.candles] == openings
    assert len(openings) == 2_880
    assert len(market.asked) == 3


def test_no_page_is_larger_than_ccxt_says_the_exchange_lists() -> None:
    for exchange_id, spec in EXCHANGE_SPECS.items():
        client = client_class(exchange_id)({})
        assert client.features["spot"]["fetchOHLCV"]["limit"] >= spec.candles.size, exchange_id
        assert pages_of(client, spec) == spec.candles
        assert timedelta(days=MAX_LOOKBACK) / LENGTH // spec.candles.size * 2 <= MAX_PAGES, exchange_id
    few = client_class("gate")({})
    few.features["spot"]["fetchOHLCV"]["limit"] = 60
    assert pages_of(few, ExchangeSpec()).size == 60
    few.features["spot"].pop("fetchOHLCV")
    assert pages_of(few, ExchangeSpec()).size == 100
