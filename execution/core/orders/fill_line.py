"""The filled share of an order over time, thinned for a line of a few pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from execution.core.types import ZERO

#: When, in milliseconds, and how much in base units.
Part = tuple[int, Decimal]
#: Points of a line.
POINTS = 32


def merged_parts(parts: Iterable[Part], start: int, end: int, most: int = POINTS) -> list[Part]:
    """Return the fills in order, with those of each ``most``-th part of ``start`` to ``end`` merged at the time of
    the last.

    The sum stays exact, and merged fills can be merged with later ones again.
    """
    found: dict[int, Part] = {}
    length = max(end - start, 1)
    for at, quantity in sorted(parts):
        place = min(max((at - start) * most // length, 0), most - 1)
        found[place] = at, found.get(place, (at, ZERO))[1] + quantity
    return list(found.values())


def parts_total(parts: Iterable[Part]) -> Decimal:
    return sum((quantity for _, quantity in parts), ZERO)


def fill_line(parts: Sequence[Part], quantity: Decimal) -> list[tuple[int, float]]:
    """Return the share of ``quantity`` that was filled by the time of each part. Parts come in order."""
    if quantity <= ZERO:
        return []
    line, done = [], ZERO
    for at, amount in parts:
        done += amount
        line.append((at, round(float(done / quantity), 6)))
    return line
