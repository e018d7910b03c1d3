"""The newest quotes and books of a symbol, from this engine's own streams or from another engine's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from execution.core.market_data.freshness import MAX_QUOTE_AGE, Data
from execution.core.market_data.merged_book import newest_quote, up_to_date
from execution.core.types import Book, Quote
from execution.engine.context import EngineContext
from execution.selectors.quotes import book_standing, quote_standing


async def newest_market(
    context: EngineContext, venue_pks: Sequence[int], symbol: str
) -> tuple[dict[int, Quote], dict[int, Book]]:
    """Return the newest quotes and books of ``symbol``, by venue.

    If a venue's quote is newer than its book, the quote corrects the book. If the book is newer, its best levels are
    the quote.
    """
    touches = await newest_data(context, venue_pks, symbol, context.quotes.quote, quote_standing)
    deep = await newest_data(context, venue_pks, symbol, context.quotes.book, book_standing)
    quotes = {pk: newest_quote(deep.get(pk), touches.get(pk)) for pk in venue_pks}
    books = {pk: up_to_date(deep.get(pk), touches.get(pk)) for pk in venue_pks}
    return (
        {pk: quote for pk, quote in quotes.items() if quote is not None},
        {pk: book for pk, book in books.items() if book is not None},
    )


async def quote_of_now(context: EngineContext, venue_pk: int, symbol: str) -> Quote | None:
    """Return the newest quote of one market. Redis is read only if this engine has no recent quote."""
    own = newest_quote(context.quotes.book(venue_pk, symbol), context.quotes.quote(venue_pk, symbol))
    if own is not None and own.at > context.clock.now() - MAX_QUOTE_AGE / 2:
        return own
    quotes, _ = await newest_market(context, [venue_pk], symbol)
    return quotes.get(venue_pk)


async def newest_data(
    context: EngineContext,
    venue_pks: Sequence[int],
    symbol: str,
    own: Callable[[int, str], Data | None],
    published: Callable[[int, str], Data | None],
) -> dict[int, Data]:
    """Return the newest data by venue.

    ``own`` gives this engine's data, and ``published`` the data in Redis. Redis is read only for venues of which this
    engine has no data or old data.
    """
    found = {pk: data for pk in venue_pks if (data := own(pk, symbol)) is not None}
    old_at = context.clock.now() - MAX_QUOTE_AGE / 2
    old = [pk for pk in venue_pks if pk not in found or found[pk].at <= old_at]
    if old:
        # Not on the database's thread: a Redis that hangs would hold up every fact.
        compute = context.database.compute
        remote = await asyncio.gather(*(compute(published, pk, symbol) for pk in old))
        for pk, data in zip(old, remote, strict=True):
            if data is not None and (pk not in found or data.at > found[pk].at):
                found[pk] = data
    return found
