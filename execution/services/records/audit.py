"""The desk's own journal: who changed halts, accounts, keys, people and tokens, when and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from execution.models import AuditEntry


def audit_append(
    *, kind: str, actor: str, subject: str, at: datetime, reason: str = "", data: dict[str, Any] | None = None
) -> AuditEntry:
    """Append an entry inside the caller's transaction. ``actor`` is "role:username" or "desk"; no secrets."""
    return AuditEntry.objects.create(
        kind=kind, actor=actor, subject=subject, reason=reason, data=data or {}, at=at
    )
