"""The sending of one message on one channel: through Apprise to people, or as a signed webhook to programs.

The calls block, and do not use the database.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

import requests

from execution.core.alerts.channels import SIGNED, apprise_url, refusal_now
from execution.core.alerts.delivery import (
    EVENT_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    AlertEvent,
    signature,
)
from execution.core.alerts.kinds import Severity
from execution.selectors.network import network_of

TIMEOUT = 5.0  # seconds to connect, and between two bytes of the answer
MAX_SHOWN = 200


class NotDelivered(Exception):
    """Raised if the receiver did not confirm a message.

    The message may have arrived nevertheless. So the next attempt sends the same event id.
    """


def send(
    kind: str, parts: Mapping[str, str], event_id: str, body: Mapping[str, Any], environment: str
) -> None:
    """Send a message. Raise ``NotDelivered`` if the receiver does not confirm it."""
    if why := refusal_now(kind, parts, network_of(environment)):
        raise NotDelivered(why)
    if kind == SIGNED:
        _send_signed(parts, event_id, body)
    else:
        _send_by_apprise(kind, parts, event_id, body, environment)


def _send_signed(parts: Mapping[str, str], event_id: str, body: Mapping[str, Any]) -> None:
    content = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Tranche",
        EVENT_HEADER: event_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: signature(parts["secret"], timestamp, content),
    }
    try:
        # A redirect could lead to a host that nobody has allowed. The answer's body is never read.
        with requests.post(
            parts["url"], data=content, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
        ) as answer:
            status = answer.status_code
    except requests.RequestException as error:
        # The text of the error may have the whole address in it, and with it a secret path.
        late = isinstance(error, requests.Timeout)
        why = "no answer in time from the webhook" if late else "the webhook cannot be reached"
        raise NotDelivered(why) from error
    if not 200 <= status < 300:
        raise NotDelivered(f"the webhook answered {status}")


def _send_by_apprise(
    kind: str, parts: Mapping[str, str], event_id: str, body: Mapping[str, Any], environment: str
) -> None:
    import apprise  # half a second of imports that a desk without channels is spared

    asset = apprise.AppriseAsset(app_id="Tranche", app_desc="Tranche", async_mode=False)
    service = apprise.Apprise.instantiate(
        apprise_url(kind, parts, event_id, timeout=TIMEOUT), asset=asset, suppress_exceptions=True
    )
    if service is None:
        raise NotDelivered("Apprise does not understand the channel's address")
    title, text = words_of(body, environment)
    is_critical = body["alert"]["severity"] == Severity.CRITICAL
    notify_type = apprise.NotifyType.FAILURE if is_critical else apprise.NotifyType.WARNING
    said = _Said()
    logger = logging.getLogger("apprise")
    logger.addHandler(said)
    try:
        is_delivered = service.notify(body=text, title=title, notify_type=notify_type)
    finally:
        logger.removeHandler(said)
    if not is_delivered:
        raise NotDelivered(said.words or "the service did not take the message")


class _Said(logging.Handler):
    """A log handler that stores the last warning of Apprise in this thread. Apprise itself returns only yes or no."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.words = ""
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.words = record.getMessage()[:MAX_SHOWN]


def words_of(body: Mapping[str, Any], environment: str) -> tuple[str, str]:
    """Return the title and the text of a message that people read."""
    alert = body["alert"]
    event = AlertEvent(body["event"])
    name = f"{environment.upper()} {alert['severity'].upper()}: {alert['label']}"
    title = name if event is AlertEvent.RAISED else f"{name} ({event.value})"
    more = f" There are {alert['count']} of these." if alert["count"] > 1 else ""
    whose = f" Trader: {alert['trader']}." if alert["trader"] else ""
    return (
        title,
        f"{alert['text']}{'' if alert['text'].endswith('.') else '.'}{more}{whose} Event {body['id']}.",
    )
