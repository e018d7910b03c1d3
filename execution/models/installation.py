from __future__ import annotations

import secrets

from django.db import models


class Environment(models.TextChoices):
    PAPER = "paper", "PAPER"
    TESTNET = "testnet", "TESTNET"
    LIVE = "live", "LIVE"


def random_quote_key() -> str:
    return secrets.token_hex(32)


class Installation(models.Model):
    """The only row that identifies the installation of this database.

    ``mark`` is part of every client id. A new mark is drawn when a backup is restored, and ``former_marks`` has all
    earlier marks. So no client id is ever used twice. ``sealing_key`` (hex) is the public key of the workers.
    ``alert_sealing_key`` is that of the process that sends alerts. ``quote_key`` (hex) signs the market data that
    engines publish in Redis (selectors/quote_signatures.py).
    """

    singleton = models.BooleanField(default=True, unique=True, editable=False)
    mark = models.CharField(max_length=4)
    former_marks = models.JSONField(default=list, blank=True)
    environment = models.CharField(max_length=8, choices=Environment.choices)
    sealing_key = models.TextField(blank=True)
    alert_sealing_key = models.TextField(blank=True, default="")
    quote_key = models.CharField(max_length=64, default=random_quote_key, editable=False)
    #: The last time at which a worker was alive. A long gap since then means that the desk was down.
    last_alive_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.environment} installation {self.mark}"


class Worker(models.Model):
    """A running engine. Orders and accounts name it as their owner. It acts only while its lease is valid."""

    boot_id = models.CharField(max_length=32, unique=True)
    host = models.CharField(max_length=255)
    process_id = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    lease_until = models.DateTimeField(db_index=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    #: Parts of the engine, by name, that keep failing and do not belong to one account (core/faults.py).
    faults = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.host}:{self.process_id}"
