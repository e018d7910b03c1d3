"""The wall's rows: every live order of everybody, each read again only when its version has moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from execution.core import costs
from execution.core.progress import is_behind
from execution.core.states import ORDER_LIVE, OrderStatus
from execution.core.types import ZERO
from execution.models import Order
from execution.selectors.rows import order_rows_of, orders_for_rows
from execution.selectors.wall_payloads import WallRow


@dataclass(frozen=True, slots=True)
class Held:
    """A row, and what it takes to judge and to sum it again without the database."""

    row: WallRow
    trader_pk: int
    #: Where its price comes from: the venue of its first account.
    venue_pk: int | None
    done: float
    left: Decimal
    arrival: Decimal | None

    def judged(self, now_ms: int, unknown_since: int | None) -> Held:
        """The same with what time and children change: behind or not, unknown since when."""
        is_working = self.row["status"] == OrderStatus.WORKING
        behind = is_working and is_behind(self.row["schedule"], now_ms, self.done)
        if (behind, unknown_since) == (self.row["behind"], self.row["unknown_since"]):
            return self
        return replace(self, row={**self.row, "behind": behind, "unknown_since": unknown_since})

    @property
    def rank(self) -> tuple[int, int]:
        """What needs attention first; among equals the newest."""
        row = self.row
        paused = row["status"] == OrderStatus.PAUSED
        needs = (row["unknown_since"] is not None, row["needs_person"], row["behind"], paused)
        place = next((place for place, wanted in enumerate(needs) if wanted), len(needs))
        return place, -row["created_at"]


def live_versions() -> dict[int, int]:
    """Version by primary key of every live order."""
    return dict(Order.objects.filter(status__in=ORDER_LIVE).values_list("pk", "version"))


def held_orders(pks: Sequence[int]) -> dict[int, Held]:
    """These orders, in a fixed number of queries."""
    orders = orders_for_rows(pks)
    through = Order.accounts.through.objects.filter(order__in=orders).order_by("-account__label")
    venues = dict(through.values_list("order_id", "account__venue_id"))
    rows = order_rows_of(orders)
    return {
        order.pk: Held(
            row=WallRow(**row, behind=False, unknown_since=None),
            trader_pk=order.trader_id,
            venue_pk=venues.get(order.pk),
            done=float(order.filled / order.quantity) if order.quantity > ZERO else 0.0,
            left=max(order.quantity - order.filled, ZERO),
            arrival=costs.middle(order.arrival_bid, order.arrival_ask),
        )
        for order, row in zip(orders, rows, strict=True)
    }
