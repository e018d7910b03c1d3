"""An alert and a channel, for tests of who may see and change them."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from execution.core.alerts.grouping import Finding
from execution.core.alerts.kinds import AlertKind
from execution.models import Alert, AlertChannel, User
from execution.services.alerts.watching import findings_apply


def alert_of(trader: User | None) -> Alert:
    """Return an alert about an order of the trader; for None about no order."""
    scope, pk = ("desk", None) if trader is None else (f"trader {trader.pk}", trader.pk)
    finding = Finding(AlertKind.ORDER_PAUSED, "1", "it waits for a person", scope, None, pk)
    findings_apply(findings=[finding], critical_after=timedelta(days=1), now=timezone.now())
    return Alert.objects.get(trader=trader)


def channel_made() -> AlertChannel:
    """Return a channel that nobody can open."""
    return AlertChannel.objects.create(
        label="night",
        type="signed",
        takes="alerts",
        least="warning",
        shown="https://hooks.example.com",
        sealed=b"sealed",
        created_at=timezone.now(),
    )
