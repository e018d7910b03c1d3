"""The queueing of an alert's events, in the transaction that changes the alert.

An event is queued once for each channel that takes events of its kind.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import TypeAdapter

from execution import notify
from execution.core.alerts.delivery import AlertEvent, is_wanted
from execution.models import Alert, AlertChannel, AlertDelivery
from execution.payloads.alerts import AlertMessage, AlertRow
from execution.payloads.encode import epoch_ms
from execution.selectors.alerts.rows import alert_row

_MESSAGE: TypeAdapter[AlertMessage] = TypeAdapter(AlertMessage)


def alert_event(alert: Alert, event: AlertEvent, now: datetime) -> None:
    """Give a new event of a locked alert its number, and queue the event.

    After the commit, notify the pages and the sender.
    """
    alert.events += 1
    if event in {AlertEvent.RAISED, AlertEvent.GREW, AlertEvent.ESCALATED}:
        alert.told_at, alert.told_count = now, alert.count
    alert.save()
    event_id = f"{alert.public_id}-{alert.events}"
    channels = AlertChannel.objects.filter(is_active=True)
    wanting = [
        channel for channel in channels if is_wanted(event, alert.severity, channel.takes, channel.least)
    ]
    if wanting:
        AlertDelivery.objects.bulk_create(
            delivery_of(channel, event, event_id, alert_row(alert), now, alert) for channel in wanting
        )
        notify.deliver_alerts()
    notify.alerts_changed()


def delivery_of(
    channel: AlertChannel,
    event: AlertEvent,
    event_id: str,
    row: AlertRow,
    now: datetime,
    alert: Alert | None = None,
) -> AlertDelivery:
    """Return an unsaved delivery.

    Its body is the alert as the API shows it now, and does not change when the alert changes later.
    """
    message = AlertMessage(id=event_id, event=event.value, at=epoch_ms(now), alert=row)
    body = _MESSAGE.dump_python(_MESSAGE.validate_python(message), mode="json")
    return AlertDelivery(
        channel=channel, alert=alert, event_id=event_id, event=event, body=body, created_at=now, due_at=now
    )
