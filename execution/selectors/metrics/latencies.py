"""Metrics of latency by account: from the submit to the first answer, and from a trade to its recording."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import ceil

from execution.core.states import ChildStatus
from execution.models import ChildOrder, Fill, JournalEntry
from execution.selectors.metrics.families import Family

#: Only the last five minutes count, and of these only the newest rows.
WINDOW = timedelta(minutes=5)
MAX_ROWS = 1_000
QUANTILES = (0.5, 0.9, 0.99)
#: The states of a child before the exchange has answered.
UNANSWERED = frozenset({ChildStatus.PENDING_SUBMIT, ChildStatus.SUBMITTED, ChildStatus.UNKNOWN})


def latency_families(now: datetime) -> Iterator[Family]:
    yield from _families(
        "child_ack_seconds", "children_answered", "From the submit of a child to its first answer", _acks(now)
    )
    yield from _families(
        "fill_record_seconds", "fills_recorded", "From a trade at the exchange to its record", _fills(now)
    )


def _families(name: str, count_name: str, about: str, found: dict[str, list[float]]) -> Iterator[Family]:
    family = Family(name, f"{about}, in the last five minutes.")
    count = Family(count_name, f"How many {name} is about.")
    for account, seconds in sorted(found.items()):
        for share in QUANTILES:
            family.add(quantile(seconds, share), account=account, quantile=str(share))
        count.add(len(seconds), account=account)
    yield family
    yield count


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of the values do not exceed. For 0.5 it is a median."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def _acks(now: datetime) -> dict[str, list[float]]:
    newest = ChildOrder.objects.order_by("-pk")[:MAX_ROWS]
    columns = newest.values_list("order_id", "sequence", "account__label", "submitted_at")
    sent = {
        (order, sequence): (label, at)
        for order, sequence, label, at in columns
        if at is not None and now - at <= WINDOW
    }
    entries = JournalEntry.objects.filter(
        order_id__in={order for order, _ in sent}, kind__in=("child", "fill"), at__gte=now - WINDOW
    )
    found: dict[str, list[float]] = defaultdict(list)
    for order, data, at in entries.order_by("pk").values_list("order_id", "data", "at"):
        key = (order, data.get("child"))
        if key in sent and data.get("child_status") not in UNANSWERED and at >= sent[key][1]:
            label, submitted_at = sent.pop(key)
            found[label].append((at - submitted_at).total_seconds())
    return found


def _fills(now: datetime) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    newest = Fill.objects.order_by("-pk")[:MAX_ROWS]
    for label, executed_at, recorded_at in newest.values_list("account__label", "executed_at", "recorded_at"):
        if now - recorded_at <= WINDOW:
            found[label].append((recorded_at - executed_at).total_seconds())
    return found
