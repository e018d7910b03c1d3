"""What the desk rests on the exchanges' books: it is no part of the market that its other orders look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from execution.core.states import ChildStatus
from execution.core.types import ZERO, Side
from execution.models import ChildOrder
from execution.models.prepared import Compiled

SHOWN = (ChildStatus.OPEN, ChildStatus.PARTLY_FILLED, ChildStatus.CANCELLING)


@dataclass(frozen=True, slots=True)
class DeskResting:
    """Base quantity by price, of one side of one venue's market: of all orders, and of each by its primary key."""

    total: Mapping[Decimal, Decimal]
    by_order: Mapping[int, Mapping[Decimal, Decimal]]

    def of_others(self, order_pk: int) -> dict[Decimal, Decimal]:
        """What every order but this one rests."""
        own = self.by_order.get(order_pk, {})
        return {price: size - own.get(price, ZERO) for price, size in self.total.items()}


_RESTING = Compiled(
    lambda venue, symbol, side: ChildOrder.objects.filter(
        account__venue_id=venue, symbol=symbol, side=side, is_settled=False, status__in=SHOWN
    ).values_list("order_id", "price", "quantity", "filled", "reported_filled"),
    venue=int,
    symbol=str,
    side=str,
)


def desk_resting(*, venue_pk: int, symbol: str, side: Side) -> DeskResting:
    """What the desk is known to rest there now, whichever account it is of."""
    total: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    by_order: defaultdict[int, defaultdict[Decimal, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    rows = _RESTING.values(venue=venue_pk, symbol=symbol, side=str(side))
    for order_pk, price, quantity, filled, reported in rows:
        left = quantity - max(filled, reported or ZERO)
        if price is not None and left > ZERO:
            total[price] += left
            by_order[order_pk][price] += left
    return DeskResting(total, by_order)
