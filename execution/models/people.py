from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models

from execution.core.types import Role
from execution.models.fields import ExactDecimalField, PublicIdField


class User(AbstractUser):
    """A person at the desk, with one role."""

    public_id = PublicIdField()
    role = models.CharField(
        max_length=16, choices=[(role.value, role.label) for role in Role], default=Role.TRADER
    )
    sees_desk = models.BooleanField(default=False, help_text="a trader who may see everybody's orders")
    #: Above this notional (quote units) the ticket asks for the quantity a second time; null: it never asks.
    confirm_above = ExactDecimalField(
        null=True, blank=True, default=Decimal(100_000), help_text="quote units; empty: never asked"
    )

    #: An admin or supervisor who was made inactive still counts as a second person until this time (docs/how-
    #: to/people.md).
    counts_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(name="user_role_known", condition=models.Q(role__in=list(Role)))
        ]

    @property
    def may_trade(self) -> bool:
        return self.role == Role.TRADER


class Scope(models.TextChoices):
    READ = "read", "Read"
    TRADE = "trade", "Trade"
    HALT = "halt", "Halt"


def all_scopes() -> list[str]:
    return list(Scope.values)


class ApiToken(models.Model):
    """A person's bearer token. Only its hash is stored. Its text is shown once, when it is created."""

    public_id = PublicIdField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=40, blank=True)
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256, hex")
    last_four = models.CharField(max_length=4)
    scopes = models.JSONField(default=all_scopes, help_text="what it may do of what its person may")
    addresses = models.JSONField(
        default=list, blank=True, help_text="networks that it may be used from; empty: any"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.person} …{self.last_four}"


class Login(models.Model):
    """A session of a person. It exists because Django's own session row has neither the person nor the last use."""

    public_id = PublicIdField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="logins")
    session_key = models.CharField(max_length=40, unique=True)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=200, blank=True, help_text="as it calls itself")

    def __str__(self) -> str:
        return f"{self.person} since {self.began_at:%Y-%m-%d %H:%M}"


class KnownBrowser(models.Model):
    """A browser in which a person has logged in before. It is recognized by the hash of its cookie."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="browsers")
    token_hash = models.CharField(max_length=64, help_text="SHA-256, hex")
    seen_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0, help_text="logins that failed here lately")
    failed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "token_hash"], name="known_browser_once_per_person")
        ]

    def __str__(self) -> str:
        return f"a browser of {self.person}"


class SecondFactor(models.Model):
    """A person's second factor: the secret of their authenticator, sealed with a key of the web process."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="factor")
    sealed = models.BinaryField()
    made_at = models.DateTimeField()
    #: The number of the last 30-second step whose code was accepted. No code is accepted twice.
    last_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"second factor of {self.person}"


class RecoveryCode(models.Model):
    """A code that a person may use once instead of their authenticator's code. Only its hash is stored."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    code_hash = models.CharField(max_length=64, help_text="SHA-256, hex")
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "code_hash"], name="recovery_code_once_per_person")
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.person}"


class Watchlist(models.Model):
    """The symbols that a person chose to watch, in their sequence. Without a row the person has the default list."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watchlist"
    )
    symbols = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"watchlist of {self.person}"
