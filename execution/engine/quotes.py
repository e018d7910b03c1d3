"""The newest quotes and books of the markets that this engine watches, and who wants to hear of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from execution.core.types import Book, Quote
from execution.notify import LOOKED_AT_FOR

Key = tuple[int, str]  #: venue's primary key and symbol
Listener = Callable[[Quote], None]


class QuoteBoard:
    """In memory only; Redis carries quotes to pages and to other workers."""

    def __init__(self) -> None:
        self._quotes: dict[Key, Quote] = {}
        self._books: dict[Key, Book] = {}
        self._looked_at: dict[Key, datetime] = {}
        self._listeners: defaultdict[Key, list[Listener]] = defaultdict(list)

    def get(self, venue_pk: int, symbol: str) -> Quote | None:
        return self._quotes.get((venue_pk, symbol))

    def put(self, venue_pk: int, symbol: str, quote: Quote) -> None:
        self._quotes[venue_pk, symbol] = quote
        for listener in tuple(self._listeners[venue_pk, symbol]):
            listener(quote)

    def book(self, venue_pk: int, symbol: str) -> Book | None:
        return self._books.get((venue_pk, symbol))

    def put_book(self, venue_pk: int, symbol: str, book: Book) -> None:
        self._books[venue_pk, symbol] = book

    def look_at(self, venue_pk: int, symbol: str, now: datetime) -> None:
        self._looked_at[venue_pk, symbol] = now

    def looked_at(self, venue_pk: int, now: datetime) -> set[str]:
        """Symbols of a venue that somebody has just looked at."""
        return {
            symbol
            for (pk, symbol), at in self._looked_at.items()
            if pk == venue_pk and now - at <= LOOKED_AT_FOR
        }

    def listen(self, venue_pk: int, symbol: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` at each quote; returns what ends it."""
        self._listeners[venue_pk, symbol].append(listener)
        return lambda: self._listeners[venue_pk, symbol].remove(listener)
