"""The only module that changes an order's status. It makes only changes that ``core.states`` allows.

With the status it writes the time of a start, pause or end, and a journal entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from execution.core.orders.view import ChangeStatus
from execution.core.states import ORDER_FINAL, OrderEvent, OrderStatus, order_after
from execution.core.types import Quote
from execution.models import Order
from execution.services.records.journal import DESK, journal_append


def order_transition(
    order: Order,
    change: ChangeStatus,
    *,
    now: datetime,
    actor: str = DESK,
    quote: Quote | None = None,
    paused_at: datetime | None = None,
    data: Mapping[str, str] | None = None,
) -> None:
    """Change a locked order's status and write its journal entry. Raises ``ForbiddenTransition``.

    If the change starts the order, ``quote`` becomes its arrival quote. ``paused_at`` is the time at which a pause
    really began, if that was before ``now``. ``data`` is stored with the journal entry.
    """
    order.status = order_after(OrderStatus(order.status), change.event)
    # A working order needs no reason; what it waits for is its ``why``.
    order.reason = "" if order.status == OrderStatus.WORKING else change.reason
    noted = {"status": order.status}
    if change.outcome is not None:
        order.outcome = change.outcome
        noted["outcome"] = change.outcome
    if change.event is OrderEvent.START:
        order.started_at = now
        order_arrive(order, quote)
    if change.event is OrderEvent.PAUSE:
        order.paused_at = paused_at or now
        order.needs_person = order.needs_person or change.needs_person
    if order.status in ORDER_FINAL:
        order.ended_at = now
        order.due_at = None
    journal_append(
        order=order,
        kind=change.event.value,
        actor=actor,
        reason=change.reason,
        at=now,
        data={**noted, **(data or {})},
    )


def order_arrive(order: Order, quote: Quote | None) -> None:
    """Store ``quote`` as the arrival quote of an order, if the order has none and the quote is not crossed or
    empty.
    """
    if order.arrival_at is None and quote is not None and quote.is_sane:
        order.arrival_bid, order.arrival_ask, order.arrival_at = quote.bid, quote.ask, quote.at


def pause_for_person(order: Order, *, reason: str, now: datetime, paused_at: datetime | None = None) -> None:
    """Pause a locked order that is working or scheduled, until a person resumes it."""
    if order.status in {OrderStatus.WORKING, OrderStatus.SCHEDULED}:
        change = ChangeStatus(OrderEvent.PAUSE, reason, needs_person=True)
        order_transition(order, change, now=now, paused_at=paused_at)
