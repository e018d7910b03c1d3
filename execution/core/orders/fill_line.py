"""The filled share of an order over time, thinned for a line of a few pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from execution.core.types import ZERO

#: A fill: its time in milliseconds, and its quantity in base units.
Part = tuple[int, Decimal]
#: Most points of a line.
POINTS = 32


def merged_parts(parts: Iterable[Part], start: int, end: int, most: int = POINTS) -> list[Part]:
    """Return at most ``most`` fills, in order of time, after merging fills that are close in time.

    The time from ``start`` to ``end`` is divided into ``most`` equal intervals. The fills of an interval are merged
    into one at the time of the last. The sum stays exact. Merged fills can be merged again with later ones.
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
    """Return the share of ``quantity`` that was filled by the time of each part. ``parts`` are in order of time."""
    if quantity <= ZERO:
        return []
    line, done = [], ZERO
    for at, amount in parts:
        done += amount
        line.append((at, round(float(done / quantity), 6)))
    return line
