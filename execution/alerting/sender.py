"""The sending of queued deliveries. Each is claimed, sent outside of any transaction, and marked with the result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from execution.alerting.senders import NotDelivered, send
from execution.engine.failures import is_outage
from execution.engine.keyring import KeyringError, KeyringFile
from execution.services.alerts.outbox import Parcel, delivery_claim, delivery_failed, delivery_sent

log = structlog.get_logger(__name__)

Send = Callable[[str, Mapping[str, str], str, Mapping[str, Any], str], None]

#: The largest number of deliveries in one call. The next call continues.
MAX_DELIVERIES = 200
#: Held by the call that sends. So a slow receiver never takes the thread that this process needs for estimates.
_one_at_a_time = threading.Lock()


@lru_cache(maxsize=1)
def _keyring(path: str) -> KeyringFile:
    return KeyringFile(Path(path))


def deliver_due(clock: Callable[[], datetime], send_one: Send = send) -> int:
    """Send the deliveries that are due, and return the number that arrived.

    If another call is sending at the moment, return 0 at once.

    After a delivery fails, nothing more is sent on its channel until the pause before its next attempt is over.
    """
    if not _one_at_a_time.acquire(blocking=False):
        return 0
    try:
        return _deliver(clock, send_one)
    finally:
        _one_at_a_time.release()


def _deliver(clock: Callable[[], datetime], send_one: Send) -> int:
    delivered = 0
    passed: set[int] = set()
    for _ in range(MAX_DELIVERIES):
        parcel = delivery_claim(now=clock(), passed=frozenset(passed))
        if parcel is None:
            break
        if error := _attempt(parcel, send_one):
            passed.add(parcel.channel_pk)
            delivery_failed(parcel=parcel, error=error, now=clock())
            log.warning(
                "an alert was not delivered", channel=parcel.channel_id, event_id=parcel.event_id, error=error
            )
        else:
            delivery_sent(parcel=parcel, now=clock())
            delivered += 1
    return delivered


def _attempt(parcel: Parcel, send_one: Send) -> str:
    """Send a delivery. Return the reason why it did not arrive, or an empty text."""
    try:
        keyring = _keyring(str(settings.TRANCHE_ALERT_KEYRING))
        parts = keyring.open(parcel.sealed, bound_to=parcel.channel_id)
        send_one(parcel.type, parts, parcel.event_id, parcel.body, parcel.environment)
    except (NotDelivered, KeyringError) as error:
        return str(error)
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("a sender failed in our own code", channel=parcel.channel_id, event_id=parcel.event_id)
        return f"the sender failed: {type(error).__name__}"
    return ""
