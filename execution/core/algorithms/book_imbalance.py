"""The order book without the desk's orders: its best bid and ask, and its imbalance, which hints at the next move."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from execution.core.market_data.freshness import is_fresh
from execution.core.orders.view import AccountView, OrderView
from execution.core.routing.account_selection import MAX_BOOK_AGE, known_quote
from execution.core.types import ZERO, Book, Level, Quote, Side

#: Number of levels of each side in the imbalance. Each level counts half as much as the one before it.
LEVELS = 3


def others_book(view: OrderView, venue: AccountView) -> Book | None:
    """Return the venue's book without the desk's resting orders.

    Return None without a fresh book, or when only the desk's orders rest on one side.
    """
    book = venue.book
    if book is None or not book.is_sane or not is_fresh(book.at, view.now, MAX_BOOK_AGE):
        return None
    own = book.bids if view.side is Side.BUY else book.asks
    left = tuple(level for level in (_without_ours(view, venue, level) for level in own) if level[1] > ZERO)
    bids, asks = (left, book.asks) if view.side is Side.BUY else (book.bids, left)
    return replace(book, bids=bids, asks=asks) if left else None


def others_quote(view: OrderView, venue: AccountView) -> Quote:
    """Return the best bid and ask of the other participants.

    Without a book, return the venue's quote unchanged. It may include the desk's own orders.
    """
    book = others_book(view, venue)
    return known_quote(venue) if book is None else book.touch


def imbalance(book: Book) -> float:
    """Return the imbalance of the best levels, from -1 (only asks) to +1 (only bids). The price tends to move towards
    the side with the smaller quantity.
    """
    bids, asks = (
        sum(float(size) / 2**place for place, (_, size) in enumerate(side[:LEVELS]))
        for side in (book.bids, book.asks)
    )
    return (bids - asks) / (bids + asks) if bids + asks > 0 else 0.0


def _without_ours(view: OrderView, venue: AccountView, level: Level) -> Level:
    price, size = level
    ours = sum(
        (
            child.exposure
            for child in view.children
            if child.account == venue.account and child.price == price and _is_shown(child.intended_at, venue)
        ),
        ZERO,
    )
    return price, max(size - ours - venue.desk.get(price, ZERO), ZERO)


def _is_shown(intended_at: datetime, venue: AccountView) -> bool:
    """Return whether the child is older than the book, so that the book includes it."""
    return venue.book is not None and intended_at < venue.book.at
