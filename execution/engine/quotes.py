"""The newest quotes and books of the markets that this engine watches, and the listeners to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Generic

from execution.core.market_data.feeds import Feed, FeedStatus
from execution.core.market_data.freshness import Data, received_at
from execution.core.types import Book, Quote
from execution.engine.clock import Clock
from execution.notify import BOOK_REQUEST_LASTS

Key = tuple[int, str]  #: venue's primary key and symbol
Listener = Callable[[Quote], None]


class _Newest(Generic[Data]):
    """The newest quote or book of each market, with the moment of its receipt."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[Key, tuple[Data, float]] = {}

    def put(self, key: Key, data: Data) -> None:
        self._known[key] = data, self._clock.boot()

    def get(self, key: Key) -> Data | None:
        age = self.age(key)
        return None if age is None else received_at(self._known[key][0], self._clock.now(), age)

    def age(self, key: Key) -> float | None:
        known = self._known.get(key)
        return None if known is None else max(self._clock.boot() - known[1], 0.0)

    def forget(self, key: Key) -> None:
        self._known.pop(key, None)


class QuoteBoard:
    """The newest quotes and books, in memory only. Redis carries them to pages and to other workers.

    Ages are measured by a clock that nobody can set. If somebody sets the wall clock, the time ``at`` of each quote
    and book is corrected by the same difference.
    """

    def __init__(self, clock: Clock) -> None:
        self._quotes = _Newest[Quote](clock)
        self._books = _Newest[Book](clock)
        self._feeds: defaultdict[Key, dict[Feed, FeedStatus]] = defaultdict(dict)
        self._wanted_at: dict[Key, datetime] = {}
        self._listeners: defaultdict[Key, list[Listener]] = defaultdict(list)

    def quote(self, venue_pk: int, symbol: str) -> Quote | None:
        return self._quotes.get((venue_pk, symbol))

    def quote_age(self, venue_pk: int, symbol: str) -> float | None:
        """Return the seconds since the quote was received; None without a quote."""
        return self._quotes.age((venue_pk, symbol))

    def put_quote(self, venue_pk: int, symbol: str, quote: Quote) -> None:
        self._quotes.put((venue_pk, symbol), quote)
        for listener in tuple(self._listeners[venue_pk, symbol]):
            listener(quote)

    def book(self, venue_pk: int, symbol: str) -> Book | None:
        return self._books.get((venue_pk, symbol))

    def book_age(self, venue_pk: int, symbol: str) -> float | None:
        """Return the seconds since the book was received; None without a book."""
        return self._books.age((venue_pk, symbol))

    def put_book(self, venue_pk: int, symbol: str, book: Book) -> None:
        self._books.put((venue_pk, symbol), book)

    def forget(self, venue_pk: int, symbol: str, feed: Feed) -> None:
        """Remove a quote or book that no longer exists."""
        if feed is Feed.QUOTES:
            self._quotes.forget((venue_pk, symbol))
        elif feed is Feed.BOOK:
            self._books.forget((venue_pk, symbol))

    def feed(self, venue_pk: int, symbol: str, feed: Feed) -> FeedStatus | None:
        """Return the state of a feed; None where another engine watches the market."""
        return self._feeds[venue_pk, symbol].get(feed)

    def put_feed(self, venue_pk: int, symbol: str, feed: Feed, status: FeedStatus) -> None:
        self._feeds[venue_pk, symbol][feed] = status

    def want_book(self, venue_pk: int, symbol: str, now: datetime) -> None:
        self._wanted_at[venue_pk, symbol] = now

    def wanted_books(self, venue_pk: int, now: datetime) -> set[str]:
        """Return the symbols of a venue whose books a person has recently looked at."""
        return {
            symbol
            for (pk, symbol), at in self._wanted_at.items()
            if pk == venue_pk and now - at <= BOOK_REQUEST_LASTS
        }

    def listen(self, venue_pk: int, symbol: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` at each new quote of a market. Return a function that ends these calls."""
        self._listeners[venue_pk, symbol].append(listener)
        return lambda: self._listeners[venue_pk, symbol].remove(listener)
