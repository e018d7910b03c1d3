"""The problems of markets in words: closed markets, and faults of their feeds."""

from __future__ import annotations

from collections.abc import Collection

from execution.core.market_data.feeds import FeedState, feeds_words
from execution.core.market_rules import status_words
from execution.core.types import MarketStatus
from execution.models import Market
from execution.selectors.markets import market_from_row
from execution.selectors.quotes import feeds_latest

Pair = tuple[int, str]  #: venue's primary key and symbol


def market_troubles(pairs: Collection[Pair]) -> dict[Pair, list[str]]:
    """Return the problems of these markets, each with its reason and start. A market without a problem is left out."""
    if not pairs:
        return {}
    closed = Market.objects.exclude(status=MarketStatus.OPEN).filter(venue__in={venue for venue, _ in pairs})
    words = {(row.venue_id, row.symbol): status_words(market_from_row(row)) for row in closed}
    told = feeds_latest(sorted(pairs))
    found: dict[Pair, list[str]] = {}
    for pair in pairs:
        feeds = told.get(pair, {})
        # Its feeds say that a market is not listed, too, and since when.
        is_said = any(status.state is FeedState.NOT_LISTED for status in feeds.values())
        said = [words[pair]] if pair in words and not is_said else []
        said += [f"{pair[1]} {each}" for each in feeds_words(feeds)]
        if said:
            found[pair] = said
    return found
