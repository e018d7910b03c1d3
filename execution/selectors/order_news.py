"""News of a trader's own orders: their ends, and what other people or the desk did.

A person's own acts are no news.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Max, Sum

from execution.core.alerts.kinds import Severity
from execution.core.numbers import grouped
from execution.core.states import OrderEvent as Event
from execution.core.states import OrderStatus
from execution.models import JournalEntry, Order, User
from execution.payloads.encode import epoch_ms
from execution.payloads.order_news import NewsKind, OrderEvent, OrderNews
from execution.selectors.halts import HALTED

#: The most events that a bell shows, and how old they may be.
MAX_EVENTS = 20
SHOWN_FOR = timedelta(hours=12)
#: Entries of this time are read again with each change. Of two transactions the one that began first may end last.
READ_AGAIN = timedelta(minutes=2)
#: The actors of entries that no person made.
NOBODY = ("desk", "venue")

_ENDS: dict[str, NewsKind] = {
    Event.COMPLETE: "completed",
    Event.EXPIRE: "expired",
    Event.FAIL: "failed",
    Event.REFUSE: "rejected",
}
_KINDS = (*_ENDS, Event.CLOSE.value, Event.PAUSE.value, "alert")
_INFO = "info"
_LABELS: dict[NewsKind, tuple[str, str]] = {
    "completed": (_INFO, "Order completed"),
    "expired": (Severity.WARNING, "Order expired"),
    "cancelled": (Severity.WARNING, "Order cancelled"),
    "failed": (Severity.CRITICAL, "Order failed"),
    "rejected": (Severity.CRITICAL, "Order rejected"),
    "paused": (Severity.WARNING, "Order paused"),
    "halted": (Severity.CRITICAL, "Order halted"),
    "attention": (Severity.CRITICAL, "Order needs attention"),
}


class OwnOrders:
    """The news for the bell of one open page. It reads events only when an order of the trader has changed."""

    def __init__(self) -> None:
        self._marks: tuple[int, int] = (-1, -1)
        self._events: dict[str, OrderEvent] = {}
        self._filled_at: datetime | None = None

    @property
    def news(self) -> OrderNews:
        """Return all events that the bell shows."""
        newest = sorted(self._events.values(), key=lambda event: event["at"], reverse=True)
        return OrderNews(events=newest[:MAX_EVENTS], filled_at=epoch_ms(self._filled_at))

    def read(self, person: User, now: datetime) -> OrderNews | None:
        """Read what has happened since the last call. Return only the new events; None if there is no news."""
        own = Order.objects.filter(trader=person).aggregate(count=Count("pk"), versions=Sum("version"))
        marks = (own["count"], own["versions"] or 0)
        if marks == self._marks:
            return None
        since = now - (SHOWN_FOR if self._marks[0] < 0 else READ_AGAIN)
        self._marks = marks
        fresh = [event for event in _events(person, since) if event["id"] not in self._events]
        filled_at = _last_fill(person, now - READ_AGAIN) or self._filled_at
        if not fresh and filled_at == self._filled_at:
            return None
        self._filled_at = filled_at
        self._events |= {event["id"]: event for event in fresh}
        self._events = {event["id"]: event for event in self.news["events"]}
        return OrderNews(events=fresh, filled_at=epoch_ms(filled_at))


def _events(person: User, since: datetime) -> list[OrderEvent]:
    """Return the newest events since a time, the newest first."""
    entries = (
        JournalEntry.objects.filter(order__trader=person, kind__in=_KINDS, at__gte=since)
        .select_related("order")
        .only(*_COLUMNS)
        .order_by("-at", "-pk")
    )
    # Some entries are no news, such as a person's own pauses: a few more are read.
    found = (_event(entry, person.username) for entry in entries[: 4 * MAX_EVENTS])
    return [event for event in found if event is not None][:MAX_EVENTS]


_COLUMNS = (
    *("version", "kind", "actor", "reason", "data", "at"),
    *("order__public_id", "order__side", "order__quantity", "order__symbol", "order__filled"),
)


def _last_fill(person: User, since: datetime) -> datetime | None:
    fills = JournalEntry.objects.filter(order__trader=person, kind="fill", at__gte=since)
    last: datetime | None = fills.aggregate(at=Max("at"))["at"]
    return last


def _event(entry: JournalEntry, username: str) -> OrderEvent | None:
    kind = _kind(entry, username)
    if kind is None:
        return None
    order, (severity, label) = entry.order, _LABELS[kind]
    what = f"{order.side.upper()} {grouped(order.quantity)} {order.symbol}"
    is_partial = kind in ("expired", "cancelled", "failed")
    filled = f"{order.filled / order.quantity * 100:.0f} % filled" if is_partial else ""
    return OrderEvent(
        id=f"{order.public_id}.{entry.version}",
        order=order.public_id,
        kind=kind,
        severity=severity,
        label=label,
        text=" · ".join(filter(None, (what, filled, "" if kind == "completed" else entry.reason))),
        at=epoch_ms(entry.at),
        is_alerted=kind == "attention" or (entry.kind == Event.PAUSE and entry.actor in NOBODY),
    )


def _kind(entry: JournalEntry, username: str) -> NewsKind | None:
    """Return the kind of news that an entry is for the trader ``username``; None if it is none."""
    if entry.kind in _ENDS:
        return _ENDS[entry.kind]
    by_other = entry.actor not in NOBODY and entry.actor.partition(":")[2] != username
    if entry.kind == Event.CLOSE:
        return "cancelled" if by_other and entry.data.get("outcome") == OrderStatus.CANCELLED else None
    if entry.kind == Event.PAUSE:
        if entry.actor in NOBODY:
            return "halted" if entry.reason.startswith((f"{HALTED} by ", f"{HALTED}: ")) else "paused"
        return "paused" if by_other else None
    return "attention"
