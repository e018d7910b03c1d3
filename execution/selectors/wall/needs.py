"""What waits for a supervisor: children of unknown fate with their evidence, and orders that want a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet

from execution.core.reconcile import (
    ABSENT_AFTER,
    LISTING_DELAY,
    LOOKS,
    LOOKS_APART,
    LOOKS_NEEDED,
    Evidence,
    counts_from,
)
from execution.core.states import ORDER_LIVE, ChildStatus
from execution.models import ChildOrder, JournalEntry, Order
from execution.payloads.encode import instant, milliseconds, text
from execution.payloads.wall import WallAlert, WallUnknown

#: An alert of an order that is over is shown for so long.
ALERT_SHOWN = timedelta(hours=1)
MAX_ALERTS = 50


def unknown_children(orders: QuerySet[Order] | None = None) -> list[ChildOrder]:
    """Children whose fate nobody knows, oldest first; of ``orders`` alone when they are given."""
    children = ChildOrder.objects.filter(status=ChildStatus.UNKNOWN, is_settled=False)
    if orders is not None:
        children = children.filter(order__in=orders)
    return list(children.select_related("order", "account").order_by("intended_at", "pk"))


def unknown_since(child: ChildOrder) -> datetime:
    """When it was sent: from then on nobody knows."""
    return child.taken_at or child.intended_at


def unknown_row(child: ChildOrder) -> WallUnknown:
    evidence = Evidence.from_json(child.evidence)
    first_look, earliest = unknown_earliest(child, evidence)
    return WallUnknown(
        order=child.order.public_id,
        child=child.sequence,
        account=child.account.label,
        symbol=child.symbol,
        side=child.side,
        quantity=text(child.quantity) or "",
        since=milliseconds(unknown_since(child)),
        reason=child.reason,
        looks={kind: len(evidence.looks[kind]) for kind in LOOKS},
        needed=LOOKS_NEEDED,
        counts_from=instant(first_look),
        earliest=instant(earliest),
    )


def unknown_earliest(child: ChildOrder, evidence: Evidence) -> tuple[datetime | None, datetime | None]:
    """From when on looks count, and when they can prove its absence at the earliest."""
    sent = child.last_possible_send_at
    first_look = None if sent is None else counts_from(sent, timedelta(0), LISTING_DELAY)
    return first_look, _earliest(evidence, sent, first_look)


def _earliest(evidence: Evidence, sent: datetime | None, first_look: datetime | None) -> datetime | None:
    """When the slowest kind of look can be complete, and not before the time that absence needs anyway."""
    if sent is None or first_look is None:
        return None
    complete = [
        first_look + (LOOKS_NEEDED - 1) * LOOKS_APART
        if not looks
        else looks[-1] + (LOOKS_NEEDED - len(looks)) * LOOKS_APART
        for looks in evidence.looks.values()
    ]
    return max(sent + ABSENT_AFTER, *complete)


def alert_rows(now: datetime) -> list[WallAlert]:
    """Orders that wait for a person, alive or just over, the newest alert first."""
    ended = Q(ended_at__gte=now - ALERT_SHOWN)
    waiting = Order.objects.filter(Q(status__in=ORDER_LIVE) | ended, needs_person=True)
    orders = list(waiting.select_related("trader").order_by("-pk")[:MAX_ALERTS])
    last = _last_alerts(orders)
    rows = [_alert(order, last.get(order.pk)) for order in orders]
    return sorted(rows, key=lambda row: -(row["at"] or 0))


def _last_alerts(orders: Sequence[Order]) -> dict[int, JournalEntry]:
    entries = JournalEntry.objects.filter(order__in=[order.pk for order in orders], kind="alert")
    newest = entries.values("order").annotate(newest=Max("pk")).values("newest")
    return {entry.order_id: entry for entry in JournalEntry.objects.filter(pk__in=newest)}


def _alert(order: Order, entry: JournalEntry | None) -> WallAlert:
    text_, at = (order.reason, order.paused_at) if entry is None else (entry.reason, entry.at)
    return WallAlert(
        order=order.public_id,
        trader=order.trader.get_username(),
        symbol=order.symbol,
        side=order.side,
        status=order.status,
        at=instant(at),
        text=text_ or order.reason,
    )
