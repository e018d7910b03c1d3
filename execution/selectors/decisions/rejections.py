"""The run of refused children by which an order slows down, and at last asks for a person."""

from __future__ import annotations

from itertools import takewhile

from execution.core.orders.view import Rejections
from execution.core.states import ChildStatus, OrderEvent
from execution.models import ChildOrder, JournalEntry, Order
from execution.models.prepared import Compiled

#: How far back the run of refusals is counted.
REJECTIONS_LOOKED_AT = 20

_NEWEST = Compiled(
    lambda order: ChildOrder.objects.filter(order_id=order).order_by("-sequence")[:1], order=int
)
_NEWEST_RUN = Compiled(
    lambda order: ChildOrder.objects.filter(order_id=order).order_by("-sequence")[:REJECTIONS_LOOKED_AT],
    order=int,
)
_RESUMED = Compiled(
    lambda order: JournalEntry.objects.filter(order_id=order, kind=OrderEvent.RESUME.value).order_by(
        "-version"
    )[:1],
    order=int,
)


def rejections_of(order: Order) -> Rejections:
    """The run of refused children at the order's end, or since a person last resumed it."""
    last = _NEWEST.first(order=order.pk)
    if last is None or last.status != ChildStatus.REJECTED:
        return Rejections()
    newest = _NEWEST_RUN.all(order=order.pk)
    run = list(takewhile(lambda child: child.status == ChildStatus.REJECTED, newest))
    resumed = _RESUMED.first(order=order.pk)
    run = [child for child in run if resumed is None or child.intended_at >= resumed.at]
    if not run:
        return Rejections()
    return Rejections(len(run), run[0].ended_at, run[0].reason.partition(":")[0])
