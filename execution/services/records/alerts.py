"""The one function by which all code raises an alert about an event, inside its own transaction."""

from __future__ import annotations

from datetime import datetime

from execution.core.alerts.grouping import MAX_TEXT
from execution.core.alerts.kinds import AlertKind
from execution.core.numbers import shortened
from execution.models import AlertSignal, Order


def alert_signal(
    *,
    kind: AlertKind,
    text: str,
    at: datetime,
    order: Order | None = None,
    scope: str = "",
    subject: str = "",
) -> None:
    """Record an event that people should be alerted to, inside the caller's transaction.

    Raises ``ValueError`` for a kind that is not an event. It only inserts a row, so it never waits for a lock. The
    watcher makes an alert of the row within a second or two. With ``order`` the alert belongs to the order's trader.
    Without it, ``scope`` is the alert's group. ``subject`` tells the events of a group apart: while the alert is open,
    two events with the same subject count as one.
    """
    if not kind.is_event:
        raise ValueError(f"{kind} lasts: the watcher finds it by itself")
    AlertSignal.objects.create(
        kind=kind, subject=subject, text=shortened(text, MAX_TEXT), scope=scope, order=order, at=at
    )
