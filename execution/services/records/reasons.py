"""The reason that a person gives for an action, as it is kept."""

from __future__ import annotations

from execution.core.problems import Refused, length_problem

MAX_REASON_LENGTH = 500


def kept_reason(reason: str) -> str:
    """Return the reason without spaces around it; raises ``Refused`` for none, and for one that is too long."""
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON_LENGTH:
        raise Refused([length_problem("reason", "The reason", reason, MAX_REASON_LENGTH, 1)])
    return reason
