"""Moves of an order along its table of states that the desk itself makes."""

from __future__ import annotations

from datetime import datetime

from execution.core.orders.view import ChangeStatus
from execution.core.states import ORDER_FINAL, OrderEvent, OrderStatus, order_after
from execution.core.types import Quote
from execution.models import Order
from execution.services.records.journal import DESK, journal_append


def order_move(order: Order, move: ChangeStatus, quote: Quote | None, now: datetime) -> None:
    """Change a locked order's status along the table, and journal it."""
    order.status = order_after(OrderStatus(order.status), move.event)
    # A working order needs no reason; what it waits for is its ``why``.
    order.reason = "" if order.status == OrderStatus.WORKING else move.reason
    data: dict[str, str] = {"status": order.status}
    if move.outcome is not None:
        order.outcome = move.outcome
        data["outcome"] = move.outcome
    if move.event is OrderEvent.START:
        order.started_at = now
        order_arrive(order, quote)
    if move.event is OrderEvent.PAUSE:
        order.paused_at = now
        order.needs_person = order.needs_person or move.needs_person
    if order.status in ORDER_FINAL:
        order.ended_at = now
        order.due_at = None
    journal_append(order=order, kind=move.event.value, actor=DESK, reason=move.reason, at=now, data=data)


def order_arrive(order: Order, quote: Quote | None) -> None:
    """Keep the arrival quote, once."""
    if order.arrival_at is None and quote is not None and quote.is_sane:
        order.arrival_bid, order.arrival_ask, order.arrival_at = quote.bid, quote.ask, quote.at


def pause_for_person(order: Order, *, reason: str, now: datetime) -> None:
    """Pause a locked order that is working or about to, until a person has looked."""
    if order.status not in {OrderStatus.WORKING, OrderStatus.SCHEDULED}:
        return
    order_move(order, ChangeStatus(OrderEvent.PAUSE, reason, needs_person=True), None, now)
