from __future__ import annotations

from django.db import models

from execution.core.journal import GENESIS

#: The name of the audit's chain.
AUDIT = "audit"


class AuditEntry(models.Model):
    """A change outside of orders (halts, keys, accounts, people, tokens), its author and its reason.

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
    """The end of a chain, stored apart from it: the number of entries, and the hash of the last one.

    It is the lock of the chain, too. An order's head is its own row.
    """

    name = models.CharField(max_length=16, unique=True)
    sequence = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=GENESIS)

    def __str__(self) -> str:
        return f"{self.name} {self.sequence}"


class JournalCheck(models.Model):
    """One check of every chain: its progress, and its findings. A night's check is one row."""

    started_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    #: Until when somebody is at it: two at once would count twice.
    held_until = models.DateTimeField(null=True, blank=True)
    #: The last order that was checked, by its primary key; null while the audit is to be checked first.
    after_order = models.PositiveBigIntegerField(null=True, blank=True)
    orders = models.PositiveBigIntegerField(default=0)
    entries = models.PositiveBigIntegerField(default=0)
    #: The breaks as ``payloads.journal.BreakRow``, at most as many as are worth reading.
    breaks = models.JSONField(default=list, blank=True)
    broken = models.PositiveBigIntegerField(default=0, help_text="how many breaks there are")

    def __str__(self) -> str:
        return f"check of {self.started_at:%Y-%m-%d %H:%M}: {self.broken} breaks"
