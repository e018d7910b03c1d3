"""The desk's own resting orders on the exchanges' books.

Without them, one order of the desk would take another one for the market's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from execution.core.orders.view import Opposing
from execution.core.states import ChildStatus
from execution.core.types import ZERO, Side
from execution.models import ChildOrder
from execution.models.prepared import Compiled

SHOWN = (ChildStatus.OPEN, ChildStatus.PARTLY_FILLED, ChildStatus.CANCELLING)
#: A child with one of these states may be on the book, or may still arrive there.
MAYBE_ON_BOOK = (*SHOWN, ChildStatus.SUBMITTED, ChildStatus.UNKNOWN)
#: For a decision, a child that is about to be sent counts too. Of two that see each other only one would be sent.
DECIDED = (*MAYBE_ON_BOOK, ChildStatus.PENDING_SUBMIT)


@dataclass(frozen=True, slots=True)
class DeskResting:
    """The desk's resting orders in one venue's market, as an order of one side sees them.

    ``total`` and ``by_order`` are base quantities by price, on the same side as that order. ``by_order`` has them by
    the order's primary key. ``opposing`` has the desk's best order on the other side, for each account. It is needed
    by account because exchanges prevent trades of an account with itself.
    """

    total: Mapping[Decimal, Decimal]
    by_order: Mapping[int, Mapping[Decimal, Decimal]]
    opposing: Mapping[int, Opposing] = field(default_factory=dict)

    def of_others(self, order_pk: int) -> dict[Decimal, Decimal]:
        """Return the resting quantity of every order except this one, by price."""
        own = self.by_order.get(order_pk, {})
        return {price: size - own.get(price, ZERO) for price, size in self.total.items()}


NOTHING_RESTS = DeskResting({}, {})

_LIVE = Compiled(
    lambda venue, symbol: ChildOrder.objects.filter(
        account__venue_id=venue, symbol=symbol, is_settled=False, status__in=DECIDED
    ).values_list(
        "order_id",
        "order__public_id",
        "account_id",
        "side",
        "status",
        "price",
        "quantity",
        "filled",
        "reported_filled",
    ),
    venue=int,
    symbol=str,
)


def desk_resting(*, venue_pk: int, symbol: str, side: Side) -> DeskResting:
    """Return the desk's resting quantity in a market on ``side``, and its best price on the other side, by account."""
    total: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    by_order: defaultdict[int, defaultdict[Decimal, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    opposing: dict[int, Opposing] = {}
    for order_pk, name, account, of, status, price, quantity, filled, reported in _LIVE.values(
        venue=venue_pk, symbol=symbol
    ):
        left = quantity - max(filled, reported or ZERO)
        if price is None or left <= ZERO:
            continue
        if of == side:
            if status in SHOWN:
                total[price] += left
                by_order[order_pk][price] += left
        else:
            found = Opposing(name, side.opposite, price, status in SHOWN)
            opposing[account] = _better(opposing.get(account), found)
    return DeskResting(total, by_order, opposing)


def _better(known: Opposing | None, found: Opposing) -> Opposing:
    """Return the order that an incoming order would meet first: the lowest sell, or the highest buy."""
    is_first = known is None or (found.price - known.price) * found.side.sign > ZERO
    return found if is_first or known is None else known


_OPPOSITE = Compiled(
    lambda account, symbol, side: ChildOrder.objects.filter(
        account_id=account, symbol=symbol, side=side, is_settled=False, status__in=MAYBE_ON_BOOK
    ).values_list("order__public_id", "status", "price"),
    account=int,
    symbol=str,
    side=str,
)


def opposite_resting(*, account_pk: int, symbol: str, side: Side) -> Opposing | None:
    """Return the desk's best child on the side opposite to ``side`` that may rest on the book with this account's key;
    None without one.
    """
    best: Opposing | None = None
    for name, status, price in _OPPOSITE.values(account=account_pk, symbol=symbol, side=str(side.opposite)):
        if price is not None:
            best = _better(best, Opposing(name, side.opposite, price, status in SHOWN))
    return best
