"""The amount that an order may spend on each of several accounts. The router needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Max, Q

from execution.core.orders.reservation import Reserve, left_beside, spent_currency
from execution.core.types import ZERO, Side
from execution.models import Account, Balance, Order
from execution.selectors.decisions.spending import bound_reserves
from execution.selectors.markets import balances_free

#: Other orders' reserves are read again after this long. An order checks again many times a second.
RESERVES_LAST = timedelta(seconds=5)


@dataclass(slots=True)
class BoundReserves:
    """The reserves of orders that have a single account, by the account's public id, as read at the time ``at``."""

    at: datetime | None = None
    reserves: Mapping[str, Sequence[Reserve]] = field(default_factory=dict)

    def bring_up(self, accounts: Sequence[Account], currency: str, now: datetime) -> None:
        """Read the reserves again if the last read is too old."""
        if self.at is None or not timedelta(0) <= now - self.at < RESERVES_LAST:
            self.at, self.reserves = now, bound_reserves(accounts, currency)


def spendable(
    order: Order, accounts: Sequence[Account], bound: BoundReserves, now: datetime
) -> dict[int, Decimal | None]:
    """Return the amount that an order may spend on each account, by primary key.

    From an account's free amount, the reserves of the orders that have no other account are subtracted. Orders with
    several accounts share what is left.
    """
    currency = spent_currency(order.symbol, Side(order.side))
    bound.bring_up(accounts, currency, now)
    names = {account.pk: account.public_id for account in accounts}
    free = _free(order, accounts, currency)
    return {pk: left_beside(amount, bound.reserves.get(names[pk], ())) for pk, amount in free.items()}


def _free(order: Order, accounts: Sequence[Account], currency: str) -> dict[int, Decimal | None]:
    """Return each account's free amount, by primary key.

    Balances are polled only now and then. So they are corrected by the amounts that the order's own children have
    locked, spent or released since the poll. Otherwise the next child could not use the amount that a cancelled child
    released.
    """
    free = balances_free(accounts, currency)
    known_at = dict(
        Balance.objects.filter(account__in=accounts).values_list("account_id").annotate(Max("at"))
    )
    if not known_at:
        return free
    oldest = min(known_at.values())
    since = Q(intended_at__gt=oldest) | Q(ended_at__gt=oldest) | Q(over_at__gt=oldest)
    for child in order.children.filter(since, account__in=known_at):
        at, amount = known_at[child.account_id], free[child.account_id]
        done = max(child.filled, child.reported_filled or ZERO)
        over_at = child.ended_at or child.over_at
        is_over = child.is_settled or child.over_at is not None
        taken = ZERO if child.intended_at <= at else done if is_over else child.quantity
        freed = over_at is not None and child.intended_at <= at < over_at
        change = (child.quantity - done if freed else ZERO) - taken
        price = Decimal(1) if order.side == Side.SELL else child.price
        if amount is not None and price is not None:
            free[child.account_id] = amount + change * price
    return free
