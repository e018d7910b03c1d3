"""The wall's rows: every live order of everybody. An order is read again only when its version has changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from execution.core.orders.schedule import is_behind
from execution.core.states import ORDER_LIVE, OrderStatus
from execution.core.tca import costs
from execution.core.types import ZERO, Quote
from execution.models import Order
from execution.payloads.encode import epoch_ms
from execution.payloads.wall import WallRow
from execution.selectors.decisions.waiting import Pair, is_working, limit_words, waits_said
from execution.selectors.orders.rows import order_rows_of, orders_for_rows


@dataclass(frozen=True, slots=True)
class Held:
    """A row of the wall, with the data to compute its figures and the wall's sums again without the database."""

    row: WallRow
    trader_pk: int
    #: The venue of the order's first account. Its quotes give the order's price.
    venue_pk: int | None
    venue_pks: frozenset[int]
    limit_price: Decimal | None
    #: The reason of the order's last decision if that was to wait, else empty.
    said: str
    done: float
    left: Decimal
    arrival: Decimal | None

    @property
    def market(self) -> Pair:
        """Return the market whose price values the order's open quantity."""
        return self.venue_pk or 0, self.row["symbol"]

    @property
    def pairs(self) -> list[Pair]:
        """Return the venue and symbol of each market whose quote is compared with the order's limit price.

        Return no market if the order has no limit price or is not working.
        """
        asks = self.limit_price is not None and is_working(self.row["status"])
        return [(venue, self.row["symbol"]) for venue in sorted(self.venue_pks)] if asks else []

    def judged(self, now: datetime, unknown_since: int | None, prices: Mapping[Pair, Quote]) -> Held:
        """Return the row with ``behind``, ``waits`` and ``unknown_since`` computed again.

        These three may change with the time, the quotes and the children, without a new version of the order.
        """
        now_ms = epoch_ms(now)
        waits = limit_words(self.row["side"], self.limit_price, self.pairs, prices, now) or self.said
        behind = is_working(self.row["status"]) and is_behind(self.row["schedule"], now_ms, self.done)
        judged: WallRow = {**self.row, "behind": behind, "unknown_since": unknown_since, "waits": waits}
        return self if judged == self.row else replace(self, row=judged)

    @property
    def rank(self) -> tuple[int, int]:
        """Return the sort key. Rows that need attention come first. Among equal rows the newest comes first."""
        row = self.row
        paused = row["status"] == OrderStatus.PAUSED
        needs = (row["unknown_since"] is not None, row["needs_person"], row["behind"], paused)
        place = next((place for place, wanted in enumerate(needs) if wanted), len(needs))
        return place, -row["created_at"]


def live_versions(orders: QuerySet[Order] | None = None) -> dict[int, int]:
    """Return the version of every live order by primary key. If ``orders`` is given, only of these."""
    live = Order.objects.filter(status__in=ORDER_LIVE) if orders is None else orders
    return dict(live.values_list("pk", "version"))


def moved_orders(held: Mapping[int, Held], versions: Mapping[int, int]) -> list[int]:
    """Return the orders that are new, or whose version differs from that of the held row."""
    return [pk for pk, version in versions.items() if pk not in held or held[pk].row["version"] != version]


def held_orders(pks: Sequence[int]) -> dict[int, Held]:
    """Read these orders. The number of queries is fixed."""
    orders = orders_for_rows(pks)
    through = Order.accounts.through.objects.filter(order__in=orders).order_by("-account__label")
    venues: defaultdict[int, list[int]] = defaultdict(list)
    for order_pk, venue in through.values_list("order_id", "account__venue_id"):
        venues[order_pk].append(venue)
    rows, said = order_rows_of(orders), waits_said(orders)
    return {
        order.pk: Held(
            row=WallRow(**row, behind=False, unknown_since=None),
            trader_pk=order.trader_id,
            venue_pk=venues[order.pk][-1] if venues[order.pk] else None,
            venue_pks=frozenset(venues[order.pk]),
            limit_price=order.terms.limit_price if order.terms else None,
            said=said.get(order.pk, ""),
            done=float(order.filled / order.quantity) if order.quantity > ZERO else 0.0,
            left=max(order.quantity - order.filled, ZERO),
            arrival=costs.middle(order.arrival_bid, order.arrival_ask),
        )
        for order, row in zip(orders, rows, strict=True)
    }
