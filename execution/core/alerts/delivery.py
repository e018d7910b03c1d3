"""The delivery of alerts: the events that a channel takes, the pauses between attempts, and a webhook's signature."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from enum import StrEnum

from execution.core.alerts.kinds import Severity

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=10)
#: A delivery that has failed for this long is given up, and its channel shows that.
GIVE_UP_AFTER = timedelta(days=3)

EVENT_HEADER = "Tranche-Event-Id"
TIMESTAMP_HEADER = "Tranche-Timestamp"
SIGNATURE_HEADER = "Tranche-Signature"
SIGNATURE_PREFIX = "v1="


class AlertEvent(StrEnum):
    """The events of an alert about which messages are sent."""

    RAISED = "raised"
    GREW = "grew"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    OWNED = "owned"
    ENDED = "ended"
    TEST = "test"


class Takes(StrEnum):
    """The choices of which messages a channel gets.

    It gets messages about every event, or about alerts that are raised, grow or escalate, or about escalations only.
    An alert grows when its problem occurs again. It escalates when nobody acknowledges it in time.
    """

    EVERYTHING = "everything"
    ALERTS = "alerts"
    ESCALATIONS = "escalations"


_WANTED = {
    Takes.EVERYTHING: frozenset(AlertEvent),
    Takes.ALERTS: frozenset({AlertEvent.RAISED, AlertEvent.GREW, AlertEvent.ESCALATED}),
    Takes.ESCALATIONS: frozenset({AlertEvent.ESCALATED}),
}


def is_wanted(event: AlertEvent, severity: str, takes: str, least: str) -> bool:
    """Return True if a channel receives messages about ``event``. ``least`` is the channel's lowest severity."""
    is_severe_enough = least != Severity.CRITICAL or severity == Severity.CRITICAL
    return is_severe_enough and event in _WANTED[Takes(takes)]


def pause_after(attempts: int) -> timedelta:
    """Return the pause after this number of failed attempts.

    Each pause is twice as long as the one before, up to a longest pause.
    """
    doubled: timedelta = FIRST_PAUSE * (1 << min(attempts - 1, 16))
    return min(doubled, LONGEST_PAUSE)


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a webhook: HMAC-SHA256, hex, over the timestamp, a full stop and the body."""
    signed = f"{timestamp}.".encode() + body
    return SIGNATURE_PREFIX + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
