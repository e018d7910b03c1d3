from __future__ import annotations

from django.db import models

from execution.core.journal import GENESIS

#: The name of the audit's chain.
AUDIT = "audit"


class AuditEntry(models.Model):
    """A change outside of orders (halts, keys, accounts, people, tokens), with its author and reason.

    Each entry carries the hash of the one before it, as an order's journal does. Append-only.
    """

    sequence = models.PositiveBigIntegerField(unique=True)
    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=170, help_text="role:username, or desk")
    kind = models.CharField(max_length=32)
    subject = models.CharField(max_length=80, help_text="label or public id of what was changed")
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class ChainHead(models.Model):
    """The end of a chain, stored apart from the chain: its number of entries, and the hash of the last one.

    Its row is also the lock of the chain. The head of an order's journal is the order's own row.
    """

    name = models.CharField(max_length=16, unique=True)
    sequence = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=GENESIS)

    def __str__(self) -> str:
        return f"{self.name} {self.sequence}"


class JournalCheck(models.Model):
    """One check of every chain: its progress, and its findings. The check of one night is one row."""

    started_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    #: The time until which a process holds the check. Two processes at once would count twice.
    held_until = models.DateTimeField(null=True, blank=True)
    #: The primary key of the last order that was checked; null until the audit, which comes first, is checked.
    after_order = models.PositiveBigIntegerField(null=True, blank=True)
    orders = models.PositiveBigIntegerField(default=0)
    entries = models.PositiveBigIntegerField(default=0)
    #: The breaks as ``payloads.journal.BreakRow``. Only the first ones are stored.
    breaks = models.JSONField(default=list, blank=True)
    broken = models.PositiveBigIntegerField(default=0, help_text="how many breaks there are")

    def __str__(self) -> str:
        return f"check of {self.started_at:%Y-%m-%d %H:%M}: {self.broken} breaks"
