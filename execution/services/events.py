"""What an exchange says at once over a stream: an order's state, and the trade that made it so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from execution.core.types import OrderReport, Trade
from execution.services.children import child_report
from execution.services.fills import fill_record


def event_record(
    *, account_pk: int, reports: Sequence[OrderReport], trades: Sequence[Trade], now: datetime
) -> list[int]:
    """Record what an exchange said at once; safe to call again.

    Trades and the state of their one order are one transaction: one commit, one ring to pages and engines. Facts of
    several orders are a transaction each, for orders are locked together in the order of their keys only; so is a
    report without a trade, which takes no lock when it is known. Returns the primary keys of orders of which a
    report was news.
    """
    facts: list[OrderReport | Trade] = [*reports, *trades]
    if trades and len({(fact.symbol, fact.exchange_id) for fact in facts}) == 1:
        with transaction.atomic():
            return _record(account_pk, reports, trades, now)
    return _record(account_pk, reports, trades, now)


def _record(
    account_pk: int, reports: Sequence[OrderReport], trades: Sequence[Trade], now: datetime
) -> list[int]:
    found = [child_report(account_pk=account_pk, report=report, now=now) for report in reports]
    for trade in trades:
        fill_record(account_pk=account_pk, trade=trade, now=now)
    return [order_pk for order_pk in found if order_pk is not None]
