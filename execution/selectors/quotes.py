"""The latest quotes and books, in Redis with their age. Missing or unreadable is unknown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

import redis
import structlog
from django.conf import settings

from execution.core.types import Book, Quote

log = structlog.get_logger(__name__)

READ_TIMEOUT = 1.0  # seconds


def quote_key(venue_pk: int, symbol: str) -> str:
    return f"tranche:quote:{venue_pk}:{symbol}"


def quote_to_json(quote: Quote) -> str:
    sizes = [None if size is None else str(size) for size in (quote.bid_size, quote.ask_size)]
    return json.dumps([str(quote.bid), str(quote.ask), *sizes, quote.at.isoformat()])


def quote_from_json(text: str | bytes) -> Quote:
    bid, ask, bid_size, ask_size, at = json.loads(text)
    sizes = [None if size is None else Decimal(size) for size in (bid_size, ask_size)]
    return Quote(Decimal(bid), Decimal(ask), sizes[0], sizes[1], datetime.fromisoformat(at))


def book_key(venue_pk: int, symbol: str) -> str:
    return f"tranche:book:{venue_pk}:{symbol}"


def book_to_json(book: Book) -> str:
    sides = [[[str(price), str(size)] for price, size in side] for side in (book.bids, book.asks)]
    return json.dumps([*sides, book.at.isoformat()])


def book_from_json(text: str | bytes) -> Book:
    bids, asks, at = json.loads(text)
    sides = [tuple((Decimal(price), Decimal(size)) for price, size in side) for side in (bids, asks)]
    return Book(sides[0], sides[1], datetime.fromisoformat(at))


@lru_cache(maxsize=1)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=READ_TIMEOUT, socket_connect_timeout=READ_TIMEOUT)


def quote_latest(venue_pk: int, symbol: str) -> Quote | None:
    """The newest quote however old (its ``at`` says); None when there is none or Redis is away."""
    text = _read(quote_key(venue_pk, symbol))
    return None if text is None else quote_from_json(text)


def book_latest(venue_pk: int, symbol: str) -> Book | None:
    """The newest book however old; None when there is none or Redis is away."""
    text = _read(book_key(venue_pk, symbol))
    return None if text is None else book_from_json(text)


def _read(key: str) -> bytes | str | None:
    try:
        return _client(settings.REDIS_URL).get(key)
    except redis.RedisError as error:
        log.warning("market data not readable", key=key, error=str(error))
        return None


def quotes_latest(pairs: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Quote]:
    """The newest quotes of these venues and symbols in one call; what is missing or unreadable is left out."""
    if not pairs:
        return {}
    try:
        texts = _client(settings.REDIS_URL).mget([quote_key(*pair) for pair in pairs])
    except redis.RedisError as error:
        log.warning("quotes not readable", error=str(error))
        return {}
    found = zip(pairs, texts, strict=True)
    return {pair: quote_from_json(text) for pair, text in found if text is not None}
