"""The state of each feed of a symbol: its quotes, its book, its trades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from execution.core.texts import enumerated
from execution.core.types import Book, PublicTrade, Quote


class Feed(StrEnum):
    """A kind of market data that has a stream of its own."""

    QUOTES = "quotes"
    BOOK = "book"
    TRADES = "trades"


class FeedState(StrEnum):
    """The reliability of a feed."""

    LIVE = "live"
    #: Nothing new came for longer than market data may be used.
    STALE = "stale"
    #: The book has no bids or no asks.
    ONE_SIDED = "one-sided"
    #: The stream sends nothing although the market moves.
    SILENT = "silent"
    #: The exchange refuses the subscription, or the connection fails.
    FAILING = "failing"
    #: The venue does not list the symbol.
    NOT_LISTED = "not listed"

    @property
    def is_void(self) -> bool:
        """Return whether the venue certainly no longer has the last quote or book that it sent."""
        return self in (FeedState.ONE_SIDED, FeedState.NOT_LISTED)


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """The state of one feed since ``since``, with its reason in words."""

    state: FeedState
    since: datetime
    reason: str = ""

    def words(self, *feeds: Feed) -> str:
        """Return the state of ``feeds``, its start and its reason in words; empty while the state is live."""
        if self.state is FeedState.LIVE:
            return ""
        verb = "is" if feeds == (Feed.BOOK,) else "are"
        reason = f": {self.reason}" if self.reason else ""
        return f"{enumerated(feeds)} {verb} {self.state} since {self.since:%H:%M:%S} UTC{reason}"


def unlisted_words(symbol: str) -> str:
    return f"the venue does not list {symbol}"


def feeds_words(feeds: Mapping[Feed, FeedStatus]) -> tuple[str, ...]:
    """Return a text for each fault of a market's feeds.

    Feeds with the same fault share one text, which has the earliest of their starts. An example is
    ``book and quotes are one-sided since 12:00:05 UTC: there are no asks``.
    """
    faults: dict[tuple[FeedState, str], list[Feed]] = {}
    for feed, status in sorted(feeds.items()):
        if status.state is not FeedState.LIVE:
            faults.setdefault((status.state, status.reason), []).append(feed)
    found = []
    for named in faults.values():
        first = min((feeds[feed] for feed in named), key=lambda status: status.since)
        found.append(first.words(*named))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class FeedChange:
    """A change of a feed: its new state and the reason."""

    feed: Feed
    state: FeedState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """New data of one symbol. If ``interrupted``, trades may be missing between the event before and this one."""

    symbol: str
    quote: Quote | None = None
    book: Book | None = None
    trades: tuple[PublicTrade, ...] = ()
    changes: tuple[FeedChange, ...] = ()
    interrupted: bool = False
