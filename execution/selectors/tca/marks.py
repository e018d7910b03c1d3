"""The cost split of a live order, kept up to date.

The mid at each fill is looked up once, when the fill is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.tca.analysis import Execution, Split, cost_split
from execution.core.tca.costs import middle
from execution.core.types import ZERO, Side
from execution.models import Order
from execution.selectors.tca.executions import executions_of, record_of, working_since

#: A sample that has not been recorded after this long will not be.
GIVEN_UP_AFTER = timedelta(seconds=30)
SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class Marks:
    """The fills that an order had at its version ``version``, each with the mid at its time."""

    version: int = -1
    fills: dict[int, Execution] = field(default_factory=dict)
    #: The mids by the fill's primary key. None if no mid was recorded.
    mids: dict[int, Decimal | None] = field(default_factory=dict)
    start_mid: Decimal | None = None
    working_at: datetime | None = None


def marks_read(marks: Marks, order: Order, venues: Mapping[int, str], now: datetime) -> Split:
    """Return the cost split up to now, in bp of the arrival notional."""
    if marks.version != order.version:
        marks.version, marks.fills = order.version, executions_of(order)
        marks.working_at = marks.working_at or working_since(order)
    _find_mids(marks, order, venues, now)
    arrival = middle(order.arrival_bid, order.arrival_ask)
    split = cost_split(
        Side(order.side),
        list(marks.fills.values()),
        [marks.mids[key] for key in marks.fills],
        start_mid=marks.start_mid,
        arrival_mid=arrival,
    )
    quantity = sum((fill.quantity for fill in marks.fills.values()), ZERO)
    return split.bp(None if arrival is None else arrival * quantity)


def _find_mids(marks: Marks, order: Order, venues: Mapping[int, str], now: datetime) -> None:
    """Look up the mids of new fills, and of fills whose mid may still be recorded."""
    open_ = {
        key: fill
        for key, fill in marks.fills.items()
        if key not in marks.mids or (marks.mids[key] is None and now - fill.at < GIVEN_UP_AFTER)
    }
    moments = [fill.at for fill in open_.values()]
    if marks.start_mid is None and marks.working_at is not None and open_:
        moments.append(marks.working_at)
    if not moments:
        return
    record = record_of(order, venues, min(moments), max(moments) + SECOND)
    marks.mids.update({key: record.mid_at(fill.venue, fill.at) for key, fill in open_.items()})
    if marks.start_mid is None and marks.working_at is not None:
        marks.start_mid = record.market_mid_at(marks.working_at)
