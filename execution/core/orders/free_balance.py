"""The free balance of an account: the exchange's figure, corrected by the children that the desk has sent since.

An exchange takes a balance shortly before it answers. For a child that was sent or ended around that moment, the desk
cannot know whether the balance includes the amount locked for it. So there are two figures: the least and the most
that may be free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.types import ZERO

#: Longest time from the moment of a balance to its answer. A request that takes longer is given up.
BALANCE_TAKES = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class SentChild:
    """A child that was sent, or may have been.

    ``cost`` is the amount for its full quantity, and ``spent`` the amount for its filled part. ``is_on_book`` means
    that the exchange has shown the child, so it has locked the cost.
    """

    cost: Decimal
    spent: Decimal
    submitted_at: datetime
    last_possible_send_at: datetime
    is_on_book: bool
    is_settled: bool
    ended_at: datetime | None = None
    cancel_requested_at: datetime | None = None

    @property
    def takes(self) -> Decimal:
        """Return the amount that the child has spent, plus the amount that it may still spend."""
        return self.spent if self.is_settled else max(self.cost, self.spent)

    @property
    def released(self) -> Decimal:
        """Return the amount that the exchange unlocked when the child ended."""
        return max(self.cost - self.spent, ZERO) if self.is_settled and self.is_on_book else ZERO


@dataclass(frozen=True, slots=True)
class Free:
    """The free balance of an account in one currency, as the least and the most that it can be."""

    least: Decimal
    most: Decimal


def free_now(told: Decimal, at: datetime, children: Iterable[SentChild]) -> Free:
    """Return the free amount: the exchange's figure ``told``, which arrived at ``at``, corrected by the children.

    A child takes an amount when it is sent, and releases the unspent part when it ends. ``told`` may or may not
    include the amount of a child that was sent around ``at``. ``least`` subtracts every child that ``told`` may not
    include. ``most`` subtracts only children that ``told`` certainly does not include, because they were submitted
    after ``at``.
    """
    least, most = told, told
    for child in children:
        if child.is_settled and child.ended_at is not None and child.ended_at <= at - BALANCE_TAKES:
            continue  # all of it is in the balance
        is_included = child.is_on_book and child.last_possible_send_at <= at - BALANCE_TAKES
        if not is_included:
            least -= child.takes
        elif child.cancel_requested_at is not None and child.cancel_requested_at > at:
            least += child.released
        most += -child.takes if child.submitted_at > at else child.released
    return Free(least, most)
