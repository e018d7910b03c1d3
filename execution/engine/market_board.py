"""The current data of a venue in a market session: quotes, books and the states of feeds, for drivers and pages."""

from __future__ import annotations

from collections import defaultdict

from execution.core.market_data.feeds import Feed, FeedChange, FeedState, FeedStatus, unlisted_words
from execution.core.types import Book, Quote
from execution.engine.context import EngineContext
from execution.venues.protocol import VenueReadFailed

#: The shortest time between two publications of a market's quote, or of its book, to pages and other engines.
PUBLISH_EVERY = 0.25  # seconds
#: A feed keeps each of these states until there is news. A lack of news does not change it to STALE.
_STAYS = frozenset({FeedState.NOT_LISTED, FeedState.ONE_SIDED, FeedState.FAILING, FeedState.SILENT})


class MarketBoard:
    """One venue's market data.

    Each new quote wakes the drivers in this process. All other readers get the data from Redis.
    """

    def __init__(self, context: EngineContext, venue_pk: int) -> None:
        self._context = context
        self._venue_pk = venue_pk
        self._states: defaultdict[str, dict[Feed, FeedStatus]] = defaultdict(dict)
        self._published: dict[tuple[str, Feed], float] = {}

    def put_quote(self, symbol: str, quote: Quote, *, silent: str = "") -> None:
        """Store and publish a quote, and the state of the feed.

        ``silent`` is given for a quote that was requested because the stream sends nothing. It says why the stream is
        regarded as silent.
        """
        self._context.quotes.put_quote(self._venue_pk, symbol, quote)
        if self._is_due(symbol, Feed.QUOTES):
            self._context.publish_quote(self._venue_pk, symbol, quote)
        self.change(symbol, FeedChange(Feed.QUOTES, FeedState.SILENT if silent else FeedState.LIVE, silent))

    def put_book(self, symbol: str, book: Book) -> None:
        self._context.quotes.put_book(self._venue_pk, symbol, book)
        if self._is_due(symbol, Feed.BOOK):
            self._context.publish_book(self._venue_pk, symbol, book)
        self.change(symbol, FeedChange(Feed.BOOK, FeedState.LIVE))

    def state(self, symbol: str, feed: Feed) -> FeedState | None:
        """Return the state of a feed; None while nothing is known of it."""
        status = self._states[symbol].get(feed)
        return None if status is None else status.state

    def change(self, symbol: str, change: FeedChange) -> None:
        """Apply a change of a feed's state. If the last quote or book is no longer valid, it is removed at once.

        A new reason for the same state does not change the start of the state.
        """
        known = self._states[symbol].get(change.feed)
        if known is not None and (known.state, known.reason) == (change.state, change.reason):
            return
        is_same = known is not None and known.state is change.state
        since = known.since if known is not None and is_same else self._context.clock.now()
        status = FeedStatus(change.state, since, change.reason)
        self._states[symbol][change.feed] = status
        if change.state.is_void:
            self._context.quotes.forget(self._venue_pk, symbol, change.feed)
        self._context.quotes.put_feed(self._venue_pk, symbol, change.feed, status)
        self._context.publish_feeds(self._venue_pk, symbol, dict(self._states[symbol]))

    def grew_old(self, symbol: str, feed: Feed, reason: str) -> None:
        """Mark a feed as old, because it brings no news, unless a worse state is known."""
        if self.state(symbol, feed) not in _STAYS:
            self.change(symbol, FeedChange(feed, FeedState.STALE, reason))

    def not_read(self, symbol: str, feed: Feed, missing: str, error: VenueReadFailed) -> None:
        """Note that a feed could not be read.

        The feed gets the state that follows from ``error``. If none follows, it gets the state old.

        The reason for the state old begins with ``missing``, such as "no quote".
        """
        if error.shows is FeedState.NOT_LISTED:
            self.change(symbol, FeedChange(feed, error.shows, unlisted_words(symbol)))
        elif error.shows is not None:
            self.change(symbol, FeedChange(feed, error.shows, str(error)))
        else:
            self.grew_old(symbol, feed, f"{missing}: {error}")

    def _is_due(self, symbol: str, feed: Feed) -> bool:
        now = self._context.clock.boot()
        if now - self._published.get((symbol, feed), float("-inf")) < PUBLISH_EVERY:
            return False
        self._published[symbol, feed] = now
        return True
