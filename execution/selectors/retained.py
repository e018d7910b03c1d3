"""The ids of orders that retention has deleted, from the audit, which is never deleted."""

from __future__ import annotations

from execution.models import AuditEntry

#: The audit's kind of entry for a batch of orders deleted at the end of their retention time.
ORDERS_DROPPED = "orders.dropped"


def orders_dropped() -> frozenset[str]:
    """Return the public ids of the orders that retention has deleted."""
    entries = AuditEntry.objects.filter(kind=ORDERS_DROPPED).order_by("sequence")
    return frozenset(name for data in entries.values_list("data", flat=True) for name in data["orders"])
