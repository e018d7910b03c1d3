"""The secrets that are sealed to a keyring, and how they are sealed again to a new key.

They are the accounts' exchange keys and the secrets of alert channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import transaction

from execution.models import AlertChannel, Credential, Installation
from execution.services.accounts.sealing import key_id_of
from execution.services.records.audit import audit_append
from execution.services.records.journal import DESK

Column = Literal["sealing_key", "alert_sealing_key"]


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A row with a sealed secret.

    ``bound_to`` is the public id of the account or channel to which the secret belongs. The secret opens with this
    id only. ``name`` tells people which secret it is, such as ``channel night``.
    """

    pk: int
    name: str
    bound_to: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class SealedBook:
    """All secrets that are sealed to one keyring, and the public key to which the installation seals."""

    name: str
    column: Column
    rows: Callable[[], Iterator[SealedRow]]
    table: type[Credential] | type[AlertChannel]

    def public_key_hex(self) -> str:
        return str(Installation.objects.values_list(self.column, flat=True).get())

    @transaction.atomic
    def switch(self, *, public_key_hex: str, now: datetime) -> bool:
        """Make another public key the one to which the installation seals new secrets.

        Return False if it is that key already.
        """
        installation = Installation.objects.select_for_update(no_key=True).get()
        former = getattr(installation, self.column)
        if former == public_key_hex:
            return False
        setattr(installation, self.column, public_key_hex)
        installation.save(update_fields=[self.column])
        data = {"former": _id(former), "now": _id(public_key_hex)}
        audit_append(kind="keyring.rotated", actor=DESK, subject=self.name, at=now, data=data)
        return True

    def reseal(self, row: SealedRow, sealed: bytes) -> bool:
        """Replace the sealed bytes in ``row`` by ``sealed``.

        Return False if somebody has replaced the stored bytes since ``row`` was read.
        """
        return self.table.objects.filter(pk=row.pk, sealed=row.sealed).update(sealed=sealed) == 1

    @transaction.atomic
    def note_forgotten(self, *, keys: int, now: datetime) -> None:
        audit_append(
            kind="keyring.forgotten", actor=DESK, subject=self.name, at=now, data={"former_keys": keys}
        )


def _credentials() -> Iterator[SealedRow]:
    """Yield every exchange key, retired ones too: a retired key may still have to cancel resting orders."""
    for one in Credential.objects.select_related("account").order_by("pk"):
        name = f"key …{one.last_four or '••••'} ({one.state}, number {one.pk}) of {one.account.label}"
        yield SealedRow(one.pk, name, one.account.public_id, bytes(one.sealed))


def _channels() -> Iterator[SealedRow]:
    for one in AlertChannel.objects.order_by("pk"):
        yield SealedRow(one.pk, f"channel {one.label}", one.public_id, bytes(one.sealed))


def _id(public_key_hex: str) -> str:
    return key_id_of(bytes.fromhex(public_key_hex)).hex() if public_key_hex else ""


ACCOUNT_KEYS = SealedBook("keyring", "sealing_key", _credentials, Credential)
ALERT_CHANNELS = SealedBook("alert keyring", "alert_sealing_key", _channels, AlertChannel)
