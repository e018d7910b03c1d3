"""The plans of an order as lines through time: what share of it should be done by when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from execution.core.types import ZERO
from execution.models import Order, Slice
from execution.selectors.payloads import EarlierPlan, JournalRow, SchedulePoint
from execution.selectors.texts import milliseconds

#: Points of a schedule's line in the list: enough for a mark on a bar of 200 pixels.
SCHEDULE_POINTS = 20
#: The journal's word for a new plan version.
REPLANNED = "replanned"


def schedule_line(order: Order, slices: Sequence[Slice]) -> list[SchedulePoint]:
    """What share should be done by when. A later plan begins with what was done when it was made."""
    if not slices or order.quantity <= ZERO:
        return []
    done = order.quantity - sum((part.quantity for part in slices), ZERO)
    points = [(milliseconds(slices[0].starts_at), float(done / order.quantity))]
    for part in slices:
        done += part.quantity
        points.append((milliseconds(part.ends_at), round(float(done / order.quantity), 6)))
    step = max(1, len(points) // SCHEDULE_POINTS)
    return points[:-1:step] + points[-1:]


def earlier_plans(order: Order, journal: Sequence[JournalRow]) -> list[EarlierPlan]:
    """The plans that were replaced, oldest first, each up to the moment at which it was.

    The journal tells the moment; a plan whose end it does not tell is left out.
    """
    if order.plan_version == 1:
        return []
    replaced_at = {
        version - 1: entry["at"]
        for entry in journal
        if entry["kind"] == REPLANNED and isinstance(version := entry["data"].get("plan_version"), int)
    }
    slices: dict[int, list[Slice]] = defaultdict(list)
    for part in Slice.objects.filter(order=order, plan_version__in=replaced_at).order_by("number"):
        slices[part.plan_version].append(part)
    return [
        EarlierPlan(until=replaced_at[version], line=schedule_line(order, slices[version]))
        for version in sorted(slices)
    ]
