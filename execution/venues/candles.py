"""The reading of a market's candles, page by page."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from execution.core.types import ZERO, Candle, CandleHistory
from execution.venues import request_context
from execution.venues.listings import Fetching
from execution.venues.protocol import VenueReadFailed
from execution.venues.spec import CandlePages, ExchangeSpec
from execution.venues.values import AnswerError, decimal_or_none, listed, milliseconds_of, time_or_none

log = logging.getLogger(__name__)

TIMEFRAME, LENGTH = "5m", timedelta(minutes=5)
#: Enough for fourteen days in the smallest pages, even if each gap between candles costs a page of its own.
MAX_PAGES = 100


@dataclass(frozen=True, slots=True)
class OddCandle:
    """A candle that cannot be used. It has the problem, and its opening time if that can be read."""

    opened_at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an exchange's candles: the usable ones, in any order, and the ``odd`` ones that cannot be used."""

    candles: Sequence[Candle]
    odd: Sequence[OddCandle] = ()


#: Requests a page. The arguments are its earliest opening time in milliseconds and the number of candles.
Fetch = Callable[[int, int], Awaitable[Page]]


class CandleReader:
    """Reads the candles of one exchange, and logs each unusable one once."""

    def __init__(self, client: Any, spec: ExchangeSpec, fetch: Fetching) -> None:
        self._client = client
        self._pages = pages_of(client, spec)
        self._fetch = fetch
        self._told: set[tuple[str, OddCandle]] = set()

    async def history(self, symbol: str, since: datetime, until: datetime) -> CandleHistory:
        """Return the candles that opened at or after ``since`` and ended by ``until``. Raise ``VenueReadFailed`` if a
        request fails.
        """

        async def page(start: int, size: int) -> Page:
            ask = partial(self._client.fetch_ohlcv, symbol, TIMEFRAME, start, size)
            got: Page = await self._fetch("candles", ask, read_page)
            return got

        history, odd = await all_candles(page, pages=self._pages, since=since, until=until)
        self._tell(symbol, odd)
        return history

    def _tell(self, symbol: str, odd: Iterable[OddCandle]) -> None:
        news = [candle for candle in odd if (symbol, candle) not in self._told]
        if news:
            self._told.update((symbol, candle) for candle in news)
            log.warning(
                "%s lists %d candles of %s that cannot be used and are left out, such as %s",
                *(self._client.id, len(news), symbol, news[0].problem),
            )


def pages_of(client: Any, spec: ExchangeSpec) -> CandlePages:
    """Return how to request candles page by page, from the spec.

    The page size is lowered to the maximum that ccxt declares for the exchange.
    """
    declared = (((client.features or {}).get("spot") or {}).get("fetchOHLCV") or {}).get("limit")
    pages = spec.candles
    return pages if declared is None else CandlePages(min(pages.size, int(declared)), pages.newest_only)


def read_page(answer: Any) -> Page:
    """Convert ccxt's list of candles to a page.

    A row that is not a candle becomes an ``OddCandle``. So does a row without a time. The desk's client has put the
    rows without a time aside before, because ccxt cannot sort them.
    """
    candles: list[Candle] = []
    odd = [OddCandle(None, f"a candle without a time: {row!r}") for row in request_context.current().timeless]
    for row in listed(answer):
        try:
            candles.append(candle(row))
        except AnswerError as error:
            odd.append(OddCandle(_opening(row), str(error)))
    return Page(candles, odd)


def candle(row: Any) -> Candle:
    """Convert ccxt's ``[milliseconds, open, high, low, close, volume]``. Raise ``AnswerError`` for an impossible
    one.
    """
    if not isinstance(row, Sequence) or len(row) < 6:
        raise AnswerError(f"{row!r} is no candle")
    opened_at, (opening, high, low, close, volume) = time_or_none(row[0]), map(decimal_or_none, row[1:6])
    if opened_at is None or opening is None or high is None or low is None or close is None:
        raise AnswerError(f"a candle that lacks its time or a price: {row!r}")
    if volume is None or volume < ZERO or min(opening, high, low, close) <= ZERO or high < low:
        raise AnswerError(f"a candle with a volume or price that cannot be: {row!r}")
    if milliseconds_of(opened_at) % (LENGTH // timedelta(milliseconds=1)):
        raise AnswerError(f"a candle that opens between two of {TIMEFRAME}: {row!r}")
    return Candle(opened_at, opening, high, low, close, volume)


def _opening(row: Any) -> datetime | None:
    try:
        return time_or_none(row[0]) if isinstance(row, Sequence) and row else None
    except AnswerError:
        return None


@dataclass
class _Found:
    """The candles of all pages so far, by opening time, and the odd candles."""

    candles: dict[datetime, Candle] = field(default_factory=dict)
    odd: dict[OddCandle, None] = field(default_factory=dict)

    def add(self, page: Page, since: datetime, until: datetime) -> datetime | None:
        """Add the candles and odd candles of a page that lie between ``since`` and ``until``.

        Return the opening time of the last added candle; None if there was none.
        """
        fresh = {bar.opened_at: bar for bar in page.candles if since <= bar.opened_at <= until - LENGTH}
        self.candles.update(fresh)
        for odd in page.odd:
            if odd.opened_at is None or since <= odd.opened_at <= until - LENGTH:
                self.odd[odd] = None
        return max(fresh, default=None)

    def history(self, untold: Iterable[datetime]) -> CandleHistory:
        """Return the history, with the opening times of its unknown bars.

        A bar is unknown if it is in ``untold``, the bars that no page contained, or if its candle was unreadable on
        every page.
        """
        unreadable = {odd.opened_at for odd in self.odd if odd.opened_at is not None}
        unknown = (unreadable | set(untold)) - self.candles.keys()
        return CandleHistory(tuple(self.candles[at] for at in sorted(self.candles)), tuple(sorted(unknown)))


async def all_candles(
    fetch: Fetch, *, pages: CandlePages, since: datetime, until: datetime
) -> tuple[CandleHistory, tuple[OddCandle, ...]]:
    """Return every finished candle from ``since`` to ``until``, and the unusable ones.

    1. Request a page from one millisecond before its first candle, because not every exchange documents whether a page
       includes its bounds.
    2. Request the next page, from the end of the last candle. After an empty page, continue after the time that the
       page covers. Most exchanges answer for a window of time, so an empty page means that nobody traded.
    3. Stop at ``until``. Raise ``VenueReadFailed`` if ``MAX_PAGES`` pages do not reach it, or if no candle can be
       used.
    """
    found = _Found()
    untold: list[datetime] = []
    start, asked = since, 0
    while start + LENGTH <= until:
        if asked == MAX_PAGES:
            raise VenueReadFailed(f"the candles since {since:%Y-%m-%d %H:%M} do not end after {asked} pages")
        page = await fetch(milliseconds_of(start) - 1, pages.size)
        asked += 1
        if pages.newest_only and len(page.candles) + len(page.odd) >= pages.size:
            untold += _openings(start, min((bar.opened_at for bar in page.candles), default=start))
        last = found.add(page, start, until)
        start = start + (pages.size - 1) * LENGTH if last is None else last + LENGTH
    if found.odd and not found.candles:
        raise VenueReadFailed(f"no candle can be used, such as {next(iter(found.odd)).problem}")
    return found.history(untold), tuple(found.odd)


def _openings(start: datetime, end: datetime) -> list[datetime]:
    return [start + number * LENGTH for number in range((end - start) // LENGTH)]
