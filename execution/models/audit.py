from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """What was changed outside of orders (halts, keys, accounts, people, tokens), by whom and why. Append-only."""

    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=170, help_text="role:username, or desk")
    kind = models.CharField(max_length=32)
    subject = models.CharField(max_length=80, help_text="label or public id of what was changed")
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
