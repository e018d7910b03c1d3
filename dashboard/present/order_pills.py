"""The pill of an order's state, the same as in ``states.js``."""

from __future__ import annotations

from dashboard.present.accounts import Pill
from execution.core.states import OrderStatus

PILLS = {
    OrderStatus.PENDING_APPROVAL: ("?", "warn"),
    OrderStatus.SCHEDULED: ("◷", "plain"),
    OrderStatus.WORKING: ("▶", "good"),
    OrderStatus.PAUSED: ("‖", "warn"),
    OrderStatus.CLOSING: ("◐", "plain"),
    OrderStatus.COMPLETED: ("●", "good"),
    OrderStatus.CANCELLED: ("○", ""),
    OrderStatus.EXPIRED: ("◔", "warn"),
    OrderStatus.FAILED: ("✕", "bad"),
    OrderStatus.REJECTED: ("✕", "bad"),
}


def order_pill(status: str) -> Pill:
    """Return the pill of an order in this state."""
    sign, tone = PILLS[OrderStatus(status)]
    return Pill(sign, status.replace("_", " "), tone)
