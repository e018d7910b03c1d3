"""The book of a market, corrected by a newer quote."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from execution.core.types import Book, Level, Quote, Side


def up_to_date(book: Book | None, quote: Quote | None) -> Book | None:
    """Return the book as it must be at the quote's time; the book itself where it is as new as the quote.

    A newer quote gives the current best levels. Levels that are better than its prices are removed, and its own
    prices lead. Sizes of deeper levels stay as the book had them. A quote without sizes changes prices only.
    """
    if book is None or quote is None or quote.at <= book.at or not quote.is_sane:
        return book
    bids = _led_by(book.bids, quote.bid, quote.bid_size, Side.BUY)
    asks = _led_by(book.asks, quote.ask, quote.ask_size, Side.SELL)
    return replace(book, bids=bids, asks=asks, at=quote.at)


def newest_quote(book: Book | None, quote: Quote | None) -> Quote | None:
    """Return the book's touch where it is newer than the quote, else the quote."""
    if book is None or not book.is_sane:
        return quote
    return book.touch if quote is None or book.at > quote.at else quote


def _led_by(levels: tuple[Level, ...], price: Decimal, size: Decimal | None, side: Side) -> tuple[Level, ...]:
    """Return the levels with ``price`` as the best one. A size that nobody knows leaves its level out."""
    behind = tuple(level for level in levels if (level[0] - price) * side.sign < 0)
    lead = size if size is not None else next((there for at, there in levels if at == price), None)
    return behind if lead is None else ((price, lead), *behind)
