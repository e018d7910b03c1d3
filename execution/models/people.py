from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from execution.models.fields import PublicIdField


class Role(models.TextChoices):
    TRADER = "trader", "Trader"
    SUPERVISOR = "supervisor", "Supervisor"
    ADMIN = "admin", "Admin"


class User(AbstractUser):
    """A person at the desk, with one role."""

    public_id = PublicIdField()
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.TRADER)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(name="user_role_known", condition=models.Q(role__in=Role.values))
        ]

    @property
    def may_trade(self) -> bool:
        return self.role == Role.TRADER
