"""What an exchange says at once over a stream: an order's state, and the trade that made it so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime

from django.db import transaction

from execution.core.types import OrderReport, Trade
from execution.services.children import child_report
from execution.services.fills import fill_record

#: What was said of one order: its states and its trades, each in the order of coming.
Facts = tuple[list[OrderReport], list[Trade]]


def by_order(reports: Sequence[OrderReport], trades: Sequence[Trade]) -> list[Facts]:
    """What was said at once, taken apart by the exchange's orders."""
    found: defaultdict[tuple[str, str | None], Facts] = defaultdict(lambda: ([], []))
    for report in reports:
        found[report.symbol, report.exchange_id][0].append(report)
    for trade in trades:
        found[trade.symbol, trade.exchange_id][1].append(trade)
    return list(found.values())


def event_record(
    *, account_pk: int, reports: Sequence[OrderReport], trades: Sequence[Trade], now: datetime
) -> list[int]:
    """Record what an exchange said of one order; safe to call again.

    Trades and the states that they made are one transaction: one commit, one ring to pages and engines. Without a
    trade there is none around it: a report that is known takes no lock. Returns the primary keys of orders of which
    a report was news.
    """
    with transaction.atomic() if trades else nullcontext():
        found = [child_report(account_pk=account_pk, report=report, now=now) for report in reports]
        for trade in trades:
            fill_record(account_pk=account_pk, trade=trade, now=now)
    return [order_pk for order_pk in found if order_pk is not None]
