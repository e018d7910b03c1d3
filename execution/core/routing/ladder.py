"""The ladder: the books of several venues as one, by price step, with the desk's own resting children and a size's
reach.

Quantities are in the base currency. Prices are those of the books, before fees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

from execution.core.quantities import ceil_to, floor_to, side_cost_bp
from execution.core.routing.account_selection import average_price
from execution.core.types import ZERO, Book, Level, Side

#: Sizes at one price, in the order of the books.
Sizes = tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class OwnChild:
    """A child of the desk that rests on a book, with its remaining quantity."""

    order: str
    side: Side
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class LadderRow:
    """A step of one side: its sizes by book, the depth up to it from the best price on, and the own children in it.

    ``price`` is the step's far edge: every level of the row is at it or better for who takes it.
    """

    price: Decimal
    sizes: Sizes
    depth: Decimal
    own: tuple[OwnChild, ...] = ()

    @property
    def size(self) -> Decimal:
        return sum(self.sizes, ZERO)


@dataclass(frozen=True, slots=True)
class LadderSide:
    """The rows of one side, best first. ``beyond`` are own children behind the last row."""

    rows: tuple[LadderRow, ...]
    beyond: tuple[OwnChild, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """The reach of a taker of ``quantity`` into the books. Costs are against the mid; + is cost.

    ``price`` is the worst level taken. It and the costs are None when the known levels carry less than ``quantity``;
    ``carried`` is how much they carry of it.
    """

    quantity: Decimal
    carried: Decimal
    price: Decimal | None
    cost_bp: Decimal | None
    average_bp: Decimal | None


def merged_levels(books: Sequence[Book], taker: Side) -> list[tuple[Decimal, Sizes]]:
    """Return the levels that a taker meets, best first, each price once with its size in every book."""
    sizes: defaultdict[Decimal, list[Decimal]] = defaultdict(lambda: [ZERO] * len(books))
    for place, book in enumerate(books):
        for price, size in book.to_take(taker):
            sizes[price][place] += size
    return [(price, tuple(sizes[price])) for price in sorted(sizes, reverse=taker is Side.SELL)]


def ladder_side(
    books: Sequence[Book], taker: Side, *, step: Decimal, rows: int, own: Iterable[OwnChild] = ()
) -> LadderSide:
    """Return the side that ``taker`` meets in steps of ``step``, at most ``rows`` of them with depth or own children.

    1. Every level goes to the step's edge that is worse for the taker: asks up, bids down. 2. The own children of
    that side go to their step, which is shown even where no book has depth there. 3. Depth adds up over all levels,
    from the best on. Raises ValueError for a step that is not above zero.
    """
    if step <= ZERO:
        raise ValueError(f"the step is {step}; it must be above zero")
    edge = ceil_to if taker is Side.BUY else floor_to
    sums: dict[Decimal, Sizes] = {}
    for price, sizes in merged_levels(books, taker):
        at = edge(price, step)
        known = sums.get(at)
        sums[at] = sizes if known is None else tuple(map(Decimal.__add__, known, sizes))
    resting: defaultdict[Decimal, list[OwnChild]] = defaultdict(list)
    for child in own:
        if child.side is taker.opposite:
            resting[edge(child.price, step)].append(child)
    nothing = (ZERO,) * len(books)
    prices = sorted({*sums, *resting}, reverse=taker is Side.SELL)
    depths = accumulate(sum(sums.get(price, nothing), ZERO) for price in prices)
    found = [
        LadderRow(price, sums.get(price, nothing), depth, tuple(resting.get(price, ())))
        for price, depth in zip(prices, depths, strict=True)
    ]
    beyond = tuple(child for row in found[rows:] for child in row.own)
    return LadderSide(tuple(found[:rows]), beyond)


def reach(books: Sequence[Book], taker: Side, quantity: Decimal, mid: Decimal) -> Reach:
    """Return how far a taker of ``quantity`` reaches into all books together.

    Raises ValueError for a quantity that is not above zero.
    """
    if quantity <= ZERO:
        raise ValueError(f"the quantity is {quantity}; it must be above zero")
    levels: list[Level] = [(price, sum(sizes, ZERO)) for price, sizes in merged_levels(books, taker)]
    left, worst = quantity, None
    for price, size in levels:
        if left <= ZERO:
            break
        worst, left = price, left - size
    average = average_price(quantity, levels)
    if average is None or worst is None:
        return Reach(quantity, quantity - left, None, None, None)
    return Reach(
        quantity, quantity, worst, side_cost_bp(taker, worst, mid), side_cost_bp(taker, average, mid)
    )
