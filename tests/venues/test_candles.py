"""A market's history comes in pages: all of it, finished candles only, or a failed look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from execution.core.types import Candle
from execution.venues.candles import LENGTH, MAX_PAGES, all_candles, candle, read_page
from execution.venues.convert import AnswerError, milliseconds_of
from execution.venues.protocol import VenueReadFailed

START = datetime(2026, 1, 5, tzinfo=UTC)
ROW = ["100", "110", "90", "105", "2.5"]


def row(number: int) -> list[Any]:
    return [milliseconds_of(START + number * LENGTH), *ROW]


class Listing:
    """An exchange that lists some candles, at most ``most`` a page."""

    def __init__(self, numbers: range | list[int], most: int) -> None:
        self.rows = read_page([row(number) for number in numbers])
        self.most = most
        self.asked = 0

    async def fetch(self, start: int, limit: int) -> list[Candle]:
        self.asked += 1
        later = [bar for bar in self.rows if milliseconds_of(bar.opened_at) >= start]
        return later[: min(self.most, limit)]


async def test_every_page_is_fetched_and_the_running_candle_left_out() -> None:
    listing = Listing(range(1201), most=500)
    found = await all_candles(listing.fetch, since=START, until=START + 1200 * LENGTH)
    assert [bar.opened_at for bar in found] == [START + number * LENGTH for number in range(1200)]
    assert listing.asked == 3


async def test_a_stretch_without_trades_is_skipped_and_the_end_is_found() -> None:
    listing = Listing([0, 1, 40, 41], most=2)
    found = await all_candles(listing.fetch, since=START, until=START + 100 * LENGTH)
    assert [(bar.opened_at - START) // LENGTH for bar in found] == [0, 1, 40, 41]
    assert found[0].volume == Decimal("2.5")


async def test_an_exchange_that_goes_on_for_ever_is_a_failed_look() -> None:
    async def endless(start: int, _limit: int) -> list[Candle]:
        return read_page([[start, *ROW]])

    with pytest.raises(VenueReadFailed, match=f"{MAX_PAGES} pages"):
        await all_candles(endless, since=START, until=START + timedelta(days=365))


@pytest.mark.parametrize(
    "broken",
    [
        [0, "100", "110", "90", "105"],
        [None, *ROW],
        [0, "100", None, "90", "105", "1"],
        [0, "100", "110", "0", "105", "1"],
        [0, "100", "110", "90", "105", "-1"],
        [0, "100", "110", "90", "105", None],
        "nothing",
    ],
)
def test_a_candle_that_cannot_be_is_no_answer(broken: Any) -> None:
    with pytest.raises(AnswerError):
        candle(broken)
