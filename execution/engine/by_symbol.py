"""A function that groups the list of a whole account by symbol."""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol, TypeVar

from execution.venues.protocol import Listing, Unreadable


class OfSymbol(Protocol):
    @property
    def symbol(self) -> str: ...


E = TypeVar("E", bound=OfSymbol)


def by_symbol(listing: Listing[E]) -> dict[str, Listing[E]]:
    """Return the entries of a list of all symbols, grouped by symbol."""
    entries: defaultdict[str, list[E]] = defaultdict(list)
    unreadable: defaultdict[str, list[Unreadable]] = defaultdict(list)
    for entry in listing:
        entries[entry.symbol].append(entry)
    for one in listing.unreadable:
        unreadable[one.symbol].append(one)
    return {symbol: Listing(entries[symbol], unreadable[symbol]) for symbol in {*entries, *unreadable}}
