"""The retention of each kind of row. It is defined only here; docs/reference/retention.md explains it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from execution.core.orders.parameters import MAX_LOOKBACK

YEAR = timedelta(days=365)
#: The shortest time that may be set for orders. An exchange may list a trade late, and a year's books close by then.
MIN_ORDERS = YEAR


@dataclass(frozen=True, slots=True)
class Retention:
    """The time for which each kind of row is kept. The audit is never deleted.

    In the source, the comment at each field says when its time begins.
    """

    #: An ended order with its terms, plans, children, fills, journal and report: from its end.
    orders: timedelta = 5 * YEAR
    #: The data on which a child was decided: from the decision.
    decisions: timedelta = 2 * YEAR
    #: A market's seconds, beyond those that a live order's chart needs: from the second.
    samples: timedelta = timedelta(days=7)
    #: Candles, which plans look back to: from their day.
    candles: timedelta = timedelta(days=MAX_LOOKBACK + 1)
    #: Workers that ended and own nothing: from the end of their lease.
    workers: timedelta = timedelta(days=1)
    #: Estimates: from the last request for them.
    estimates: timedelta = timedelta(hours=1)
    #: Messages of alerts that were sent out or given up: from their end.
    deliveries: timedelta = timedelta(days=30)
    #: Results of the checks of all chains: from their start.
    checks: timedelta = YEAR

    def __post_init__(self) -> None:
        if self.orders < MIN_ORDERS:
            raise ValueError(
                f"orders would be kept for {self.orders.days} days; it must be {MIN_ORDERS.days} or more"
            )
        if self.decisions > self.orders:
            raise ValueError("decisions cannot be kept longer than their orders")


def keeping_orders(days: int) -> Retention:
    """Return the retention with ``days`` for orders. Raises ``ValueError`` for less than a year.

    The records of an order's decisions are kept no longer than the order.
    """
    kept = timedelta(days=days)
    return Retention(orders=kept, decisions=min(kept, Retention().decisions))
