"""The deletion of orders whose retention time is over, with all their rows. The audit keeps their ids.

The audit entry is written first. It tells the nightly check of journals that the rows of these orders are missing on
purpose. The rows are deleted in batches, each in a transaction of its own, so that a long order holds no lock for
long. If a call is interrupted, the next call deletes the remaining rows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from execution.core.states import ORDER_FINAL
from execution.models import (
    AlertSignal,
    AlertSubject,
    Basket,
    ChildOrder,
    DecisionContext,
    DecisionRecord,
    Difference,
    Fill,
    JournalEntry,
    Order,
    OrderApproval,
    Slice,
    Submission,
)
from execution.selectors.retained import ORDERS_DROPPED, orders_dropped
from execution.services.desk.housekeeping import BATCH, Pause
from execution.services.records.audit import audit_append
from execution.services.records.journal import DESK

#: The most orders that one call deletes, and that one audit entry names.
MAX_ORDERS = 50


def may_delete_journals() -> bool:
    """Return False if PostgreSQL gives this role no right to delete journals.

    In that case only the owner of the tables can delete old orders.
    """
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, 'DELETE')", [JournalEntry._meta.db_table])
        return bool(cursor.fetchone()[0])


def orders_drop(*, before: datetime, now: datetime, pause: Pause) -> int:
    """Delete orders that ended before ``before``, the oldest first. Return the number of deleted orders."""
    if not may_delete_journals():
        return 0
    old = Order.objects.filter(status__in=ORDER_FINAL, ended_at__lt=before)
    # One of unsettled children is never old: its fills may still come.
    old = old.exclude(children__is_settled=False)
    chosen = list(
        old.order_by("ended_at", "pk").only("public_id", "version", "journal_hash", "basket")[:MAX_ORDERS]
    )
    if not chosen:
        return 0
    _note(chosen, before, now)
    for order in chosen:
        _delete(order, pause)
    return len(chosen)


@transaction.atomic
def _note(orders: list[Order], before: datetime, now: datetime) -> None:
    """Record the orders in the audit, with the last version and hash of each journal.

    Orders that an earlier, interrupted call has recorded already are skipped.
    """
    known = orders_dropped()
    heads = {
        order.public_id: [order.version, order.journal_hash]
        for order in orders
        if order.public_id not in known
    }
    if heads:
        audit_append(
            kind=ORDERS_DROPPED,
            actor=DESK,
            subject=f"{len(heads)} orders",
            reason=f"they ended before {before:%Y-%m-%d}",
            at=now,
            data={"orders": heads},
        )


def _delete(order: Order, pause: Pause) -> None:
    rows: list[QuerySet[Any]] = [
        DecisionRecord.objects.filter(order=order),
        DecisionContext.objects.filter(order=order),
        Fill.objects.filter(order=order),
        Fill.objects.filter(child__order=order),
        Difference.objects.filter(child__order=order),
        JournalEntry.objects.filter(order=order),
        Submission.objects.filter(order=order),
        OrderApproval.objects.filter(order=order),
        AlertSignal.objects.filter(order=order),
        AlertSubject.objects.filter(order=order),
        ChildOrder.objects.filter(order=order),
        Slice.objects.filter(order=order),
    ]
    for each in rows:
        while batch := list(each.order_by("pk").values_list("pk", flat=True)[:BATCH]):
            each.filter(pk__in=batch).delete()
            pause()
    with transaction.atomic():
        Order.objects.filter(pk=order.pk).update(
            terms=None
        )  # its terms are protected while it points at them
        order.delete()
        Basket.objects.filter(public_id=order.basket_id, orders=None).delete()
