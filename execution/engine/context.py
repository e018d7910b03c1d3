"""The objects that drivers and sessions of one engine share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from execution.core.market_data.candles import KnownCandles
from execution.core.market_data.feeds import Feed, FeedStatus
from execution.core.types import Book, Quote
from execution.engine.clock import Clock
from execution.engine.db.database import Database
from execution.engine.desk_book import DeskBook
from execution.engine.quotes import QuoteBoard


class LeaseLike(Protocol):
    worker_pk: int

    def left(self) -> float: ...


class OwnLease(LeaseLike, Protocol):
    """This engine's own lease.

    The engine starts and stops it. While the event loop runs, the engine tells the lease so.
    """

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def turned(self) -> None: ...


def unpublished(_venue_pk: int, _symbol: str, _data: object) -> None:
    """Publish nothing. It is the default where no page and no other engine reads the data."""


@dataclass(frozen=True, slots=True)
class EngineContext:
    """The objects that the drivers and sessions of one engine share.

    ``poke_order`` wakes the driver of an order by the order's primary key. ``poke_account`` wakes the session of an
    account by the account's primary key. Both wake only drivers and sessions of this engine.
    """

    clock: Clock
    database: Database
    lease: LeaseLike
    quotes: QuoteBoard
    desk_book: DeskBook
    poke_order: Callable[[int], None]
    poke_account: Callable[[int], None]
    publish_quote: Callable[[int, str, Quote], None]
    publish_book: Callable[[int, str, Book], None] = unpublished
    publish_feeds: Callable[[int, str, Mapping[Feed, FeedStatus]], None] = unpublished
    publish_candles: Callable[[int, str, KnownCandles], None] = unpublished
    #: Returns the reason why no order may start, if disk space is short; empty if orders may start.
    room: Callable[[], str] = str
