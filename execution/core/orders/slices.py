"""The current slice of an order and its target, which all tactics use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from execution.core.orders.plans import SlicePlan
from execution.core.orders.view import OrderView
from execution.core.types import ZERO

#: Pause after a crossing child has ended, because the book needs a moment to refill.
CROSS_AGAIN = timedelta(seconds=1)
#: Pause after the last gate dropped a crossing child, which took nothing. The next child uses a newer quote.
UNSENT_AGAIN = timedelta(seconds=0.25)
#: Pause between checks of an order that waits for another order of the desk.
OPPOSED_RECHECK = timedelta(seconds=0.5)
#: Longest pause between checks of an order that waits for news.
IDLE_RECHECK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class SliceTask:
    """The current slice. ``target`` is the part of the order's quantity that should be filled when the slice ends.

    ``must`` is the quantity that has to be crossed now, if the algorithm decides that itself. Otherwise it is None.
    """

    part: SlicePlan
    is_last: bool
    target: Decimal
    must: Decimal | None = None


def slice_at(view: OrderView) -> SliceTask | None:
    """Return the current slice; None when no slice is current.

    The target is the order's quantity minus the quantities of all later slices. So it is right in every version of the
    plan.
    """
    after = ZERO
    for part in reversed(view.slices):
        if part.starts_at <= view.now < part.ends_at:
            return SliceTask(
                part=part,
                is_last=part is view.slices[-1],
                target=view.quantity - after,
            )
        after += part.quantity
    return None
