"""The queue of alert messages to channels. This module claims and marks its rows; another one sends the messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from execution.core.alerts.delivery import GIVE_UP_AFTER, pause_after
from execution.core.numbers import shortened
from execution.models import AlertChannel, AlertDelivery, Installation

#: The most rows that one statement deletes. The rest is deleted a minute later.
MAX_DROPPED = 1_000
#: The time a claim lasts. It is longer than any attempt takes, so the process of an older claim has died.
CLAIMED_FOR = timedelta(seconds=60)
MAX_ERROR = 300


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed delivery: its channel and its content."""

    delivery_pk: int
    channel_pk: int
    channel_id: str
    type: str
    sealed: bytes
    event_id: str
    body: dict[str, Any]
    environment: str


def _waiting(now: datetime) -> Q:
    is_free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return is_free & Q(sent_at=None, given_up_at=None, channel__is_active=True)


def delivery_claim(*, now: datetime, passed: frozenset[int] = frozenset()) -> Parcel | None:
    """Claim the oldest due delivery of a channel that is not in ``passed``. Return None when there is none.

    In each channel the oldest delivery goes first, so that events arrive in order. If a channel cannot be reached,
    only its own deliveries wait.
    """
    for delivery in _heads(passed):
        if delivery.due_at > now:
            continue  # the later ones of its channel wait for their turn
        claimed = AlertDelivery.objects.filter(_waiting(now), pk=delivery.pk).update(
            claimed_until=now + CLAIMED_FOR, attempts=F("attempts") + 1
        )
        if claimed == 1:
            return _parcel(delivery)
    return None


def _heads(passed: frozenset[int]) -> list[AlertDelivery]:
    """Return the oldest unsent delivery of each channel that is in use, sorted by age."""
    found = []
    for channel in AlertChannel.objects.filter(is_active=True).exclude(pk__in=passed):
        head = channel.deliveries.filter(sent_at=None, given_up_at=None).order_by("pk").first()
        if head is not None:
            head.channel = channel
            found.append(head)
    return sorted(found, key=lambda delivery: delivery.pk)


def _parcel(delivery: AlertDelivery) -> Parcel:
    channel = delivery.channel
    environment = Installation.objects.values_list("environment", flat=True).get()
    return Parcel(
        delivery_pk=delivery.pk,
        channel_pk=channel.pk,
        channel_id=channel.public_id,
        type=channel.type,
        sealed=bytes(channel.sealed),
        event_id=delivery.event_id,
        body=delivery.body,
        environment=environment,
    )


@transaction.atomic
def delivery_sent(*, parcel: Parcel, now: datetime) -> None:
    """Record that the receiver has the delivery. It is never sent again."""
    AlertDelivery.objects.filter(pk=parcel.delivery_pk).update(sent_at=now, claimed_until=None, error="")
    AlertChannel.objects.filter(pk=parcel.channel_pk).update(delivered_at=now, error="", error_at=None)


@transaction.atomic
def delivery_failed(*, parcel: Parcel, error: str, now: datetime) -> None:
    """Schedule another attempt after a pause that grows with each attempt.

    After three days the delivery is given up. The channel's row shows the last error.
    """
    delivery = AlertDelivery.objects.select_for_update(no_key=True).filter(pk=parcel.delivery_pk).first()
    if delivery is None:
        return  # its channel was removed meanwhile
    delivery.error = shortened(error, MAX_ERROR)
    delivery.claimed_until = None
    delivery.due_at = now + pause_after(delivery.attempts)
    if now - delivery.created_at >= GIVE_UP_AFTER:
        delivery.given_up_at = now
    delivery.save(update_fields=["error", "claimed_until", "due_at", "given_up_at"])
    AlertChannel.objects.filter(pk=parcel.channel_pk).update(error=delivery.error, error_at=now)


def deliveries_drop(*, before: datetime) -> int:
    """Delete a batch of deliveries that were sent or given up before ``before``. Return the number of rows."""
    old = AlertDelivery.objects.filter(Q(sent_at__lt=before) | Q(given_up_at__lt=before))
    batch = list(old.order_by("pk").values_list("pk", flat=True)[:MAX_DROPPED])
    return AlertDelivery.objects.filter(pk__in=batch).delete()[0] if batch else 0
