from __future__ import annotations

from django.db import models

from execution.models.fields import PublicIdField
from execution.models.orders import ChildOrder
from execution.models.venues import Account


class DifferenceKind(models.TextChoices):
    FOREIGN = "foreign", "foreign order"
    ORPHAN = "orphan", "our mark, no child"
    OPEN_THERE = "open_there", "open there, final here"
    GONE_THERE = "gone_there", "open here, not known there"
    LOST_TRADE = "lost_trade", "trade without a child"
    MISSING_FILLS = "missing_fills", "reported, trades missing"
    UNREADABLE = "unreadable", "of others, unreadable"


class Difference(models.Model):
    """A difference between the desk's books and the venue's.

    A poll that finds a difference opens it. It is closed when polls no longer find it. ``evidence`` has the facts of
    both sides, as JSON values. A foreign order is not an error. It is shown, and the desk does nothing about it.
    """

    public_id = PublicIdField()
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="differences")
    kind = models.CharField(max_length=16, choices=DifferenceKind.choices)
    symbol = models.CharField(max_length=40)
    key = models.CharField(max_length=80, help_text="exchange order id, client id or trade id")
    child = models.ForeignKey(
        ChildOrder, null=True, blank=True, on_delete=models.SET_NULL, related_name="differences"
    )
    evidence = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "symbol", "key"],
                condition=models.Q(resolved_at=None),
                name="difference_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} at {self.account}"
