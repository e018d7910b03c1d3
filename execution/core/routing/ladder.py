"""The ladder: the books of several venues merged by price step, with the desk's own resting children.

The module also calculates how far an order of a given size reaches into the books. Quantities are in the base
currency. Prices are those of the books, before fees.
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

#: The size at one price in each book, in the order of the books.
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
    """One price step of a side: its size in each book, and the desk's own children in it.

    ``depth`` is the total size of all books from the best price up to and including this step. ``price`` is the edge
    of the step that is worst for the taker, so every level in the row is at this price or better.
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
    """The rows of one side, best first.

    ``beyond`` has the desk's own children whose prices are worse than the last row's.
    """

    rows: tuple[LadderRow, ...]
    beyond: tuple[OwnChild, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """The result of taking ``quantity`` from all books together, at prices that the order's limit allows.

    ``price`` is the worst price taken, and ``cost_bp`` its cost. ``average_bp`` is the cost of the average price. Both
    costs are measured against the mid; + is cost. ``carried`` is how much of ``quantity`` the known levels hold within
    the limit. If it is less than ``quantity``, ``price`` and the costs are None.
    """

    quantity: Decimal
    carried: Decimal
    price: Decimal | None
    cost_bp: Decimal | None
    average_bp: Decimal | None


def merged_levels(books: Sequence[Book], taker: Side) -> list[tuple[Decimal, Sizes]]:
    """Return the prices that an order of side ``taker`` can take, best first, each with its size in every book."""
    sizes: defaultdict[Decimal, list[Decimal]] = defaultdict(lambda: [ZERO] * len(books))
    for place, book in enumerate(books):
        for price, size in book.to_take(taker):
            sizes[price][place] += size
    return [(price, tuple(sizes[price])) for price in sorted(sizes, reverse=taker is Side.SELL)]


def ladder_side(
    books: Sequence[Book], taker: Side, *, step: Decimal, rows: int, own: Iterable[OwnChild] = ()
) -> LadderSide:
    """Return the side that an order of side ``taker`` can take, in at most ``rows`` price steps of ``step``.

    1. Round each level to the edge of its step that is worse for the taker: asks up, bids down.
    2. Add the desk's own children of that side to their steps, even where no book has any depth.
    3. Sum up the depth, beginning with the best level.

    Empty steps get no row. Raise ``ValueError`` for a step that is not above zero.
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


def reach(
    books: Sequence[Book], taker: Side, quantity: Decimal, mid: Decimal, limit: Decimal | None = None
) -> Reach:
    """Return the worst price and the cost if an order took ``quantity`` from all books together.

    The order takes no price worse than ``limit``. Raise ``ValueError`` for a quantity that is not above zero.
    """
    if quantity <= ZERO:
        raise ValueError(f"the quantity is {quantity}; it must be above zero")
    levels: list[Level] = [
        (price, sum(sizes, ZERO))
        for price, sizes in merged_levels(books, taker)
        if limit is None or (price - limit) * taker.sign <= ZERO
    ]
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
