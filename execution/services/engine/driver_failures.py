"""The writes for an order whose driver keeps failing. A driver is the loop that works one order.

The functions here do not build the order's full view (``OrderView``), because building it may be what fails.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from execution.core.faults import FAILURES_IN_A_ROW
from execution.core.orders.view import ChangeStatus
from execution.core.states import CLOSING_EVENTS, ORDER_FINAL, OrderStatus
from execution.models import Order
from execution.services.children.children import resting_cancel
from execution.services.records.journal import DESK, alert, journal_append
from execution.services.records.locking import order_locked
from execution.services.records.order_transition import order_transition, pause_for_person


@transaction.atomic
def order_driver_failed(
    *, order_pk: int, worker_pk: int, fence: int, error: str, incident: str, now: datetime
) -> bool:
    """Pause an order for a person because its driver keeps failing. Return False if another worker drives it.

    1. Resting children are cancelled.
    2. A working or scheduled order pauses. A paused order stays paused. A closing order ends when its children can
       fill no more and all their trades are recorded. So a person can always cancel an order.
    3. People are alerted. An order that was paused or closing already alerts them only once to the same error.
    """
    order = _driven(order_pk, worker_pk, fence)
    if order is None:
        return False
    words = f"its driver failed {FAILURES_IN_A_ROW} times in a row: {error} (incident {incident} in the log)"
    if order.status in {OrderStatus.WORKING, OrderStatus.SCHEDULED}:
        order.why = words
        alert(order=order, text=words, at=now)
        pause_for_person(order, reason=words, now=now)
    elif order.why != words:
        order.why = words
        alert(order=order, text=words, at=now)
    resting_cancel(order, reason=words, now=now)
    _end_if_settled(order, now)
    return True


@transaction.atomic
def order_driver_waits(*, order_pk: int, worker_pk: int, fence: int, why: str, now: datetime) -> None:
    """Record why the order's driver has decided nothing for a while. The next decision replaces this text."""
    order = _driven(order_pk, worker_pk, fence)
    if order is not None and order.why != why:
        order.why = why
        journal_append(order=order, kind="decision", actor=DESK, reason=why, at=now)


def _driven(order_pk: int, worker_pk: int, fence: int) -> Order | None:
    order = order_locked(order_pk)
    is_ours = order.owner_id == worker_pk and order.fence == fence
    return order if is_ours and order.status not in ORDER_FINAL else None


def _end_if_settled(order: Order, now: datetime) -> None:
    if order.status != OrderStatus.CLOSING or order.children.filter(is_settled=False).exists():
        return
    outcome, reason = OrderStatus(order.outcome or OrderStatus.FAILED), order.reason
    if order.filled >= order.quantity:
        outcome, reason = OrderStatus.COMPLETED, "everything is filled"
    order_transition(order, ChangeStatus(CLOSING_EVENTS[outcome], reason, outcome=outcome), now=now)
