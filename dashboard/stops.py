"""The requests that stop something. They do not count against the API's limit, and have their own threads and
connections.
"""

from __future__ import annotations

import re

_ID = r"[-a-zA-Z0-9_]+"

#: What sets a halt, and what a person or a program must read first to set one: the preview names the phrase.
_HALTS = re.compile(r"(POST|GET) /halts/new/(preview/)?|POST /api/v1/halts(/preview)?")
_STOPS = re.compile(
    rf"POST (/orders/{_ID}/(pause|cancel)/"
    rf"|/api/v1/orders/{_ID}/(pause|cancel)"
    r"|/orders/bulk/(pause|cancel)/review/"
    r"|/api/v1/orders/bulk/(pause|cancel)/preview"
    rf"|/api/v1/baskets/{_ID}/(pause|cancel)(/preview)?"
    rf"|/reconciliation/{_ID}/cancel/"
    rf"|/api/v1/reconciliation/{_ID}/cancel"
    rf"|/accounts/{_ID}/suspend/)"
)


def is_halt(method: str, path: str) -> bool:
    """Return True for a request that previews or sets a halt. Lifting one is not a stop."""
    return _HALTS.fullmatch(f"{method} {path}") is not None


def is_stop(method: str, path: str) -> bool:
    """Return True for a halt, a pause, a cancel and an account's suspension. A resume is not a stop.

    The same holds for many orders at once ("bulk" in place of an id), with the review that comes before.
    """
    return is_halt(method, path) or _STOPS.fullmatch(f"{method} {path}") is not None
