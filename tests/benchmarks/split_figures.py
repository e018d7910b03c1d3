"""The time of a split, by case, and a search for a better split.

``uv run python -m tests.benchmarks.split_figures`` prints the table of docs/results/benchmarks.md;
``... --books 1000`` also searches so many small random books exhaustively. Everything is seeded.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from statistics import median
from time import perf_counter

from execution.core.orders.view import AccountView
from execution.core.routing.split import split
from execution.core.types import Book, Level, Side
from tests.core.builders import MARKET, NOW, D
from tests.core.routing.test_split import LABELS, asked, every, rank, shares
from tests.core.routing.test_split import venue as small_venue

VENUES, LEVELS, BOOKS = 5, 100, 60
FEES = ("0.0010", "0.0008", "0.0005", "0.0012", "0.0010")


def books(seed: int) -> tuple[AccountView, ...]:
    """Return five venues of a hundred levels a side whose prices differ by a few basis points; nothing binds."""
    draw = random.Random(seed)
    found = []
    for place in range(VENUES):
        mid = D("60000") + D(draw.randint(-1500, 1500)) / 100
        sides: list[tuple[Level, ...]] = []
        for sign in (-1, 1):
            price, levels = mid + sign * D(draw.randint(1, 100)) / 100, []
            for _ in range(LEVELS):
                levels.append((price, D(draw.randint(1, 50_000)) / 100_000))
                price += sign * D(draw.randint(1, 200)) / 100
            sides.append(tuple(levels))
        market = replace(MARKET, taker_fee=D(FEES[place]))
        label = f"venue{place}"
        found.append(AccountView(label, label, market, None, Book(sides[0], sides[1], NOW), D(100_000_000)))
    return tuple(found)


def minimums_bind(venues: Sequence[AccountView]) -> tuple[AccountView, ...]:
    """Set minimums of a tenth to a half of the smaller quantities."""
    return tuple(
        replace(venue, market=replace(venue.market, min_notional=D(6_000) * (1 + place)))
        for place, venue in enumerate(venues)
    )


def balances_bind(venues: Sequence[AccountView]) -> tuple[AccountView, ...]:
    return tuple(replace(venue, free=D(20_000) * (1 + place)) for place, venue in enumerate(venues))


def lots_differ(venues: Sequence[AccountView]) -> tuple[AccountView, ...]:
    lots = ("0.00001", "0.0001", "0.001", "0.01", "0.00001")
    return tuple(
        replace(venue, market=replace(venue.market, lot=D(lot)))
        for venue, lot in zip(venues, lots, strict=True)
    )


def lots_are_odd(venues: Sequence[AccountView]) -> tuple[AccountView, ...]:
    """Set lots of which none is a multiple of another."""
    lots = ("0.00002", "0.00003", "0.00005", "0.00007", "0.00011")
    return tuple(
        replace(venue, market=replace(venue.market, lot=D(lot)))
        for venue, lot in zip(venues, lots, strict=True)
    )


CASES: dict[str, Callable[[Sequence[AccountView]], Sequence[AccountView]]] = {
    "no minimum binds": lambda venues: venues,
    "minimums bind": minimums_bind,
    "balances bind": balances_bind,
    "lots differ": lots_differ,
    "lots differ, minimums and balances bind": lambda venues: lots_differ(
        balances_bind(minimums_bind(venues))
    ),
    "no lot is another's multiple": lots_are_odd,
}


def times(change: Callable[[Sequence[AccountView]], Sequence[AccountView]]) -> list[float]:
    """Return milliseconds of each split: sixty books, both sides, three sizes, the best of three runs."""
    found = []
    for seed in range(BOOKS):
        venues = change(books(seed))
        for side in Side:
            for quantity in (D("0.30000"), D("2.50000"), D("20.00000")):
                runs = [_milliseconds(side, quantity, venues) for _ in range(3)]
                found.append(min(runs))
    return found


def _milliseconds(side: Side, quantity: Decimal, venues: Sequence[AccountView]) -> float:
    began = perf_counter()
    split(side, quantity, venues, None, now=NOW)
    return (perf_counter() - began) * 1000


def small_books(draw: random.Random, side: Side) -> tuple[AccountView, ...]:
    """Draw up to four venues of up to three levels with unequal fees, lots and minimums."""
    found = []
    for label in LABELS[: draw.randint(1, 4)]:
        price, levels = draw.randint(95, 105), []
        for _ in range(draw.randint(1, 3)):
            levels.append((price, draw.randint(1, 6)))
            price += side.sign * draw.randint(0, 4)
        limits = {
            "lot": draw.choice([1, 1, 2, 3, 5]),
            "min_quantity": draw.choice([0, 0, 2, 4]),
            "min_notional": draw.choice([0, 0, 150, 420]),
            "taker_fee": draw.choice(["0", "0.01", "0.02", "0.001"]),
        }
        free = draw.choice([1_000_000, 12 if side is Side.SELL else 900])
        found.append(small_venue(label, *levels, side=side, free=D(free), **limits))
    return tuple(found)


def equal_to_exhaustive(count: int) -> int:
    """Return how many splits of so many random books are as good as the best of all that are possible."""
    draw, equal = random.Random(1), 0
    for number in range(count):
        side = (Side.BUY, Side.SELL)[number % 2]
        venues, quantity = small_books(draw, side), draw.randint(1, 20)
        ways = set(every(side, venues, quantity, None))
        found = shares(asked(quantity, *venues, side=side))
        ours = tuple(int(found.get(each.label, 0)) for each in venues)
        best = min(rank(side, venues, way) for way in ways)
        equal += ours in ways and rank(side, venues, ours) == best
    return equal


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--books", type=int, default=0, help="small books to search exhaustively")
    asked_for = parser.parse_args().books
    print("| case | median ms | p99 ms | longest ms |\n| --- | ---: | ---: | ---: |")
    for name, change in CASES.items():
        found = sorted(times(change))
        print(f"| {name} | {median(found):.2f} | {found[int(len(found) * 0.99)]:.2f} | {found[-1]:.2f} |")
    equal = equal_to_exhaustive(asked_for)
    if asked_for:
        print(f"{equal} of {asked_for} equal to exhaustive search")
    return int(equal < asked_for)


if __name__ == "__main__":
    sys.exit(main())
