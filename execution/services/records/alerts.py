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

    The function only inserts a row, so it never waits for a lock. The watcher makes an alert of the row
    within a second or two. Raises ``ValueError`` for a kind that is not an event.

    Events of the same kind and scope share an alert. With ``order`` the scope is the order's trader, otherwise it is
    ``scope``. ``subject`` distinguishes the events of one alert. While the alert is open, a second event with the same
    subject adds nothing new to it.
    """
    if not kind.is_event:
        raise ValueError(f"{kind} lasts: the watcher finds it by itself")
    AlertSignal.objects.create(
        kind=kind, subject=subject, text=shortened(text, MAX_TEXT), scope=scope, order=order, at=at
    )
