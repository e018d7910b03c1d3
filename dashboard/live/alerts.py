"""The websocket of the bell on every page. It sends the alerts that wait for the person, and the news of a
trader's own orders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from dashboard.live.consumers import LiveConsumer
from execution.notify import ALERTS_GROUP
from execution.payloads.alerts import AlertNews
from execution.selectors.alerts.rows import alert_news
from execution.selectors.order_news import OwnOrders

if TYPE_CHECKING:
    from execution.models import User


class AlertsConsumer(LiveConsumer):
    """Sends each logged-in person the alerts that they may see."""

    group = ALERTS_GROUP
    number = 0
    shown: AlertNews | None = None
    own: OwnOrders | None = None

    alerts_changed = LiveConsumer.ring

    def refusal(self, person: User) -> int | None:  # noqa: ARG002
        return None

    def changes(self) -> list[dict[str, Any]]:
        """Return the bell's whole contents if the alerts have changed.

        If only orders have changed, return only their news, because fills come often.
        """
        whole, self.wants_snapshot = self.wants_snapshot, False
        if self.person is None:
            return []
        now = timezone.now()
        news = alert_news(person=self.person, now=now)
        self.own = self.own or OwnOrders()
        fresh = self.own.read(self.person, now) if self.person.may_trade else None
        if news != self.shown or whole:
            self.shown = news
            self.number += 1
            return [{"type": "snapshot", "version": self.number, **news, **self.own.news}]
        if fresh is None:
            return []
        self.number += 1
        return [{"type": "delta", "from": self.number - 1, "version": self.number, **fresh}]
