"""The looks for books: one a venue, published, and a failed one leaves the older book to its age."""

from __future__ import annotations

from datetime import timedelta

from execution.core.types import Book
from execution.engine.market_watch import MarketWatch
from execution.venues.protocol import VenueReadFailed
from tests.engine.desk import Desk
from tests.factories import NOW, SYMBOL, D, Rows
from tests.fixtures import redis_url, rows

__all__ = ["redis_url", "rows"]

BOOK = Book(((D(59_999), D(1)),), ((D(60_001), D(1)),), NOW)


async def test_two_accounts_at_a_venue_ask_for_its_book_once(rows: Rows) -> None:
    desk = Desk(rows)
    desk.exchange.books[SYMBOL] = BOOK
    watches = [
        MarketWatch(desk.parts, desk.exchange, venue_pk=rows.venue.pk, symbols=(SYMBOL,)) for _ in range(2)
    ]
    for watch in watches:
        await watch._look_at_book(SYMBOL)
    assert desk.exchange.looked_at == [SYMBOL]
    assert desk.parts.quotes.book(rows.venue.pk, SYMBOL) == BOOK
    desk.clock.pass_by(0.9)
    desk.exchange.failing[SYMBOL] = VenueReadFailed("busy")
    await watches[0]._look_at_book(SYMBOL)
    assert len(desk.exchange.looked_at) == 2
    known = desk.parts.quotes.book(rows.venue.pk, SYMBOL)
    assert known is not None
    assert desk.clock.now() - known.at == timedelta(seconds=0.9), "as old as it is"
