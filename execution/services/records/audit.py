"""The audit: the record of who changed halts, accounts, keys, people and tokens, when and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from execution.core.journal import audit_entry, entry_hash
from execution.models import AuditEntry
from execution.models.audit import AUDIT, ChainHead


@transaction.atomic(savepoint=False)
def audit_append(
    *, kind: str, actor: str, subject: str, at: datetime, reason: str = "", data: dict[str, Any] | None = None
) -> AuditEntry:
    """Append an entry in the caller's transaction. ``actor`` is "role:username" or "desk". Pass no secrets.

    The audit's hash chain stays locked until the transaction ends. So take every other row lock before this call.
    Otherwise two transactions could wait for each other.
    """
    head = _head_locked()
    entry = audit_entry(head.sequence + 1, kind, actor, subject, reason, data or {}, at)
    head.sequence, head.hash = entry.version, entry_hash(head.hash, entry)
    head.save(update_fields=["sequence", "hash"])
    return AuditEntry.objects.create(
        sequence=entry.version,
        kind=kind,
        actor=actor,
        subject=subject,
        reason=reason,
        data=data or {},
        at=at,
        hash=head.hash,
    )


def _head_locked() -> ChainHead:
    heads = ChainHead.objects.select_for_update(no_key=True)
    return heads.filter(name=AUDIT).first() or heads.get_or_create(name=AUDIT)[0]
