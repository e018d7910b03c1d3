"""The free balance of an account: the exchange's figure, corrected by the desk's own children since.

A balance is of a moment shortly before its answer. For a child that was sent or ended about then, it cannot be told
whether the balance includes its lock. So there are two figures: at least, and at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.types import ZERO

#: A balance is at most this much older than its answer: a request is given up before.
BALANCE_TAKES = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class SentChild:
    """A child that was sent, or may have been. ``cost`` is that of its whole quantity, ``spent`` that of the part
    done.

    ``is_on_book``: the exchange has shown it, so the exchange has locked its cost.
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
        """Return the amount that the child has spent and may still spend."""
        return self.spent if self.is_settled else max(self.cost, self.spent)

    @property
    def released(self) -> Decimal:
        """Return the amount that the end of the child has released."""
        return max(self.cost - self.spent, ZERO) if self.is_settled and self.is_on_book else ZERO


@dataclass(frozen=True, slots=True)
class Free:
    """The free balance of an account in one currency: at least and at most."""

    least: Decimal
    most: Decimal


def free_now(told: Decimal, at: datetime, children: Iterable[SentChild]) -> Free:
    """Return the free amount, corrected by what the account's children have taken and released since the balance of
    ``at``.

    Until a child is certainly part of the balance, ``least`` counts it beside the balance. A child that was
    submitted after the balance is certainly not part of it.
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
