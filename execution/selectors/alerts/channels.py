"""Rows of alert channels and of their deliveries, for an admin's page."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from django.db.models import Count, Q

from execution.models import AlertChannel, ChannelType


class ChannelRow(TypedDict):
    id: str
    label: str
    type: str
    type_label: str
    takes: str
    least: str
    shown: str
    is_active: bool
    delivered_at: datetime | None
    error: str
    error_at: datetime | None
    waiting: int
    given_up: int


def channel_rows() -> list[ChannelRow]:
    """Return every channel with its numbers of waiting deliveries and of deliveries that were given up."""
    waits = Q(deliveries__sent_at=None, deliveries__given_up_at=None) & ~Q(deliveries=None)
    counted = AlertChannel.objects.annotate(
        waiting=Count("deliveries", filter=waits),
        given_up=Count("deliveries", filter=Q(deliveries__given_up_at__isnull=False)),
    )
    return [
        ChannelRow(
            id=channel.public_id,
            label=channel.label,
            type=channel.type,
            type_label=ChannelType(channel.type).label,
            takes=channel.takes,
            least=channel.least,
            shown=channel.shown,
            is_active=channel.is_active,
            delivered_at=channel.delivered_at,
            error=channel.error,
            error_at=channel.error_at,
            waiting=channel.waiting,
            given_up=channel.given_up,
        )
        for channel in counted.order_by("label")
    ]


def channel_types() -> list[tuple[str, str]]:
    return list(ChannelType.choices)
