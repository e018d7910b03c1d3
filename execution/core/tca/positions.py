"""The quantity of a symbol that was bought and sold, and the profit or loss, from the totals of both sides.

Each side has one average price. The smaller side is closed against the larger one: its quantity times the difference
of the averages is the realised result. The remainder of the larger side is the net position, at that side's average
price. So nothing depends on the order in which the fills came, and realised + open = cash flow + net × mid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from execution.core.tca.costs import average_price
from execution.core.types import ZERO, Side


@dataclass(frozen=True, slots=True)
class Traded:
    """Totals of some fills of one symbol: quantities in base, ``paid`` and ``received`` in quote, before fees."""

    bought: Decimal = ZERO
    paid: Decimal = ZERO
    sold: Decimal = ZERO
    received: Decimal = ZERO

    def beside(self, side: Side, quantity: Decimal, notional: Decimal) -> Traded:
        """Return the totals plus one fill, or plus the sum of several fills, of ``side``."""
        if side is Side.BUY:
            return replace(self, bought=self.bought + quantity, paid=self.paid + notional)
        return replace(self, sold=self.sold + quantity, received=self.received + notional)

    @property
    def net(self) -> Decimal:
        return self.bought - self.sold

    @property
    def cash_flow(self) -> Decimal:
        return self.received - self.paid

    @property
    def bought_average(self) -> Decimal | None:
        return average_price(self.paid, self.bought)

    @property
    def sold_average(self) -> Decimal | None:
        return average_price(self.received, self.sold)

    @property
    def average(self) -> Decimal | None:
        """Return the average price of the net position; None if there is none."""
        if self.net == ZERO:
            return None
        return self.bought_average if self.net > ZERO else self.sold_average

    @property
    def realised(self) -> Decimal:
        """Return the gain on the quantity that was both bought and sold, in quote units; a loss is below zero."""
        if self.bought_average is None or self.sold_average is None:
            return ZERO
        return min(self.bought, self.sold) * (self.sold_average - self.bought_average)

    def open_result(self, mid: Decimal | None) -> Decimal | None:
        """Return the gain if the net position were closed at ``mid``, in quote units; a loss is below zero.

        None if there is a position and the mid is unknown.
        """
        if self.average is None:
            return ZERO
        return None if mid is None else self.net * (mid - self.average)
