"""Compares two recordings of what should be one market, moment by moment: a recording, and one of its replay."""

from __future__ import annotations

import json
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import median

from execution.core.market_model.recording import SECOND, RecordedBook, RecordedTrade
from execution.core.types import Level, Side
from execution.recordings.folder import Recording

MOMENTS = 100


@dataclass(frozen=True, slots=True)
class Comparison:
    """``overlap``: trades of the original from the copy's first one on. Delays are in seconds of the copy."""

    original_trades: int
    copied_trades: int
    overlap: int
    same_trades: bool
    moments: int
    same_at_once: int  #: moments at which both books were the same, to the microsecond
    same_within: int  #: moments whose book the copy had within ``tolerance``
    tolerance: float
    worst_delay: float  #: of a trade, from the median


@dataclass(frozen=True, slots=True)
class Market:
    """One symbol of a recording."""

    books: list[RecordedBook]
    trades: list[RecordedTrade]

    def book(self, moment: int) -> tuple[tuple[Level, ...], tuple[Level, ...]] | None:
        place = bisect_right(self.books, moment, key=lambda book: book.received) - 1
        return None if place < 0 else sides_of(self.books[place])

    def books_within(self, moment: int, tolerance: int) -> list[tuple[tuple[Level, ...], tuple[Level, ...]]]:
        """Return every book that was there at some time around a moment."""
        since = bisect_right(self.books, moment - tolerance, key=lambda book: book.received) - 1
        until = bisect_right(self.books, moment + tolerance, key=lambda book: book.received)
        return [sides_of(book) for book in self.books[max(since, 0) : until]]


def sides_of(book: RecordedBook) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    return book.levels(Side.BUY), book.levels(Side.SELL)


def market_of(folder: Path, symbol: str) -> Market:
    events = list(Recording(folder).events(symbol))
    return Market(
        [event for event in events if isinstance(event, RecordedBook)],
        [event for event in events if isinstance(event, RecordedTrade)],
    )


def compare(original: Market, copy: Market, *, speed: float, tolerance: float, seed: int = 17) -> Comparison:
    """Align the copy with the original by its trades, and look at both at random moments that both have."""
    overlap = overlap_of(original.trades, copy.trades)
    told = original.trades[-overlap:][: len(copy.trades)] if overlap else []
    shifts = [
        round(theirs.received * speed) - ours.received
        for ours, theirs in zip(told, copy.trades, strict=False)
    ]
    shift = round(median(shifts)) if shifts else 0
    since = round(copy.books[0].received * speed) - shift + round(tolerance * speed * SECOND)
    until = min(original.books[-1].received, round(copy.books[-1].received * speed) - shift)
    random = Random(seed)
    moments = [random.randrange(since, until) for _ in range(MOMENTS)]
    at_once = within = 0
    for moment in moments:
        expected, there = original.book(moment), round((moment + shift) / speed)
        at_once += copy.book(there) == expected
        within += expected in copy.books_within(there, round(tolerance * SECOND))
    return Comparison(
        original_trades=len(original.trades),
        copied_trades=len(copy.trades),
        overlap=overlap,
        same_trades=bool(told) and [key(each) for each in told] == [key(each) for each in copy.trades],
        moments=len(moments),
        same_at_once=at_once,
        same_within=within,
        tolerance=tolerance,
        worst_delay=max((abs(each - shift) / speed / SECOND for each in shifts), default=0.0),
    )


def overlap_of(original: Sequence[RecordedTrade], copy: Sequence[RecordedTrade]) -> int:
    """Return the trades of the original from the start of the copy on: the last place of the copy's first ones."""
    first = [key(each) for each in copy[:5]]
    for place in range(len(original) - len(first), -1, -1):
        if first and [key(each) for each in original[place : place + len(first)]] == first:
            return len(original) - place
    return 0


def key(trade: RecordedTrade) -> tuple[object, ...]:
    return trade.side, trade.price, trade.quantity


def main(original: str, copy: str, speed: str = "1", tolerance: str = "0.2") -> None:
    """Print each symbol's comparison: ``python -m tests.recordings.comparing ORIGINAL COPY [SPEED [SECONDS]]``."""
    for symbol in sorted(Recording(Path(original)).rules.markets):
        found = compare(
            market_of(Path(original), symbol),
            market_of(Path(copy), symbol),
            speed=float(speed),
            tolerance=float(tolerance),
        )
        print(json.dumps({"symbol": symbol, **asdict(found)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
