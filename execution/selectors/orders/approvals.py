"""The effect of an approval on the order that waits for it, in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from execution.models import Order, OrderApproval
from execution.selectors.halts import ANY_KIND, halt_blocks_order
from execution.selectors.orders.schedules import lost_since


def on_approval(order: Order, approval: OrderApproval) -> str:
    """Return what happens to the order, and to its time, when the request is approved."""
    terms = order.terms
    if approval.changes is not None:
        return "The desk makes the amendment, if the order's terms have not changed since the request."
    if terms is not None and terms.end_is_fixed:
        return (
            "The order begins, but not before its start. Its end is fixed, so the wait takes from its time."
        )
    return "The order begins, but not before its start. If the start has passed, its schedule moves by the lost time."


def lost_until_approval(order: Order, now: datetime) -> timedelta:
    """Return the time by which the schedule of a new order that waits moves if the order is approved now."""
    since = lost_since(order)
    return timedelta(0) if since is None else max(now - since, timedelta(0))


def end_if_approved(approval: OrderApproval, now: datetime) -> datetime | None:
    """Return the end of a new order if it is approved now; None if that is the end as requested."""
    terms = approval.order.terms
    if terms is None or not approval.is_waiting or approval.changes is not None:
        return None
    lost = lost_until_approval(approval.order, now)
    return terms.end_at + lost if lost else None


def approval_halted(approval: OrderApproval) -> str:
    """Return the halt under which a waiting request cannot be approved now; empty if there is none."""
    return halt_blocks_order(approval.order, ANY_KIND) if approval.is_waiting else ""
