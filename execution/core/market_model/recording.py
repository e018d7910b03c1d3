"""A recording of a market: its books, its trades, and the stretches in which nothing was recorded.

Moments are whole microseconds since the epoch. Events are numbered in the order in which they were received. Other
modules read the files.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from execution.core.types import Level, Market, Side

SECOND = 1_000_000

#: The slowest and the fastest replay against real time. The fastest must suit steps of a tenth of a second.
MIN_SPEED, MAX_SPEED = 0.1, 100.0


@dataclass(frozen=True, slots=True)
class RecordedBook:
    """The best levels of a book, best first, from ``received`` on.

    ``bids`` and ``asks`` are both None from the moment at which the book became unknown; ``note`` gives the reason.
    """

    number: int
    symbol: str
    received: int
    bids: tuple[Level, ...] | None
    asks: tuple[Level, ...] | None
    exchange_time: int | None = None
    sequence: int | None = None
    note: str = ""

    @property
    def is_known(self) -> bool:
        return self.bids is not None and self.asks is not None

    @property
    def is_crossed(self) -> bool:
        if not self.bids or not self.asks:
            return False
        return self.bids[0][0] >= self.asks[0][0]

    def levels(self, side: Side) -> tuple[Level, ...]:
        return (self.bids if side is Side.BUY else self.asks) or ()

    @property
    def mid(self) -> Decimal | None:
        """Return the middle of the best bid and the best ask; None where one of them is missing."""
        if not self.bids or not self.asks:
            return None
        return (self.bids[0][0] + self.asks[0][0]) / 2


@dataclass(frozen=True, slots=True)
class RecordedTrade:
    """One trade of the market. ``side`` is the taker's; None where the exchange does not report it."""

    number: int
    symbol: str
    received: int
    trade_id: str | None
    side: Side | None
    price: Decimal
    quantity: Decimal
    exchange_time: int | None = None


Event = RecordedBook | RecordedTrade


@dataclass(frozen=True, slots=True)
class RecordingRules:
    """The facts about a whole recording: its origin, and each symbol's limits and fees.

    ``ended`` is None if the recorder was killed. ``levels`` is the number of levels recorded per side.
    """

    venue: str
    exchange: str
    environment: str
    started: int
    levels: int
    markets: Mapping[str, Market]
    ended: int | None = None


def in_order(books: Iterable[RecordedBook], trades: Iterable[RecordedTrade]) -> Iterator[Event]:
    """Merge books and trades, each in the order of their numbers, into one stream in that order."""
    return heapq.merge(books, trades, key=lambda event: event.number)


@dataclass(slots=True)
class Timeline:
    """A stream of events in order.

    Each call of ``take`` reads on to a later moment. The stream is always read one event ahead.
    """

    events: Iterator[Event]
    last: int | None = None  #: when the last event that was taken was received
    _next: Event | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._next = next(self.events, None)

    @property
    def next_at(self) -> int | None:
        """Return the moment at which the next event was received; None at the end."""
        return None if self._next is None else self._next.received

    @property
    def is_over(self) -> bool:
        return self._next is None

    def take(self, until: int) -> Iterator[Event]:
        """Yield the events received up to and at ``until`` that were not taken yet."""
        while self._next is not None and self._next.received <= until:
            event, self._next = self._next, next(self.events, None)
            self.last = event.received
            yield event


def book_at(events: Iterable[Event], moment: int) -> RecordedBook | None:
    """Return the last book received by ``moment``; None before the first. ``events`` are those of one symbol."""
    book = None
    for event in events:
        if event.received > moment:
            break
        if isinstance(event, RecordedBook):
            book = event
    return book


def elapsed_in_recording(seconds: float, speed: float) -> int:
    """Return the microseconds of a recording that pass in ``seconds`` of real time at ``speed``."""
    return round(seconds * speed * SECOND)
