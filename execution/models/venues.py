from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models

from execution.core.guarantees import guarantees_of
from execution.core.types import MarketStatus
from execution.models.fields import ExactDecimalField, PublicIdField
from execution.models.installation import Environment, Worker


class Venue(models.Model):
    """An exchange by its ccxt id, with the options for ccxt (base URLs included)."""

    label = models.CharField(max_length=40, unique=True)
    exchange = models.CharField(max_length=40, help_text="ccxt's id of the exchange")
    options = models.JSONField(default=dict, blank=True)

    #: The worker whose session watches the venue's markets, for all accounts and engines of the desk.
    market_owner = models.ForeignKey(
        Worker, null=True, blank=True, on_delete=models.SET_NULL, related_name="venues"
    )
    market_fence = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.label


class Account(models.Model):
    """A named account at a venue.

    At any time at most one worker owns it. Only the session of that worker sends its orders.
    """

    public_id = PublicIdField()
    venue = models.ForeignKey(Venue, on_delete=models.PROTECT, related_name="accounts")
    label = models.CharField(max_length=40, unique=True)
    environment = models.CharField(max_length=8, choices=Environment.choices)
    symbols = models.JSONField(default=list, help_text="Symbols that the desk trades here")
    is_active = models.BooleanField(default=True)
    traders = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="accounts", blank=True)
    is_exclusive = models.BooleanField(
        default=False,
        help_text="Nobody but the desk has orders here: a dead-man's switch may cancel them all",
    )

    accepted_assumptions = models.JSONField(
        default=list, blank=True, help_text="names of guarantees that are only assumed"
    )

    owner = models.ForeignKey(
        Worker, null=True, blank=True, on_delete=models.SET_NULL, related_name="accounts"
    )
    fence = models.PositiveBigIntegerField(default=0)
    #: Everything that happened at the venue before this time is in the desk's books.
    reconciled_until = models.DateTimeField(null=True, blank=True)
    #: The fence under which a complete poll succeeded. A holder with another fence has to poll before it creates
    #: orders.
    reconciled_fence = models.PositiveBigIntegerField(null=True, blank=True)
    #: The time since which something may have been missed: a session began, or the stream was lost. A complete poll
    #: that began later ends the doubt.
    doubted_at = models.DateTimeField(null=True, blank=True)
    #: Symbols that were completely polled while the account was in doubt, with the poll's fence and start.
    symbols_read = models.JSONField(default=dict, blank=True)
    #: Symbols that cannot be read now, with the fence, the error, its start, and a flag if the error blocks new
    #: children.
    symbols_unread = models.JSONField(default=dict, blank=True)
    #: The time at which a person asked for a poll. It is null again once a session has polled.
    poll_requested_at = models.DateTimeField(null=True, blank=True)
    #: While ``reconciled_until`` is null, the venue is polled from this time on. It is the time of a restored backup.
    reconcile_from = models.DateTimeField(null=True, blank=True)

    # The session's health, for the pages; no decision reads it.
    latency_ms = models.FloatField(null=True, blank=True)
    error = models.TextField(blank=True)
    error_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="failed calls since the last successful poll")
    stream_at = models.DateTimeField(null=True, blank=True)
    polled_at = models.DateTimeField(null=True, blank=True)
    #: The reason why the private stream was last suspected and so reconnected, and the time of that.
    stream_suspicion = models.TextField(blank=True, default="")
    stream_suspected_at = models.DateTimeField(null=True, blank=True)
    #: The time until which the dead-man's switch is armed, as the exchange confirmed; null while it is not armed.
    switch_until = models.DateTimeField(null=True, blank=True)
    switch_error = models.TextField(
        blank=True, help_text="why the switch could not be armed, renewed or taken back"
    )
    #: Parts of the account's session, by name, that keep failing in the desk's own code (core/faults.py).
    faults = models.JSONField(default=dict, blank=True)

    @property
    def is_reconciled(self) -> bool:
        """Return True if the desk knows all open orders of the account.

        For this, the worker that owns the account must have polled everything since it claimed the account, and since
        ``doubted_at``, the last moment at which orders may have been missed.
        """
        until = self.reconciled_until
        if until is None or self.reconciled_fence != self.fence:
            return False
        return self._is_since_doubt(until)

    def is_symbol_reconciled(self, symbol: str) -> bool:
        """Return True if new children of a symbol may be sent.

        For this, the account's worker must have polled the symbol since it claimed the account. It must also have
        polled the symbol since ``doubted_at``, the last moment at which orders may have been missed.
        """
        if self.unread_now.get(symbol, {}).get("blocks"):
            return False
        if self.is_reconciled:
            return True
        read = self.symbols_read.get(symbol)
        if read is None or read["fence"] != self.fence:
            return False
        return self._is_since_doubt(datetime.fromisoformat(read["begun"]))

    def _is_since_doubt(self, begun: datetime) -> bool:
        return self.doubted_at is None or begun >= self.doubted_at

    @property
    def unread_now(self) -> dict[str, dict[str, Any]]:
        """Return the symbols that the account's present worker cannot read, with the facts stored about each.

        Symbols that an earlier worker could not read are left out.
        """
        return {name: one for name, one in self.symbols_unread.items() if one["fence"] == self.fence}

    @property
    def open_assumptions(self) -> tuple[str, ...]:
        """Return the names of assumptions that a live account's safety depends on and that no admin has accepted."""
        if self.environment != Environment.LIVE:
            return ()
        assumed = guarantees_of(self.venue.exchange).assumed_for_safety()
        return tuple(name for name in assumed if name not in self.accepted_assumptions)

    def symbol_doubt(self, symbol: str) -> str:
        """Return the reason why no new child of a symbol may be sent; empty when one may."""
        if self.is_symbol_reconciled(symbol):
            return ""
        unread = self.unread_now.get(symbol)
        why = "" if unread is None else f": it cannot be read ({unread['error']})"
        return f"account {self.label}: {symbol} is not reconciled yet{why}"

    def __str__(self) -> str:
        return self.label


class CredentialState(models.TextChoices):
    UNCHECKED = "unchecked", "Unchecked"
    ACTIVE = "active", "Active"
    REFUSED = "refused", "Refused"
    SUSPENDED = "suspended", "Suspended"
    RETIRED = "retired", "Retired"


class Credential(models.Model):
    """A sealed API key of an account. The web process can write it, but only a worker can open it."""

    public_id = PublicIdField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credentials")
    sealed = models.BinaryField()
    last_four = models.CharField(max_length=4)
    state = models.CharField(
        max_length=12, choices=CredentialState.choices, default=CredentialState.UNCHECKED
    )
    permissions = models.JSONField(default=dict, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    #: The time at which a check of the key was requested. It is null again once a session has checked.
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
    """Rules and fees of a symbol at a venue, refreshed by the account session."""

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
    max_notional = ExactDecimalField(null=True, blank=True)
    #: The price of a buy, and of a sell, must lie between these multiples of the reference price.
    buy_band_low = ExactDecimalField(null=True, blank=True)
    buy_band_high = ExactDecimalField(null=True, blank=True)
    sell_band_low = ExactDecimalField(null=True, blank=True)
    sell_band_high = ExactDecimalField(null=True, blank=True)
    status = models.CharField(max_length=16, default=MarketStatus.OPEN.value, help_text="what it takes now")
    #: The venue's own name for the status.
    status_word = models.CharField(max_length=60, blank=True, default="")
    refreshed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["venue", "symbol"], name="market_once_per_venue")]

    def __str__(self) -> str:
        return f"{self.symbol} at {self.venue}"


class Balance(models.Model):
    """An account's amounts of a currency, as the exchange reported them at ``at``.

    An amount that the exchange did not report is null.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="balances")
    currency = models.CharField(max_length=20)
    free = ExactDecimalField(null=True, blank=True)
    locked = ExactDecimalField(null=True, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "currency"], name="balance_once_per_currency")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.currency}"
