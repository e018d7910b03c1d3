"""The check of okx's keys: passphrase, time, and a signature in base64."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from execution.paper.okx import refusals
from execution.paper.records import Account

#: A request is good for so long before and after its timestamp.
WINDOW_MILLISECONDS = 30_000


def check_key(account: Account, passphrase: str | None, payload: str, signature: str | None) -> None:
    """Check the passphrase, and the HMAC-SHA256 of the payload in base64. Raise Refusal."""
    if not hmac.compare_digest((passphrase or "").encode(), account.passphrase.encode()):
        raise refusals.wrong_passphrase()
    digest = hmac.new(account.secret.encode(), payload.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(base64.b64encode(digest), (signature or "").encode()):
        raise refusals.bad_signature()


def moment_of(stamp: str) -> float:
    """Return the milliseconds since the epoch of ISO 8601 with a zone. Raise Refusal."""
    try:
        stamped = datetime.fromisoformat(stamp)
    except ValueError:
        raise refusals.bad_timestamp() from None
    if stamped.tzinfo is None:
        raise refusals.bad_timestamp()
    return stamped.timestamp() * 1000


def check_time(stamped: float, now: int) -> None:
    """Raise Refusal for a moment that is not within half a minute of now; both in milliseconds."""
    if abs(stamped - now) > WINDOW_MILLISECONDS:
        raise refusals.expired()
