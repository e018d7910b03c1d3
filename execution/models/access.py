from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from execution.models.fields import PublicIdField


class AccessState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    CONFIRMED = "confirmed", "Confirmed"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"


class AccessRequest(models.Model):
    """A change of access that waits for a second person.

    ``content`` and ``secret`` have the change as it was requested.

    After ``expires_at`` the request can no longer be decided, even if its state is still waiting.
    """

    public_id = PublicIdField()
    kind = models.CharField(max_length=32)
    subject = models.CharField(max_length=150, help_text="label or user name, as people read it")
    target = models.CharField(max_length=200, help_text="what it would change; one waits for it at a time")
    content = models.JSONField()
    #: A sealed key or a password's hash, stored until the request is decided. It is never shown.
    secret = models.BinaryField(null=True, blank=True)
    changes = models.JSONField(help_text="names with what is and what would be, as people read them")
    content_hash = models.CharField(max_length=64, help_text="SHA-256 of everything that is frozen, hex")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    state = models.CharField(max_length=12, choices=AccessState.choices, default=AccessState.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target"], condition=Q(state="waiting"), name="access_request_one_waits_per_target"
            ),
            models.CheckConstraint(
                name="access_request_has_two_people",
                condition=~Q(state="confirmed")
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("requested_by"))),
            ),
        ]
        indexes = [
            models.Index(fields=["requested_at"], condition=Q(state="waiting"), name="access_request_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
