"""Signatures of the market data that engines publish in Redis.

Orders are sized by these data, and other programs may be able to write to Redis. So the data are signed. The key is
in the installation's row of the database, which engines and pages can read. Access to Redis does not reveal the key.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from functools import lru_cache

import structlog

from execution.models import Installation

log = structlog.get_logger(__name__)

#: The number of hexadecimal digits of a signature: 128 bits.
DIGITS = 32
#: The fewest seconds between two log lines about one Redis key. A page reads its market every second.
TELL_EVERY = 60.0

_told_at: dict[str, float] = {}


@lru_cache(maxsize=1)
def signing_key() -> bytes:
    """Return the installation's key. It is read only once, because it changes only while every process is stopped."""
    return bytes.fromhex(Installation.objects.values_list("quote_key", flat=True).get())


def sign(name: str, text: str) -> str:
    """Return ``text`` with a signature that is valid only under the Redis key ``name``."""
    return _signature(name, text) + text


def opened(name: str, data: str | bytes) -> str | None:
    """Return the text if its signature is valid. Otherwise log an error and return None."""
    written = data if isinstance(data, str) else data.decode("utf-8", "replace")
    signature, text = written[:DIGITS], written[DIGITS:]
    if hmac.compare_digest(signature.encode(), _signature(name, text).encode()):
        return text
    if time.monotonic() - _told_at.get(name, -TELL_EVERY) >= TELL_EVERY:
        _told_at[name] = time.monotonic()
        log.error("market data in Redis is not signed by this installation, and not used", key=name)
    return None


def _signature(name: str, text: str) -> str:
    return hmac.digest(signing_key(), f"{name}\n{text}".encode(), hashlib.sha256).hex()[:DIGITS]
