from __future__ import annotations

from django.conf import settings
from django.db import models

from execution.core.alerts.delivery import AlertEvent, Takes
from execution.core.alerts.kinds import AlertKind, Severity
from execution.models.fields import PublicIdField
from execution.models.orders import Order

KINDS = [(kind.value, kind.label) for kind in AlertKind]
SEVERITIES = [(severity.value, severity.value.title()) for severity in Severity]


class ChannelType(models.TextChoices):
    SIGNED = "signed", "Signed webhook"
    WEBHOOK = "webhook", "Webhook"
    MAIL = "mail", "Mail"
    SLACK = "slack", "Slack"
    TELEGRAM = "telegram", "Telegram"


class Alert(models.Model):
    """A group of problems, in one row for all problems of one kind and scope."""

    public_id = PublicIdField()
    kind = models.CharField(max_length=20, choices=KINDS)
    severity = models.CharField(max_length=8, choices=SEVERITIES)
    group_key = models.CharField(max_length=120)
    #: The trader whose orders the alert is about; null if it is about the desk, an account or a venue.
    trader = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="alerts"
    )
    text = models.TextField(help_text="what the newest of its subjects says")
    count = models.PositiveIntegerField(default=0, help_text="subjects that it has had")
    raised_at = models.DateTimeField()
    #: The time since which it waits for an acknowledgement. An acknowledged alert opens again when a subject is added.
    waits_since = models.DateTimeField()
    last_at = models.DateTimeField(help_text="when its newest subject came")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.TextField(blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    escalated_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    #: The number of events so far. The next event gets it as its number.
    events = models.PositiveIntegerField(default=0)
    #: The time of the last message to people about the alert, and its number of subjects then.
    told_at = models.DateTimeField()
    told_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group_key"], condition=models.Q(ended_at=None), name="alert_open_once_per_group"
            )
        ]
        indexes = [models.Index(fields=["-raised_at"], name="alert_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class AlertSubject(models.Model):
    """One subject of an alert, such as an order, a child, an account or an engine."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="subjects")
    key = models.CharField(max_length=120)
    text = models.TextField()
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    #: The time since which the problem is over; null while it lasts.
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "key"], name="alert_subject_once")]

    def __str__(self) -> str:
        return self.key


class AlertSignal(models.Model):
    """An event that a service recorded in its own transaction. The watcher turns it into an alert and deletes it.

    To raise an alert, a trading service writes only this row. Writing it locks nothing and waits for nobody.
    """

    kind = models.CharField(max_length=20, choices=KINDS)
    subject = models.CharField(max_length=120, blank=True)
    text = models.TextField()
    scope = models.CharField(max_length=80, blank=True)
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} {self.text}"


class AlertWatch(models.Model):
    """The watcher's only row: the process that does the checks now, and the time of the last round of checks."""

    singleton = models.BooleanField(default=True, unique=True, editable=False)
    holder = models.CharField(max_length=32, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    watched_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"watched by {self.holder}"


class AlertChannel(models.Model):
    """A channel by which alerts leave the desk.

    Its address and secrets are sealed. The web process can write them, but cannot read them.
    """

    public_id = PublicIdField()
    label = models.CharField(max_length=40, unique=True)
    type = models.CharField(max_length=8, choices=ChannelType.choices)
    takes = models.CharField(max_length=12, choices=[(name.value, name.value) for name in Takes])
    least = models.CharField(max_length=8, choices=SEVERITIES, help_text="the lowest severity that it takes")
    #: The part of the address that people may see.
    shown = models.CharField(max_length=120)
    sealed = models.BinaryField()
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    error_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.label


class AlertDelivery(models.Model):
    """An event that is to be sent on a channel. The rows are the queue."""

    channel = models.ForeignKey(AlertChannel, on_delete=models.CASCADE, related_name="deliveries")
    alert = models.ForeignKey(
        Alert, null=True, blank=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    event_id = models.CharField(max_length=40, help_text="the same at each attempt, and on every channel")
    event = models.CharField(max_length=12, choices=[(name.value, name.value) for name in AlertEvent])
    body = models.JSONField()
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    #: The time until which the process that sends it has claimed it.
    claimed_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "event_id"], name="alert_delivery_once_per_event")
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(sent_at=None, given_up_at=None),
                name="alert_delivery_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.channel}"
