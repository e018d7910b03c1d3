"""The plans of orders as lines over time: the share of the order that should be filled by each moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import F

from execution.core.journal import SETS_QUANTITY
from execution.core.orders.terms import ALGORITHMS
from execution.core.states import OrderStatus
from execution.core.types import ZERO
from execution.models import Order, Slice
from execution.payloads.encode import epoch_ms
from execution.payloads.orders import EarlierPlan, JournalRow, SchedulePoint

#: In lists, a plan of about twice this many slices or more is thinned. Each point then stands for several slices.
SCHEDULE_POINTS = 60
#: The journal's kind of entry for a new plan version.
REPLANNED = "replanned"


#: Start, end and quantity of a slice.
Part = tuple[datetime, datetime, Decimal]


class _Kept:
    """A cache of lines by order and plan version. A plan is never changed, only replaced by the next version.

    Without it, a short line would need many rows. A day's plan with a slice each minute has 1,440 rows, but its line
    has 61 points. At most ``most`` lines are held. The oldest are dropped first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[tuple[str, int], list[SchedulePoint]] = {}

    def get(self, order: Order) -> list[SchedulePoint] | None:
        return self._lines.get((order.public_id, order.plan_version))

    def put(self, order: Order, line: list[SchedulePoint]) -> None:
        while len(self._lines) >= self._most:
            self._lines.pop(next(iter(self._lines)), None)
        self._lines[order.public_id, order.plan_version] = line

    def forget(self) -> None:
        self._lines.clear()


_kept = _Kept(2000)
schedules_forget = _kept.forget


def lost_since(order: Order) -> datetime | None:
    """Return the time since which an order loses time that its schedule can move by; None if it loses none.

    A paused order loses time from its pause on, but none before its start. A plan that was made during the pause
    begins at the time of its making. An order that waits for approval loses time from its start on, unless its end
    is fixed.
    """
    terms = order.terms
    if terms is None:
        return None
    if order.status == OrderStatus.PENDING_APPROVAL:
        return None if terms.end_is_fixed else terms.start_at
    if order.status != OrderStatus.PAUSED or order.paused_at is None:
        return None
    return max(order.paused_at, terms.start_at, terms.created_at)


def is_sliced(algorithm: str) -> bool:
    """Return True if plans of the algorithm have slices."""
    return algorithm not in ALGORITHMS or ALGORITHMS[algorithm].is_sliced


def has_schedule(algorithm: str) -> bool:
    """Return True if orders of the algorithm follow a schedule, so that they can be ahead of it or behind."""
    return algorithm not in ALGORITHMS or ALGORITHMS[algorithm].has_schedule


def schedule_lines(orders: Sequence[Order]) -> dict[int, list[SchedulePoint]]:
    """Return the line of each order's current plan, by primary key; None for an algorithm without a schedule."""
    orders = [order for order in orders if has_schedule(order.algorithm)]
    lines = {order.pk: line for order in orders if (line := _kept.get(order)) is not None}
    missing = {order.pk: order for order in orders if order.pk not in lines}
    if missing:
        parts: dict[int, list[Part]] = defaultdict(list)
        found = Slice.objects.filter(order__in=missing, plan_version=F("order__plan_version"))
        columns = found.order_by("order", "number").values_list(
            "order_id", "starts_at", "ends_at", "quantity"
        )
        for pk, starts_at, ends_at, quantity in columns:
            parts[pk].append((starts_at, ends_at, quantity))
        for pk, order in missing.items():
            lines[pk] = schedule_line(order, parts[pk])
            _kept.put(order, lines[pk])
    return lines


def schedule_line(
    order: Order, slices: Sequence[Part], quantity: Decimal | None = None
) -> list[SchedulePoint]:
    """Return the share of the order's quantity that should be filled by each time.

    A later plan begins with the share that was filled when it was made. ``quantity`` is the order's quantity when the
    plan was made. None stands for the order's present quantity.
    """
    if not slices or order.quantity <= ZERO:
        return []
    done = (order.quantity if quantity is None else quantity) - sum(
        (quantity for _, _, quantity in slices), ZERO
    )
    points = [(epoch_ms(slices[0][0]), float(done / order.quantity))]
    for _, ends_at, quantity in slices:
        done += quantity
        points.append((epoch_ms(ends_at), round(float(done / order.quantity), 6)))
    step = max(1, len(points) // SCHEDULE_POINTS)
    return points[:-1:step] + points[-1:]


def earlier_plans(order: Order, journal: Sequence[JournalRow]) -> list[EarlierPlan]:
    """Return the plans that were replaced, oldest first, each with the time at which it was replaced.

    The times come from the journal. A plan whose time is not in the journal is left out.
    """
    if order.plan_version == 1:
        return []
    made = {
        version: entry
        for entry in journal
        if entry["kind"] in SETS_QUANTITY and isinstance(version := entry["data"].get("plan_version"), int)
    }
    replaced_at = {version - 1: entry["at"] for version, entry in made.items() if entry["kind"] == REPLANNED}
    quantities = {
        version: Decimal(str(entry["data"]["quantity"]))
        for version, entry in made.items()
        if "quantity" in entry["data"]
    }
    slices: dict[int, list[Part]] = defaultdict(list)
    for part in Slice.objects.filter(order=order, plan_version__in=replaced_at).order_by("number"):
        slices[part.plan_version].append((part.starts_at, part.ends_at, part.quantity))
    return [
        EarlierPlan(
            until=replaced_at[version], line=schedule_line(order, slices[version], quantities.get(version))
        )
        for version in sorted(slices)
    ]
