from __future__ import annotations

from django.conf import settings
from django.db import models

from execution.core.limits.kinds import LimitKind, LimitLevel, LimitScope
from execution.models.fields import ExactDecimalField, PublicIdField
from execution.models.orders import Order
from execution.models.venues import Account


def _choices(names: type[LimitKind | LimitScope | LimitLevel]) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ")) for member in names]


class TradingLimit(models.Model):
    """A limit that a supervisor set. A change makes a new row.

    The former row records who ended the former limit, and when.
    """

    public_id = PublicIdField()
    #: Kind, scope, subject, level and currency. Only one limit with the same key is in force.
    key = models.CharField(max_length=160, editable=False)
    kind = models.CharField(max_length=20, choices=_choices(LimitKind))
    scope = models.CharField(max_length=8, choices=_choices(LimitScope))
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.PROTECT, related_name="limits"
    )
    trader = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="limits"
    )
    symbol = models.CharField(max_length=40, blank=True)
    subject = models.CharField(
        max_length=150, blank=True, help_text="name of what it bounds; empty: the desk"
    )
    level = models.CharField(max_length=8, choices=_choices(LimitLevel))
    value = ExactDecimalField()
    currency = models.CharField(max_length=20, blank=True, help_text="of a notional or a quantity")
    reason = models.TextField(blank=True)
    #: The person who set it; null for a limit that a new installation begins with.
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    set_at = models.DateTimeField()
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(ended_at=None), name="limit_in_force_once"
            ),
            models.CheckConstraint(
                name="limit_names_its_scope",
                condition=models.Q(scope="desk", account=None, trader=None, symbol="")
                | models.Q(scope="account", account__isnull=False, trader=None, symbol="")
                | models.Q(scope="trader", account=None, trader__isnull=False, symbol="")
                | (models.Q(scope="symbol", account=None, trader=None) & ~models.Q(symbol="")),
            ),
        ]

    def __str__(self) -> str:
        return self.key


class ApprovalState(models.TextChoices):
    WAITING = "waiting", "waiting"
    APPROVED = "approved", "approved"
    REFUSED = "refused", "refused"
    EXPIRED = "expired", "expired"
    WITHDRAWN = "withdrawn", "withdrawn"


class OrderApproval(models.Model):
    """A request that another person approves an order above limits, or an amendment of one.

    The approval is valid only for what was requested: the order's terms at that time, or changes to one version of
    the terms.
    """

    public_id = PublicIdField()
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="approvals")
    #: For an amendment the changes as they were requested, with the reason that was given; null for a new order.
    changes = models.JSONField(null=True, blank=True)
    change_words = models.TextField(blank=True)
    change_reason = models.TextField(blank=True)
    terms_version = models.PositiveIntegerField(help_text="the version that it is about")
    #: The kinds of the limits that were exceeded at the time of the request.
    kinds = models.JSONField(default=list)
    state = models.CharField(
        max_length=10, choices=ApprovalState.choices, default=ApprovalState.WAITING, db_index=True
    )
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, help_text="of whoever decided")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=models.Q(state="waiting"), name="approval_waits_once_per_order"
            ),
            models.CheckConstraint(
                name="approval_by_another_person",
                condition=models.Q(decided_by=None)
                | ~models.Q(state="approved")
                | ~models.Q(decided_by=models.F("requested_by")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order} {self.state}"

    @property
    def is_waiting(self) -> bool:
        return self.state == ApprovalState.WAITING
