"""The current slice of an order and its target, which all tactics use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from execution.core.orders.plans import SlicePlan
from execution.core.orders.view import OrderView
from execution.core.types import ZERO

#: The book needs a moment to come back after we took from it.
CROSS_AGAIN = timedelta(seconds=1)
#: A child that the last gate dropped has taken nothing: the next one goes by the quote of then.
UNSENT_AGAIN = timedelta(seconds=0.25)
#: An order that waits for another order of the desk is looked at again after this long.
OPPOSED_RECHECK = timedelta(seconds=0.5)
#: Without a fact or a due time the driver checks again after this long.
IDLE_RECHECK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class SliceTask:
    """The current slice. ``target`` is the quantity that should be done when it ends.

    ``must`` is the quantity that has to be crossed now, for an algorithm that sets it itself.
    """

    part: SlicePlan
    is_last: bool
    target: Decimal
    must: Decimal | None = None


def slice_at(view: OrderView) -> SliceTask | None:
    """Return the current slice; None before the first and after the last.

    The target counts back from the order's quantity, so that it holds for every version of the plan.
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
