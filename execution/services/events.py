"""What an exchange says at once over a stream: an order's state, and the trade that made it so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from execution.core.types import OrderReport, Trade
from execution.services.children import child_report
from execution.services.fills import fill_record


def event_record(
    *, account_pk: int, reports: Sequence[OrderReport], trades: Sequence[Trade], now: datetime
) -> list[int]:
    """Record what an exchange said at once, each fact in a transaction of its own; safe to call again.

    Returns the primary keys of orders of which a report was news.
    """
    found = [child_report(account_pk=account_pk, report=report, now=now) for report in reports]
    for trade in trades:
        fill_record(account_pk=account_pk, trade=trade, now=now)
    return [order_pk for order_pk in found if order_pk is not None]
