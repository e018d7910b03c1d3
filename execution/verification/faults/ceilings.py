"""Trading limits in a simulation, drawn by the seed and checked after each commit from separate figures (I11).

The figures are lower bounds, because an order's remaining quantity is valued at a price that is below all prices of
the market. So every reported breach is real.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from execution.core.limits.kinds import LimitKind, LimitLevel, LimitScope
from execution.core.types import ZERO
from execution.models import User
from execution.services.desk.limits import LimitRequest, limit_set
from execution.verification.faults.exchange import SYMBOL
from execution.verification.faults.virtual import BEGINNING
from execution.verification.faults.wallets import BASE, QUOTE

if TYPE_CHECKING:
    from execution.verification.faults.solvency import Promise

#: The share of the seeds in which trading limits are set that can stop orders.
LIMITED = 0.3
LIMITS = "SELECT kind, value, account_id FROM execution_tradinglimit WHERE ended_at IS NULL"
TRADED = (
    "SELECT f.price, f.quantity FROM execution_fill f JOIN execution_childorder c ON c.id = f.child_id"
    " WHERE ?1 IS NULL OR c.account_id = ?1"
)
SUBMITTED_AT = "SELECT submitted_at FROM execution_childorder WHERE client_id = ?"
SUBMITTED_SINCE = "SELECT account_id FROM execution_childorder WHERE submitted_at > ?"
SECOND = timedelta(seconds=1)


def set_drawn_limits(random: Random, accounts: Sequence[str], limited: float = LIMITED) -> None:
    """Set one to three random hard limits, as a supervisor does. They allow about two orders.

    Limits are set only in the share ``limited`` of the seeds.
    """
    if random.random() >= limited:
        return
    supervisor = User.objects.get(username="supervisor")
    scopes = [(LimitScope.DESK, ""), (LimitScope.TRADER, "trader"), (LimitScope.ACCOUNT, accounts[0])]
    drawn = [
        (LimitKind.ORDER_QUANTITY, (LimitScope.SYMBOL, SYMBOL), random.randrange(1500, 6000), 1000, BASE),
        (LimitKind.OPEN_NOTIONAL, random.choice(scopes), random.randrange(200, 900), 1, QUOTE),
        (LimitKind.DAILY_NOTIONAL, random.choice(scopes), random.randrange(300, 1500), 1, QUOTE),
        (LimitKind.MESSAGE_RATE, random.choice(scopes[::2]), random.randrange(1, 4), 1, ""),
    ]
    for kind, (scope, subject), value, divisor, currency in random.sample(drawn, random.randint(1, 3)):
        request = LimitRequest(kind, scope, subject, LimitLevel.HARD, Decimal(value) / divisor, currency)
        limit_set(person=supervisor, request=request, reason="the simulation", now=BEGINNING)


class Ceilings:
    """Checks each order that is placed, enlarged or resumed, and each child that is submitted."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def placed(self, promise: Promise, promises: Iterable[Promise], least_price: Decimal) -> Iterable[str]:
        """Check an order against the limits on what all orders may still trade and have traded."""
        every = list(promises)
        for kind, value, account in self._limits():
            counted = [each for each in every if account is None or account in each.accounts]
            if kind == LimitKind.ORDER_QUANTITY:
                figure = promise.quantity
            elif kind in {LimitKind.OPEN_NOTIONAL, LimitKind.DAILY_NOTIONAL} and promise in counted:
                figure = sum((each.rest for each in counted), ZERO) * least_price
                if kind == LimitKind.DAILY_NOTIONAL:
                    figure += self._traded(account)
            else:
                continue
            if figure > value:
                yield f"I11: order {promise.public_id} came to a {kind} of {figure} at least, the limit is {value}"

    def taken(self, client_id: str, account: int) -> Iterable[str]:
        """Check the limits on children submitted within a second. The times are those in the children's rows.

        The real times of sending cannot be used. An engine that freezes between its check and its commit sends later
        than the child's row says.
        """
        ((submitted_at,),) = self._raw.execute(SUBMITTED_AT, (client_id,))
        submitted = [each for (each,) in self._raw.execute(SUBMITTED_SINCE, (submitted_at - SECOND,))]
        for kind, value, only in self._limits():
            count = sum(1 for each in submitted if only in (None, each))
            if kind == LimitKind.MESSAGE_RATE and only in (None, account) and count > value:
                yield f"I11: {client_id} is child {count} of a second, the limit is {value}"

    def _limits(self) -> list[tuple[str, Decimal, int | None]]:
        return [(kind, Decimal(value), account) for kind, value, account in self._raw.execute(LIMITS)]

    def _traded(self, account: int | None) -> Decimal:
        rows = self._raw.execute(TRADED, (account,))
        return sum((Decimal(price) * Decimal(quantity) for price, quantity in rows), ZERO)
