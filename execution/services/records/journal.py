"""The only function that writes an order's journal, and with it the order's version."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from execution import notify
from execution.core.journal import Entry, entry_hash
from execution.models import JournalEntry, Order
from execution.models.prepared import row_insert, row_save

#: The actor of an entry when no person acted.
DESK = "desk"
VENUE = "venue"


def journal_append(
    *, order: Order, kind: str, actor: str, at: datetime, reason: str = "", data: dict[str, Any] | None = None
) -> JournalEntry:
    """Append an entry inside the caller's transaction, and raise the order's version.

    After the commit, the open pages and the engines are notified of the new version.

    The caller has locked ``order``. The order's other changed fields are saved here too, so that a change and its
    entry are one write.
    """
    order.version += 1
    entry = Entry(order.version, kind, actor, reason, data or {}, at)
    order.journal_hash = entry_hash(order.journal_hash, entry)
    row_save(order)
    notify.order_changed(order.public_id, order.trader_id, order.pk, order.version)
    written = JournalEntry(
        order=order,
        version=entry.version,
        kind=kind,
        actor=actor,
        reason=reason,
        data=entry.data,
        at=at,
        hash=order.journal_hash,
    )
    row_insert(written)
    return written


def alert(*, order: Order, text: str, at: datetime, data: dict[str, Any] | None = None) -> None:
    """Write an alert for a person into the order's journal, and mark the order as needing a person."""
    order.needs_person = True
    journal_append(order=order, kind="alert", actor=DESK, reason=text, at=at, data=data)
