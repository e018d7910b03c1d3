"""The services for alert channels: add, test, pause and remove. Their secrets are sealed before they are written."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from execution import notify
from execution.core.alerts.channels import SIGNED, read_target
from execution.core.alerts.delivery import AlertEvent, Takes
from execution.core.alerts.kinds import AlertKind, Severity
from execution.core.problem_codes import Code
from execution.core.problems import Problem, length_problem, not_allowed, refuse, refuse_if
from execution.models import AlertChannel, AlertDelivery, ChannelType, Installation, User
from execution.models.fields import draw_public_id
from execution.payloads.alerts import AlertRow
from execution.payloads.encode import epoch_ms
from execution.selectors.network import network_of
from execution.services.accounts.accounts import actor_of_admin, trusted_key
from execution.services.accounts.sealing import seal
from execution.services.alerts.events import delivery_of
from execution.services.records.audit import audit_append

MAX_LABEL = 40
SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105  # people and scanners recognise it by this


class ChannelNotFound(Exception):
    """There is no such channel."""


def channel_add(*, person: User | None, raw: Mapping[str, str], now: datetime) -> tuple[AlertChannel, str]:
    """Add a channel. Return it and the secret of a signed webhook, which nobody can read later.

    For other types the secret is empty.

    ``raw`` has ``label``, ``type``, ``takes`` (the events), ``least`` (the lowest severity) and the fields of the
    type. Raises ``Refused`` with every problem.
    """
    actor = actor_of_admin(person)
    label = raw.get("label", "").strip()
    refuse_if([*_label_problems(label), *_choice_problems(raw)])
    installation = Installation.objects.first()
    if installation is None or not installation.alert_sealing_key:
        message = "No process can send alerts yet: there is no key to seal a channel with."
        refuse("", message, code=Code.ALERT_KEY_MISSING)
    kind = raw["type"]
    target = read_target(kind, raw, network_of(installation.environment))
    secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES) if kind == SIGNED else ""
    parts = {**target.parts, **({"secret": secret} if secret else {})}
    public_id = draw_public_id()
    sealed = seal(parts, public_key_hex=trusted_key(installation.alert_sealing_key), bound_to=public_id)
    try:
        with transaction.atomic():
            _refuse_former_key(installation.alert_sealing_key)
            channel = AlertChannel.objects.create(
                public_id=public_id,
                label=label,
                type=kind,
                takes=raw["takes"],
                least=raw["least"],
                shown=target.shown,
                sealed=sealed,
                created_at=now,
            )
            _audit("channel_added", actor, channel, now)
    except IntegrityError:
        message = f"There is a channel {label!r} already."
        refuse("label", message, label, code=Code.CHANNEL_LABEL_TAKEN)
    return channel, secret


def _refuse_former_key(public_key_hex: str) -> None:
    """Refuse a channel whose secrets are sealed to a public key that a rotation has just replaced.

    After the rotation the sender may no longer have the private key that opens them.
    """
    if Installation.objects.select_for_update(no_key=True).get().alert_sealing_key != public_key_hex:
        message = "The keyring has changed meanwhile. Add the channel again."
        refuse("", message, code=Code.ACCESS_OUTDATED)


def _label_problems(label: str) -> list[Problem]:
    if not label:
        return [Problem("label", "A label is required.", code=Code.VALUE_MISSING)]
    if len(label) > MAX_LABEL:
        return [length_problem("label", "The label", label, MAX_LABEL)]
    if not label.isprintable():
        message = "The label has characters that cannot be shown."
        return [Problem("label", message, repr(label), code=Code.VALUE_MALFORMED)]
    return []


def _choice_problems(raw: Mapping[str, str]) -> list[Problem]:
    choices: dict[str, list[str]] = {
        "type": list(ChannelType.values),
        "takes": [name.value for name in Takes],
        "least": [name.value for name in Severity],
    }
    return [
        not_allowed(name, name.capitalize(), raw.get(name, ""), allowed)
        for name, allowed in choices.items()
        if raw.get(name, "") not in allowed
    ]


@transaction.atomic
def channel_test(*, person: User | None, public_id: str, now: datetime) -> AlertDelivery:
    """Queue a test message on this channel alone."""
    actor = actor_of_admin(person)
    channel = _locked(public_id)
    event_id = f"test-{draw_public_id()}"
    delivery = delivery_of(channel, AlertEvent.TEST, event_id, _test_row(channel, now), now)
    delivery.save()
    _audit("channel_tested", actor, channel, now)
    notify.deliver_alerts()
    return delivery


def _test_row(channel: AlertChannel, now: datetime) -> AlertRow:
    return AlertRow(
        id="test",
        kind=AlertKind.DISK_LOW.value,
        label="Test",
        severity=Severity.WARNING.value,
        trader="",
        text=f"This is a test of the channel {channel.label}. Nothing is wrong.",
        count=1,
        state="open",
        raised_at=epoch_ms(now),
        waits_since=epoch_ms(now),
        last_at=epoch_ms(now),
        acknowledged_at=None,
        acknowledged_by="",
        note="",
        owner="",
        escalated_at=None,
        ended_at=None,
    )


@transaction.atomic
def channel_pause(*, person: User | None, public_id: str, now: datetime) -> AlertChannel:
    """Queue no new messages for the channel. Messages that are queued already wait until the channel is resumed."""
    return _activate(person, public_id, False, now)


@transaction.atomic
def channel_resume(*, person: User | None, public_id: str, now: datetime) -> AlertChannel:
    """Resume a paused channel. Its waiting messages are sent at once."""
    channel = _activate(person, public_id, True, now)
    waiting = channel.deliveries.filter(sent_at=None, given_up_at=None)
    waiting.update(due_at=now)
    notify.deliver_alerts()
    return channel


def _activate(person: User | None, public_id: str, is_active: bool, now: datetime) -> AlertChannel:
    actor = actor_of_admin(person)
    channel = _locked(public_id)
    if channel.is_active != is_active:
        channel.is_active = is_active
        channel.save(update_fields=["is_active"])
        _audit("channel_resumed" if is_active else "channel_paused", actor, channel, now)
    return channel


@transaction.atomic
def channel_remove(*, person: User | None, public_id: str, now: datetime) -> None:
    """Delete the channel, its secrets and its queued messages."""
    actor = actor_of_admin(person)
    channel = _locked(public_id)
    waiting = channel.deliveries.filter(sent_at=None, given_up_at=None).count()
    _audit("channel_removed", actor, channel, now, {"not_sent": waiting})
    channel.delete()


def _locked(public_id: str) -> AlertChannel:
    rows = AlertChannel.objects.select_for_update(of=("self",), no_key=True)
    channel = rows.filter(public_id=public_id).first()
    if channel is None:
        raise ChannelNotFound(public_id)
    return channel


def _audit(
    kind: str, actor: str, channel: AlertChannel, now: datetime, data: dict[str, object] | None = None
) -> None:
    about = {"type": channel.type, "takes": channel.takes, "least": channel.least, "to": channel.shown}
    audit_append(kind=kind, actor=actor, subject=channel.label, at=now, data={**about, **(data or {})})
