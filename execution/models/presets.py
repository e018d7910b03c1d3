from __future__ import annotations

from django.conf import settings
from django.db import models

from execution.core.orders.presets import MAX_PRESET_NAME, LimitMode
from execution.models.fields import PublicIdField


class Preset(models.Model):
    """An algorithm with its parameters under a name, of one person or of the desk."""

    public_id = PublicIdField()
    #: The trader who saved it for themselves; null: a supervisor saved it for everybody.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="presets"
    )
    name = models.CharField(max_length=MAX_PRESET_NAME)
    symbol = models.CharField(max_length=40, blank=True, help_text="empty: any symbol")
    algorithm = models.CharField(max_length=16)
    parameters = models.JSONField(help_text="as an order's terms keep them")
    accounts = models.JSONField(
        default=list, blank=True, help_text="public ids; empty: the ticket keeps its own"
    )
    limit_mode = models.CharField(
        max_length=8,
        choices=[(mode.value, mode.value) for mode in LimitMode],
        default=LimitMode.LEAVE.value,
    )
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "algorithm", "symbol", "name"],
                condition=models.Q(owner__isnull=False),
                name="preset_name_once_per_person",
            ),
            models.UniqueConstraint(
                fields=["algorithm", "symbol", "name"],
                condition=models.Q(owner__isnull=True),
                name="preset_name_once_per_desk",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.algorithm} {self.symbol or 'any symbol'})"
