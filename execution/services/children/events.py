"""The recording of messages from the private stream. A message contains states of orders, and the trades that caused
those states.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from execution.core.types import OrderReport, Trade
from execution.models import ChildOrder
from execution.models.prepared import saved_once
from execution.services.children.children import child_locked, child_report, report_apply
from execution.services.children.fills import child_of, fill_insert, fill_record, known_fill

#: The part of a message that is about one order: its states and its trades, each in the order of arrival.
Facts = tuple[list[OrderReport], list[Trade]]


def by_order(reports: Sequence[OrderReport], trades: Sequence[Trade]) -> list[Facts]:
    """Group the reports and trades of one message by the order at the exchange that they belong to."""
    found: defaultdict[tuple[str, str | None], Facts] = defaultdict(lambda: ([], []))
    for report in reports:
        found[report.symbol, report.exchange_id][0].append(report)
    for trade in trades:
        found[trade.symbol, trade.exchange_id][1].append(trade)
    return list(found.values())


def event_record(
    *, account_pk: int, reports: Sequence[OrderReport], trades: Sequence[Trade], now: datetime
) -> list[int]:
    """Record a message about one order. Repeating it is safe.

    Return the primary keys of the parent orders that a report changed. If the child is known and all trades are new,
    one transaction records the reports and the trades. So rows are locked and read once, and each page is notified
    once. Otherwise each report and each trade is recorded by itself. A trade that is recorded already takes no lock.
    """
    child = _child_with_news(account_pk, reports, trades)
    if child is not None:
        with transaction.atomic():
            child, order = child_locked(child.pk, child.order_id)
            if not any(known_fill(account_pk, trade) for trade in trades):  # nor while we waited for the lock
                with saved_once():
                    moved = [report_apply(child, order, report, now).changed for report in reports]
                    for trade in trades:
                        fill_insert(account_pk=account_pk, trade=trade, child=child, order=order, now=now)
                return [order.pk] if any(moved) else []
    found = [child_report(account_pk=account_pk, report=report, now=now) for report in reports]
    for trade in trades:
        fill_record(account_pk=account_pk, trade=trade, now=now)
    return [order_pk for order_pk in found if order_pk is not None]


def _child_with_news(
    account_pk: int, reports: Sequence[OrderReport], trades: Sequence[Trade]
) -> ChildOrder | None:
    facts: list[OrderReport | Trade] = [*reports, *trades]
    if not trades or len({fact.exchange_id for fact in facts}) > 1 or not facts[0].exchange_id:
        return None
    if len({(trade.trade_id, trade.side) for trade in trades}) < len(trades):
        return None
    if any(known_fill(account_pk, trade) for trade in trades):
        return None
    found = (child_of(account_pk, fact.symbol, fact.exchange_id, fact.client_id) for fact in facts)
    return next((child for child in found if child is not None), None)
