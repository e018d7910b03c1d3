"""The events of one order, from all processes, sorted by time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from execution.core.numbers import plain
from execution.models import AuditEntry, Difference, JournalEntry, Order

#: Kinds of journal entries that are left out, because the row of a child or a fill says the same in more detail.
IN_DETAIL = frozenset({"fill"})


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its time, the kind of record that it comes from, its actor, its text and its data."""

    at: datetime
    source: str
    actor: str
    text: str
    child: str = ""
    data: dict[str, Any] | None = None


def order_by_name(name: str) -> Order | None:
    """Return the order with this public id or this primary key; None without one.

    The engines' logs show primary keys.
    """
    found = Order.objects.filter(public_id=name).first()
    if found is None and name.isascii() and name.isdigit() and len(name) < 19:
        found = Order.objects.filter(pk=int(name)).first()
    return found


def order_story(order: Order) -> list[Event]:
    """Return every event of the order, oldest first. Events of the same time are sorted by their source."""
    parts = (_journal(order), _children(order), _fills(order), _differences(order), _audit(order))
    return sorted((event for part in parts for event in part), key=lambda event: event.at)


def _journal(order: Order) -> Iterator[Event]:
    clients = dict(order.children.values_list("sequence", "client_id"))
    for entry in JournalEntry.objects.filter(order=order).exclude(kind__in=IN_DETAIL).order_by("version"):
        child = clients.get(entry.data.get("child"), "")
        status = entry.data.get("child_status") or entry.data.get("status") or ""
        text = " · ".join(part for part in (entry.kind, str(status), entry.reason) if part)
        yield Event(entry.at, "journal", entry.actor, text, child, entry.data or None)


def _children(order: Order) -> Iterator[Event]:
    for child in order.children.select_related("account").order_by("sequence"):
        price = "at the market" if child.price is None else f"at {plain(child.price)}"
        what = (
            f"{child.side} {plain(child.quantity)} {price}, {child.time_in_force}, on {child.account.label}"
        )
        name = child.client_id
        yield Event(child.intended_at, "child", "desk", f"intended to {child.purpose}: {what}", name)
        if child.submitted_at is not None:
            text = f"submitted under fence {child.submitted_fence}"
            yield Event(child.submitted_at, "child", "desk", text, name)
        if child.cancel_requested_at is not None:
            yield Event(child.cancel_requested_at, "child", "desk", "its cancel was requested", name)
        if child.ended_at is not None:
            known = f", {child.exchange_id} at the exchange" if child.exchange_id else ""
            text = f"ended {child.status}, filled {plain(child.filled)}{known}"
            yield Event(
                child.ended_at,
                "child",
                "venue",
                f"{text} {child.reason}".rstrip(),
                name,
                child.evidence or None,
            )


def _fills(order: Order) -> Iterator[Event]:
    for fill in order.fills.select_related("account", "child").order_by("executed_at", "pk"):
        late = (fill.recorded_at - fill.executed_at).total_seconds()
        text = (
            f"fill {fill.trade_id}: {fill} on {fill.account.label}, {fill.liquidity or 'liquidity unknown'}"
        )
        child = "" if fill.child is None else fill.child.client_id
        yield Event(fill.executed_at, "fill", "venue", f"{text}, recorded {late:.3f} s later", child)


def _differences(order: Order) -> Iterator[Event]:
    for found in (
        Difference.objects.filter(child__order=order).select_related("child", "account").order_by("pk")
    ):
        child = "" if found.child is None else found.child.client_id
        words = f"a poll of {found.account.label} found a difference: {found.get_kind_display()} {found.key}"
        yield Event(found.opened_at, "poll", "desk", words, child, found.evidence or None)
        if found.resolved_at is not None:
            yield Event(found.resolved_at, "poll", "desk", f"the difference {found.key} was gone", child)


def _audit(order: Order) -> Iterator[Event]:
    """Yield the audit's entries about the order, its children, its accounts and the desk.

    Entries about accounts and the desk are included only for the time while the order was live.
    """
    labels = list(order.accounts.values_list("label", flat=True))
    clients = list(order.children.values_list("client_id", flat=True))
    about = Q(subject__in=[order.public_id, *clients])
    lived = Q(at__gte=order.created_at) & (Q() if order.ended_at is None else Q(at__lte=order.ended_at))
    desk = (
        Q(subject__in=labels) | Q(kind__startswith="halt") | Q(kind__startswith="limit") | Q(kind="restored")
    )
    for entry in AuditEntry.objects.filter(about | (lived & desk)).order_by("at", "pk"):
        text = " · ".join(part for part in (entry.kind, entry.subject, entry.reason) if part)
        yield Event(entry.at, "audit", entry.actor, text, data=entry.data or None)
