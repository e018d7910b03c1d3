"""What is thrown away, and when."""

from __future__ import annotations

from datetime import datetime

from execution.core.states import ORDER_LIVE
from execution.models import MarketSample, Order, Worker


def samples_drop(*, before: datetime) -> int:
    """Delete market samples older than ``before`` that no live order's chart needs; how many."""
    oldest = (
        Order.objects.filter(status__in=ORDER_LIVE)
        .order_by("created_at")
        .values_list("created_at", flat=True)
    )
    first = oldest.first()
    limit = before if first is None else min(before, first)
    deleted, _ = MarketSample.objects.filter(second__lt=limit).delete()
    return deleted


def workers_drop(*, before: datetime) -> int:
    """Delete workers that ended before ``before`` and own nothing; how many."""
    ended = Worker.objects.filter(lease_until__lt=before, orders=None, accounts=None)
    deleted, _ = ended.delete()
    return deleted
