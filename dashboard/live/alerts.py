"""The websocket of the bell on every page. It sends the number of alerts that wait for the person, and the newest of
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from dashboard.live.consumers import LiveConsumer
from execution.notify import ALERTS_GROUP
from execution.payloads.alerts import AlertNews
from execution.selectors.alerts.rows import alert_news

if TYPE_CHECKING:
    from execution.models import User


class AlertsConsumer(LiveConsumer):
    """Sends each logged-in person the alerts that they may see."""

    group = ALERTS_GROUP
    number = 0
    shown: AlertNews | None = None

    alerts_changed = LiveConsumer.ring

    def refusal(self, person: User) -> int | None:  # noqa: ARG002
        return None

    def changes(self) -> list[dict[str, Any]]:
        """Return the whole message whenever a part of it has changed, because it is short."""
        whole, self.wants_snapshot = self.wants_snapshot, False
        if self.person is None:
            return []
        news = alert_news(person=self.person, now=timezone.now())
        if news == self.shown and not whole:
            return []
        self.shown = news
        self.number += 1
        return [{"type": "snapshot", "version": self.number, **news}]
