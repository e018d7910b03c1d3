"""The corrections of a market's book by a newer quote, and of its quote by a newer book."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from execution.core.types import Book, Level, Quote, Side


def up_to_date(book: Book | None, quote: Quote | None) -> Book | None:
    """Return ``book``, corrected by ``quote`` if the quote is newer.

    A newer quote gives the current best levels. Levels that are better than its prices are removed, and its own prices
    become the best. Sizes of deeper levels stay as in ``book``. If the quote has no sizes, only prices change.
    """
    if book is None or quote is None or quote.at <= book.at or not quote.is_sane:
        return book
    bids = _led_by(book.bids, quote.bid, quote.bid_size, Side.BUY)
    asks = _led_by(book.asks, quote.ask, quote.ask_size, Side.SELL)
    return replace(book, bids=bids, asks=asks, at=quote.at)


def newest_quote(book: Book | None, quote: Quote | None) -> Quote | None:
    """Return the best bid and ask of ``book`` if the book is newer than ``quote``, else ``quote``."""
    if book is None or not book.is_sane:
        return quote
    return book.touch if quote is None or book.at > quote.at else quote


def _led_by(levels: tuple[Level, ...], price: Decimal, size: Decimal | None, side: Side) -> tuple[Level, ...]:
    """Return a level at ``price``, followed by the levels that are worse.

    Its size is ``size``, or else that of ``levels`` at this price. If both are unknown, the level is left
    out.
    """
    behind = tuple(level for level in levels if (level[0] - price) * side.sign < 0)
    lead = size if size is not None else next((there for at, there in levels if at == price), None)
    return behind if lead is None else ((price, lead), *behind)
