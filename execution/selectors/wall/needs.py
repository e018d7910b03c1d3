"""Work for supervisors: unknown children with their evidence, and orders that need a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet

from execution.core.guarantees import guarantees_of
from execution.core.reconcile import (
    ABSENT_AFTER,
    POLL_KINDS,
    POLLS_APART,
    POLLS_NEEDED,
    Evidence,
)
from execution.core.states import ORDER_LIVE, ChildStatus
from execution.models import ChildOrder, JournalEntry, Order
from execution.payloads.encode import decimal_str, epoch_ms
from execution.payloads.wall import WallAlert, WallUnknown
from execution.selectors.decisions.evidence import (
    may_be_forgotten_from,
    misses_trades,
    polls_count_from,
    was_shown,
)

#: An alert of an ended order is shown for this long.
ALERT_SHOWN = timedelta(hours=1)
MAX_ALERTS = 50


def unknown_children(orders: QuerySet[Order] | None = None) -> list[ChildOrder]:
    """Return the children of unknown outcome, oldest first.

    If ``orders`` is given, return only children of these orders.
    """
    children = ChildOrder.objects.filter(status=ChildStatus.UNKNOWN, is_settled=False)
    if orders is not None:
        children = children.filter(order__in=orders)
    return list(children.select_related("order", "account__venue").order_by("intended_at", "pk"))


def unknown_since(child: ChildOrder) -> datetime:
    """Return the time since which the child is unknown: the time at which it was sent."""
    return child.submitted_at or child.intended_at


def unknown_row(child: ChildOrder) -> WallUnknown:
    evidence = Evidence.from_json(child.evidence)
    first_poll, earliest = unknown_earliest(child, evidence)
    return WallUnknown(
        order=child.order.public_id,
        child=child.sequence,
        account=child.account.label,
        symbol=child.symbol,
        side=child.side,
        quantity=decimal_str(child.quantity),
        since=epoch_ms(unknown_since(child)),
        reason=child.reason,
        polls={kind: len(evidence.not_found[kind]) for kind in POLL_KINDS},
        needed=POLLS_NEEDED,
        counts_from=epoch_ms(first_poll),
        earliest=epoch_ms(earliest),
    )


def unknown_earliest(child: ChildOrder, evidence: Evidence) -> tuple[datetime | None, datetime | None]:
    """Return two times about polls that do not find the child.

    From the first on, such a poll is evidence; None if it never is. At the second, the earliest, such polls can prove
    that the child has ended; None if they never can.
    """
    sent = child.last_possible_send_at
    guarantees = guarantees_of(child.account.venue.exchange)
    first_poll = polls_count_from(child, guarantees)
    if sent is None or first_poll is None:
        return None, None
    if not was_shown(child):
        return first_poll, _earliest(evidence, sent, first_poll)
    forgotten_from = may_be_forgotten_from(child, guarantees)
    if forgotten_from is None or misses_trades(child):
        return first_poll, None
    return first_poll, max(forgotten_from, _earliest(evidence, sent, first_poll))


def _earliest(evidence: Evidence, sent: datetime, first_poll: datetime) -> datetime:
    complete = [
        first_poll + (POLLS_NEEDED - 1) * POLLS_APART
        if not polls
        else polls[-1] + (POLLS_NEEDED - len(polls)) * POLLS_APART
        for polls in evidence.not_found.values()
    ]
    return max(sent + ABSENT_AFTER, *complete)


def alert_rows(now: datetime) -> list[WallAlert]:
    """Return orders that wait for a person, whether live or just ended. The newest alert comes first."""
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
    if order.ended_at is not None:
        text_, at = order.reason, order.ended_at  # what it says of its pause is over
    return WallAlert(
        order=order.public_id,
        trader=order.trader.get_username(),
        symbol=order.symbol,
        side=order.side,
        status=order.status,
        at=epoch_ms(at),
        text=text_ or order.reason,
    )
