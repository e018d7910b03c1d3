"""The check of okx's signed requests: passphrase, time, and a signature in base64."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from execution.paper.okx import refusals
from execution.paper.records import Account

#: The distance from now that a request's timestamp may have, in either direction.
WINDOW_MILLISECONDS = 30_000


def check_key(account: Account, passphrase: str | None, payload: str, signature: str | None) -> None:
    """Check the passphrase, and that ``signature`` is the HMAC-SHA256 of ``payload`` in base64. Raise Refusal."""
    if not hmac.compare_digest((passphrase or "").encode(), account.passphrase.encode()):
        raise refusals.wrong_passphrase()
    digest = hmac.new(account.secret.encode(), payload.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(base64.b64encode(digest), (signature or "").encode()):
        raise refusals.bad_signature()


def moment_of(stamp: str) -> float:
    """Return a time in ISO 8601, with its zone, as milliseconds since the epoch. Raise Refusal for any other text."""
    try:
        stamped = datetime.fromisoformat(stamp)
    except ValueError:
        raise refusals.bad_timestamp() from None
    if stamped.tzinfo is None:
        raise refusals.bad_timestamp()
    return stamped.timestamp() * 1000


def check_time(stamped: float, now: int) -> None:
    """Raise Refusal if ``stamped`` is more than half a minute away from ``now``. Both are in milliseconds."""
    if abs(stamped - now) > WINDOW_MILLISECONDS:
        raise refusals.expired()
