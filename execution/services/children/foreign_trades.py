"""The recording of trades whose child is not known. All such trades of a symbol are recorded together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from execution.core.types import Trade
from execution.models import Fill
from execution.selectors.decisions.sessions import trades_known
from execution.services.children.fills import fill_of
from execution.services.records.locking import account_row_locked

#: The most rows in one statement, because SQLite limits the number of values.
ROWS_AT_ONCE = 50


@transaction.atomic
def foreign_trades_record(*, account_pk: int, symbol: str, trades: Sequence[Trade], now: datetime) -> int:
    """Record trades of one symbol that have no child. Return the number of new ones.

    The account's row is locked. A report that tells a child's exchange id locks the same row, and then attaches the
    child's trades. So no trade stays without its child. If a trade's child became known just before the lock, the
    trade is skipped, and the next poll records it with that child.
    """
    account_row_locked(account_pk)
    known = trades_known(account_pk, symbol, trades)
    fresh = {
        (trade.trade_id, trade.side): trade
        for trade in trades
        if (trade.trade_id, trade.side) not in known.recorded and not known.is_of_child(trade)
    }
    rows = [
        fill_of(account_pk=account_pk, trade=trade, child=None, order=None, now=now)
        for trade in fresh.values()
    ]
    Fill.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE)
    return len(rows)
