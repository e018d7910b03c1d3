"""The parts of an order's page that mean something for its algorithm."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from execution.selectors.orders.schedules import has_schedule


@dataclass(frozen=True, slots=True)
class OrderShows:
    """The parts that an order's page shows.

    ``schedule``: the plan's slices and line, and how far ahead or behind the order is. ``market``: the volume that the
    market trades while the order works, the order's share of this volume, and the market's average price. ``pace``:
    when the order is expected to be filled.
    """

    schedule: bool
    market: bool
    pace: bool


#: SOR takes what the books have at one moment. So no market beside it can be compared with it.
TAKES_AT_ONCE = frozenset({"sor"})


def order_shows(algorithm: str) -> dict[str, bool]:
    """Return by name which parts the page of an order of this algorithm shows."""
    lasts = algorithm not in TAKES_AT_ONCE
    return asdict(OrderShows(schedule=has_schedule(algorithm), market=lasts, pace=lasts))
