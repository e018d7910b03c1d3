"""The latest quotes, books and candles, which engines publish in Redis, signed and with their age.

Missing, unreadable or forged data are treated as unknown.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from socket import gethostname
from typing import TypeVar

import redis
import structlog
from django.conf import settings

from execution.core.market_data.candles import KnownCandles
from execution.core.market_data.coverage import Stretch
from execution.core.market_data.feeds import Feed, FeedState, FeedStatus
from execution.core.market_data.freshness import Data, received_at
from execution.core.types import Book, Candle, Quote
from execution.selectors.quote_signatures import opened

log = structlog.get_logger(__name__)

T = TypeVar("T")

READ_TIMEOUT = 1.0  # seconds


def quote_key(venue_pk: int, symbol: str) -> str:
    return f"tranche:quote:{venue_pk}:{symbol}"


def quote_to_json(quote: Quote, boot: float | None = None) -> str:
    """Encode a quote. ``boot`` is its time of receipt in seconds on this host's monotonic clock, if known."""
    sizes = [None if size is None else str(size) for size in (quote.bid_size, quote.ask_size)]
    return json.dumps([str(quote.bid), str(quote.ask), *sizes, quote.at.isoformat(), boot, _host()])


def quote_from_json(text: str | bytes) -> Quote:
    """Decode a quote. On the host that wrote it, its age is measured by the monotonic clock."""
    bid, ask, bid_size, ask_size, at, boot, host = json.loads(text)
    sizes = [None if size is None else Decimal(size) for size in (bid_size, ask_size)]
    quote = Quote(Decimal(bid), Decimal(ask), sizes[0], sizes[1], datetime.fromisoformat(at))
    return _aged(quote, boot, host)


def book_key(venue_pk: int, symbol: str) -> str:
    return f"tranche:book:{venue_pk}:{symbol}"


def book_to_json(book: Book, boot: float | None = None) -> str:
    """Encode a book. ``boot`` is its time of receipt in seconds on this host's monotonic clock, if known."""
    sides = [[[str(price), str(size)] for price, size in side] for side in (book.bids, book.asks)]
    return json.dumps([*sides, book.at.isoformat(), boot, _host()])


def book_from_json(text: str | bytes) -> Book:
    """Decode a book. On the host that wrote it, its age is measured by the monotonic clock."""
    bids, asks, at, boot, host = json.loads(text)
    sides = [tuple((Decimal(price), Decimal(size)) for price, size in side) for side in (bids, asks)]
    return _aged(Book(sides[0], sides[1], datetime.fromisoformat(at)), boot, host)


def feeds_key(venue_pk: int, symbol: str) -> str:
    return f"tranche:feeds:{venue_pk}:{symbol}"


def feeds_to_json(feeds: Mapping[Feed, FeedStatus]) -> str:
    return json.dumps(
        {feed: [status.state, status.since.isoformat(), status.reason] for feed, status in feeds.items()}
    )


def feeds_from_json(text: str | bytes) -> dict[Feed, FeedStatus]:
    return {
        Feed(feed): FeedStatus(FeedState(state), datetime.fromisoformat(since), reason)
        for feed, (state, since, reason) in json.loads(text).items()
    }


def candles_key(venue_pk: int, symbol: str) -> str:
    return f"tranche:candles:{venue_pk}:{symbol}"


def candles_to_json(found: KnownCandles) -> str:
    known = [[each.start.isoformat(), each.end.isoformat()] for each in found.known]
    bars = [
        [bar.opened_at.isoformat(), *map(str, (bar.open, bar.high, bar.low, bar.close, bar.volume))]
        for bar in found.candles
    ]
    return json.dumps([known, bars])


def candles_from_json(text: str | bytes) -> KnownCandles:
    known, bars = json.loads(text)
    return KnownCandles(
        tuple(Candle(datetime.fromisoformat(at), *map(Decimal, numbers)) for at, *numbers in bars),
        tuple(Stretch(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in known),
    )


def _aged(data: Data, boot: float | None, host: str) -> Data:
    if boot is None or host != _host():
        return data
    age = max(time.clock_gettime(time.CLOCK_BOOTTIME) - boot, 0.0)
    return received_at(data, datetime.now(UTC), age)


@lru_cache(maxsize=1)
def _host() -> str:
    """Return the id of the host's current boot, or the host's name if the system has no such id.

    Times of a monotonic clock can be compared only within one boot, because each boot starts the clock again.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return gethostname()


@lru_cache(maxsize=1)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=READ_TIMEOUT, socket_connect_timeout=READ_TIMEOUT)


def quote_latest(venue_pk: int, symbol: str) -> Quote | None:
    """Return the newest quote of any age; ``at`` is its time. None without a quote or without Redis."""
    text = _read(quote_key(venue_pk, symbol))
    return None if text is None else quote_from_json(text)


def book_latest(venue_pk: int, symbol: str) -> Book | None:
    """Return the newest book of any age. None without a book or without Redis."""
    text = _read(book_key(venue_pk, symbol))
    return None if text is None else book_from_json(text)


def quote_standing(venue_pk: int, symbol: str) -> Quote | None:
    """Return the newest quote, as ``quote_latest`` does, but None if its feed reports that it is no longer valid.

    Use this function for decisions on prices. ``quote_latest`` may return a price that no longer exists.
    """
    return _standing(venue_pk, symbol, Feed.QUOTES, quote_key, quote_from_json)


def book_standing(venue_pk: int, symbol: str) -> Book | None:
    """Return the newest book; None if its feed reports that it is no longer valid."""
    return _standing(venue_pk, symbol, Feed.BOOK, book_key, book_from_json)


def _standing(
    venue_pk: int, symbol: str, feed: Feed, key: Callable[[int, str], str], read: Callable[[str], T]
) -> T | None:
    text, feeds = _read_all([key(venue_pk, symbol), feeds_key(venue_pk, symbol)])
    status = None if feeds is None else feeds_from_json(feeds).get(feed)
    return None if text is None or (status is not None and status.state.is_void) else read(text)


def _read(key: str) -> str | None:
    try:
        data = _client(settings.REDIS_URL).get(key)
    except redis.RedisError as error:
        log.warning("market data not readable", key=key, error=str(error))
        return None
    return None if data is None else opened(key, data)


def _read_all(keys: Sequence[str]) -> list[str | None]:
    try:
        found = _client(settings.REDIS_URL).mget(keys)
    except redis.RedisError as error:
        log.warning("market data not readable", keys=len(keys), error=str(error))
        return [None] * len(keys)
    return [None if data is None else opened(key, data) for key, data in zip(keys, found, strict=True)]


def quotes_latest(pairs: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Quote]:
    """Return the newest quotes of these venues and symbols. A market without a quote that can be read is left out."""
    return _latest(pairs, quote_key, quote_from_json)


def books_latest(pairs: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Book]:
    """Return the newest books of these venues and symbols. A market without a book that can be read is left out."""
    return _latest(pairs, book_key, book_from_json)


def candles_latest(pairs: Sequence[tuple[int, str]]) -> dict[tuple[int, str], KnownCandles]:
    """Return the newest one-minute candles of these venues and symbols. A market without readable ones is left out."""
    return _latest(pairs, candles_key, candles_from_json)


def feeds_latest(pairs: Sequence[tuple[int, str]]) -> dict[tuple[int, str], dict[Feed, FeedStatus]]:
    """Return the states of the feeds of these venues and symbols. A market without readable states is left out."""
    return _latest(pairs, feeds_key, feeds_from_json)


def _latest(
    pairs: Sequence[tuple[int, str]], key: Callable[[int, str], str], read: Callable[[str], T]
) -> dict[tuple[int, str], T]:
    """Return each market's value by venue and symbol. All values are read at once. Unreadable values are left out."""
    if not pairs:
        return {}
    found = zip(pairs, _read_all([key(*pair) for pair in pairs]), strict=True)
    return {pair: read(text) for pair, text in found if text is not None}
