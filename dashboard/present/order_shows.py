"""The parts of an order's page that mean something for its algorithm."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from execution.selectors.orders.schedules import is_sliced


@dataclass(frozen=True, slots=True)
class OrderShows:
    """``schedule``: the plan's slices, its line, and whether the order is ahead of it or behind.

    ``market``: what the market traded meanwhile, the order's share of it, and the market's average price.
    ``pace``: when the order will be done if it goes on as it did.
    """

    schedule: bool
    market: bool
    pace: bool


#: POV follows the traded volume. Its slices only show where it would be in a market that trades evenly.
FOLLOWS_VOLUME = frozenset({"pov"})
#: SOR takes what the books have at one moment. So no market beside it can be compared with it.
TAKES_AT_ONCE = frozenset({"sor"})


def order_shows(algorithm: str) -> dict[str, bool]:
    """Return by name which parts the page of an order of this algorithm shows."""
    lasts = algorithm not in TAKES_AT_ONCE
    return asdict(
        OrderShows(
            schedule=is_sliced(algorithm) and algorithm not in FOLLOWS_VOLUME, market=lasts, pace=lasts
        )
    )
