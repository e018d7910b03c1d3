"""The parsing of the reason in a dialog."""

from __future__ import annotations

from collections.abc import Mapping


def posted_reason(posted: Mapping[str, str]) -> str:
    """Return the reason as written, without the spaces around it; "" if none was given."""
    return posted.get("reason", "").strip()
