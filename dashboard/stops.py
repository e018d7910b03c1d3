"""The requests that stop orders. They do not count against the API's limit. They have their own threads and database
connections.
"""

from __future__ import annotations

import re

_ID = r"[-a-zA-Z0-9_]+"

#: Requests that set a halt, or that must come first: only the preview shows the phrase to type.
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
    """Return True for a request that previews or sets a halt. The lifting of a halt is not a stop."""
    return _HALTS.fullmatch(f"{method} {path}") is not None


def is_stop(method: str, path: str) -> bool:
    """Return True for a request that stops orders.

    That is a halt, a pause, a cancel, a suspension of an account, or a cancel of an unknown child.

    It is also True for the pause or cancel of many orders at once (``bulk`` or a basket), and for its review.
    A resume is not a stop.
    """
    return is_halt(method, path) or _STOPS.fullmatch(f"{method} {path}") is not None
