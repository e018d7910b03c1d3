from __future__ import annotations

from django.conf import settings
from django.db import models

from execution.models.fields import ExactDecimalField, PublicIdField
from execution.models.installation import Environment, Worker


class Venue(models.Model):
    """An exchange as ccxt knows it, with the options that ccxt is handed (base URLs included)."""

    label = models.CharField(max_length=40, unique=True)
    exchange = models.CharField(max_length=40, help_text="ccxt's id of the exchange")
    options = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return self.label


class Account(models.Model):
    """A named account at a venue. One worker's session at a time speaks for it."""

    public_id = PublicIdField()
    venue = models.ForeignKey(Venue, on_delete=models.PROTECT, related_name="accounts")
    label = models.CharField(max_length=40, unique=True)
    environment = models.CharField(max_length=8, choices=Environment.choices)
    symbols = models.JSONField(default=list, help_text="Symbols that the desk trades here")
    is_active = models.BooleanField(default=True)
    traders = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="accounts", blank=True)

    owner = models.ForeignKey(
        Worker, null=True, blank=True, on_delete=models.SET_NULL, related_name="accounts"
    )
    fence = models.PositiveBigIntegerField(default=0)
    #: Everything that happened at the venue before this moment is in our books.
    reconciled_until = models.DateTimeField(null=True, blank=True)
    #: Under which fence a complete look succeeded; another holder has to look before it creates.
    reconciled_fence = models.PositiveBigIntegerField(null=True, blank=True)
    #: Since when something may have been missed (a session began, the stream was lost): a complete look
    #: that began later ends the doubt.
    doubted_at = models.DateTimeField(null=True, blank=True)
    #: A person asked for a look that no session has made yet.
    look_wanted_at = models.DateTimeField(null=True, blank=True)
    #: From when on the venue is asked while ``reconciled_until`` is null: where a restored backup ends.
    reconcile_from = models.DateTimeField(null=True, blank=True)

    # The session's health, for the pages; no decision reads it.
    latency_ms = models.FloatField(null=True, blank=True)
    error = models.TextField(blank=True)
    error_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="failed calls since the last good look")
    stream_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    #: Parts of its session that keep failing in our own code, by name (core/faults.py).
    faults = models.JSONField(default=dict, blank=True)

    @property
    def is_reconciled(self) -> bool:
        """Its holder has looked at all of it since its claim and since anything may have been missed."""
        until = self.reconciled_until
        if until is None or self.reconciled_fence != self.fence:
            return False
        return self.doubted_at is None or until >= self.doubted_at

    def __str__(self) -> str:
        return self.label


class CredentialState(models.TextChoices):
    UNCHECKED = "unchecked", "Unchecked"
    ACTIVE = "active", "Active"
    REFUSED = "refused", "Refused"
    SUSPENDED = "suspended", "Suspended"
    RETIRED = "retired", "Retired"


class Credential(models.Model):
    """A sealed API key of an account; the web process can write it and nobody but a worker can open it."""

    public_id = PublicIdField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credentials")
    sealed = models.BinaryField()
    last_four = models.CharField(max_length=4)
    state = models.CharField(
        max_length=12, choices=CredentialState.choices, default=CredentialState.UNCHECKED
    )
    permissions = models.JSONField(default=dict, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    #: Somebody asked for a check that no session has made yet.
    check_wanted_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="why the last check failed or the key was refused")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(state__in=[CredentialState.UNCHECKED, CredentialState.ACTIVE]),
                name="credential_one_in_use_per_account",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account} …{self.last_four}"


class Market(models.Model):
    """Limits and fees of a symbol at a venue, refreshed by the account session."""

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="markets")
    symbol = models.CharField(max_length=40)
    base = models.CharField(max_length=20)
    quote = models.CharField(max_length=20)
    tick = ExactDecimalField()
    lot = ExactDecimalField()
    min_quantity = ExactDecimalField()
    min_notional = ExactDecimalField()
    max_quantity = ExactDecimalField(null=True, blank=True)
    maker_fee = ExactDecimalField(null=True, blank=True)
    taker_fee = ExactDecimalField(null=True, blank=True)
    refreshed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["venue", "symbol"], name="market_once_per_venue")]

    def __str__(self) -> str:
        return f"{self.symbol} at {self.venue}"


class Balance(models.Model):
    """What an account holds of a currency, as the exchange said at ``at``."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="balances")
    currency = models.CharField(max_length=20)
    free = ExactDecimalField()
    locked = ExactDecimalField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "currency"], name="balance_once_per_currency")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.currency}"
