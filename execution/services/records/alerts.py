"""The function by which any part of the desk raises an alert inside its own transaction."""

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
    """Note an event that people should be alerted to, inside the caller's transaction.

    Raises ``ValueError`` for a kind that is no event. It writes one row, locks nothing and cannot collide. The
    watcher makes an alert of it within a second or two. An ``order`` makes it an alert of its trader; ``scope``
    groups others, and ``subject`` tells them apart. Two of the same subject are one while the alert is open.
    """
    if not kind.is_event:
        raise ValueError(f"{kind} lasts: the watcher finds it by itself")
    AlertSignal.objects.create(
        kind=kind, subject=subject, text=shortened(text, MAX_TEXT), scope=scope, order=order, at=at
    )
