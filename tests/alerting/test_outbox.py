"""Alerts leave the desk: to a local HTTP and a local SMTP server that are down for a minute of the desk's time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from execution.alerting import sender
from execution.alerting.sender import deliver_due
from execution.alerting.senders import NotDelivered
from execution.core.alerts.grouping import Finding
from execution.core.alerts.kinds import AlertKind
from execution.core.problems import Refused
from execution.engine.keyring import keyring_ensure
from execution.models import Alert, AlertChannel, AlertDelivery, AuditEntry, Installation, Role, User
from execution.services.alerts.channels import (
    channel_add,
    channel_pause,
    channel_remove,
    channel_resume,
    channel_test,
)
from execution.services.alerts.handling import alert_acknowledge
from execution.services.alerts.outbox import CLAIMED_FOR, delivery_claim
from execution.services.alerts.watching import findings_apply
from tests.alerting.far_side import FarSide, event_ids, http_server, json_of, smtp_server, text_of_mail
from tests.factories import NOW, Rows

SECOND = timedelta(seconds=1)
NEVER = timedelta(days=1)
FULL = Finding(AlertKind.DISK_LOW, "here", "the disk is full")


@pytest.fixture
def http() -> Iterator[FarSide]:
    with http_server() as side:
        yield side


@pytest.fixture
def smtp() -> Iterator[FarSide]:
    with smtp_server() as side:
        yield side


@pytest.fixture
def sealing(rows: Rows, tmp_path: Path, settings: Settings) -> Rows:
    """Return a desk with an alerts' key and no exchange key."""
    settings.TRANCHE_ALERT_KEYRING = tmp_path / "alert_keyring"
    settings.TRANCHE_KEYRING = "/dev/null"
    Installation.objects.update(alert_sealing_key=keyring_ensure(tmp_path / "alert_keyring"))
    sender._keyring.cache_clear()
    return rows


def add(kind: str, label: str = "", takes: str = "everything", **fields: str) -> tuple[AlertChannel, str]:
    raw = {"label": label or kind, "type": kind, "takes": takes, "least": "warning", **fields}
    return channel_add(person=None, raw=raw, now=NOW)


def mail_fields(smtp: FarSide) -> dict[str, str]:
    here = {"host": "127.0.0.1", "port": str(smtp.port), "security": "none"}
    return here | {"sender": "desk@example.com", "to": "night@example.com"}


def raise_alert(number: int = 0, now: datetime = NOW) -> Alert:
    finding = Finding(AlertKind.LATE_FILL, f"late {number}", f"late fill {number}", f"account {number}")
    findings_apply(findings=[finding], critical_after=NEVER, now=now)
    return Alert.objects.order_by("-pk")[0]


def deliver(seconds: float = 0) -> int:
    return deliver_due(lambda: NOW + seconds * SECOND)


def test_nothing_is_lost_and_nothing_doubled_while_the_far_sides_are_down(
    sealing: Rows, http: FarSide, smtp: FarSide
) -> None:
    """Twenty events come during a minute in which nobody answers; afterwards each channel has each event once."""
    url = f"http://127.0.0.1:{http.port}/hook"
    add("signed", url=url)
    add("webhook", url=url)
    add("mail", **mail_fields(smtp))
    raise_alert()
    assert deliver() == 3
    http.down()
    smtp.down()
    attempts = 0
    for second in range(60):
        if second % 3 == 0:
            raise_alert(1 + second, NOW + second * SECOND)
        attempts += deliver(second)
    assert attempts == 0
    assert sealing.working(now=NOW).status == "working", "trading goes on"
    tries = sum(AlertDelivery.objects.filter(sent_at=None).values_list("attempts", flat=True))
    assert tries < 30, "a dead channel is asked after pauses that grow, not for each event"
    http.up()
    smtp.up()
    assert sum(deliver(60 + 5 * tick) for tick in range(20)) == 60
    assert deliver(1000) == 0
    expected = sorted(AlertDelivery.objects.filter(channel__type="mail").values_list("event_id", flat=True))
    assert len(expected) == 21
    signed = [(headers, body) for headers, body in http.taken if "Tranche-Signature" in headers]
    arrived = {
        "signed": [headers["Tranche-Event-Id"] for headers, _ in signed],
        "webhook": event_ids(http),
        "mail": event_ids(smtp),
    }
    assert sorted(arrived["signed"]) == sorted(arrived["mail"]) == expected
    assert sorted(arrived["webhook"]) == sorted(expected * 2)
    texts = [text_of_mail(message) for _, message in smtp.taken if isinstance(message, Message)]
    assert ["late fill 0" in texts[0], "late fill 58" in texts[-1]] == [True, True], "in their order"
    assert not AlertChannel.objects.exclude(error="").exists()


def test_a_program_can_check_who_sent_a_webhook(sealing: Rows, http: FarSide) -> None:
    _, secret = add("signed", url=f"http://127.0.0.1:{http.port}/hook")
    alert = raise_alert()
    supervisor = sealing.supervisor
    alert_acknowledge(public_id=alert.public_id, person=supervisor, note="seen", now=NOW)
    assert deliver() == 2
    events = []
    for headers, body in http.taken:
        signed = headers["Tranche-Timestamp"].encode() + b"." + body
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["Tranche-Signature"] == f"v1={expected}"
        message = json_of(body)
        assert message["id"] == headers["Tranche-Event-Id"]
        events.append((message["event"], message["at"], message["alert"]["note"]))
    at = "2026-03-01T12:00:00Z"
    assert events == [("raised", at, None), ("acknowledged", at, "seen")]


@pytest.mark.parametrize("status", [500, 429, 302])
def test_an_answer_that_is_not_yes_is_tried_again_with_the_same_id(
    sealing: Rows, http: FarSide, status: int
) -> None:
    add("signed", url=f"http://127.0.0.1:{http.port}/hook")
    raise_alert()
    http.status = status
    assert [deliver(), deliver(1)] == [0, 0]
    assert AlertChannel.objects.get().error == f"the webhook answered {status}"
    assert AlertDelivery.objects.get().attempts == 1, "it waits for its pause"
    http.status = 200
    assert [deliver(2), deliver(3)] == [1, 0]
    assert (len(http.taken), AlertChannel.objects.get().error) == (1, "")


def test_a_lost_answer_comes_again_with_the_id_by_which_the_far_side_knows_it(
    sealing: Rows, http: FarSide
) -> None:
    """At least once, where the protocol has no more: the far side took it, and its answer was lost."""
    add("signed", url=f"http://127.0.0.1:{http.port}/hook")
    raise_alert()
    http.status = None
    assert deliver() == 0
    http.status = 200
    assert deliver(2) == 1
    assert len(http.taken) == 2
    assert len(set(event_ids(http))) == 1


def test_a_sender_that_died_leaves_its_claim_to_the_next_one(sealing: Rows, http: FarSide) -> None:
    add("signed", url=f"http://127.0.0.1:{http.port}/hook")
    raise_alert()
    assert delivery_claim(now=NOW) is not None
    raise_alert(1)
    assert deliver(1) == 0, "the first is under way, and the second keeps behind it"
    assert deliver(CLAIMED_FOR.total_seconds()) == 2


def test_a_channel_takes_what_it_is_for_and_a_broken_one_holds_up_no_other(
    sealing: Rows, http: FarSide
) -> None:
    url = f"http://127.0.0.1:{http.port}/hook"
    add("signed", label="night", takes="escalations", url=url)
    add("signed", label="dead", takes="alerts", url="http://127.0.0.1:1/hook")
    add("signed", label="desk", takes="alerts", url=url)
    findings_apply(findings=[FULL], critical_after=60 * SECOND, now=NOW)
    assert deliver() == 1
    findings_apply(findings=[FULL], critical_after=60 * SECOND, now=NOW + 60 * SECOND)
    assert deliver(60) == 2
    sent = AlertDelivery.objects.exclude(sent_at=None).values_list("channel__label", "event")
    assert sorted(sent) == [("desk", "escalated"), ("desk", "raised"), ("night", "escalated")]


def test_however_much_waits_for_one_channel_another_gets_its_own(sealing: Rows, http: FarSide) -> None:
    broken, _ = add("webhook", "broken", url="http://127.0.0.1:9/hook")
    for number in range(25):
        raise_alert(number)
    AlertDelivery.objects.filter(pk=broken.deliveries.order_by("pk")[0].pk).update(due_at=NOW + 60 * SECOND)
    add("webhook", "well", url=f"http://127.0.0.1:{http.port}/hook")
    raise_alert(99)
    deliver()
    assert AlertDelivery.objects.filter(channel__label="well", sent_at=None).count() == 0


def test_a_failure_of_our_own_is_kept_and_after_three_days_given_up(sealing: Rows) -> None:
    add("signed", url="http://127.0.0.1:9/hook")
    raise_alert()

    def refuse(*_: Any) -> None:
        raise NotDelivered("no")

    def fail(*_: Any) -> None:
        raise KeyError("ours")

    assert deliver_due(lambda: NOW, fail) == 0
    assert AlertChannel.objects.get().error == "the sender failed: KeyError"
    deliver_due(lambda: NOW + 3 * timedelta(days=1), refuse)
    delivery = AlertDelivery.objects.get()
    assert (delivery.given_up_at, delivery.error) == (NOW + 3 * timedelta(days=1), "no")
    assert deliver(4 * 86_400) == 0


# --- an admin's channels -----------------------------------------------------------------------------


def test_a_channel_is_sealed_tried_paused_and_removed(sealing: Rows, http: FarSide) -> None:
    admin = User.objects.create(username="admin", role=Role.ADMIN)
    channel, secret = add("signed", url=f"http://127.0.0.1:{http.port}/private-path")
    assert secret.startswith("whsec_")
    assert secret.encode() not in bytes(channel.sealed)
    assert b"private-path" not in bytes(channel.sealed)
    who: dict[str, Any] = {"person": admin, "public_id": channel.public_id, "now": NOW}
    channel_test(**who)
    assert deliver() == 1
    assert json_of(http.taken[0][1])["event"] == "test"
    raise_alert()
    channel_pause(**who)
    assert deliver(1) == 0
    raise_alert(2)
    channel_resume(**who)
    assert deliver(2) == 1, "what came while it was paused was not for it"
    channel_remove(**who)
    assert not AlertDelivery.objects.exists()
    kinds = [kind.removeprefix("channel_") for kind in AuditEntry.objects.values_list("kind", flat=True)]
    assert kinds == ["added", "tested", "paused", "resumed", "removed"]
    with pytest.raises(Refused, match="Only an active admin"):
        channel_add(person=sealing.supervisor, raw={}, now=NOW)


def test_another_keyring_opens_no_channel(sealing: Rows, tmp_path: Path, settings: Settings) -> None:
    add("signed", url="http://127.0.0.1:9/hook")
    keyring_ensure(tmp_path / "other")
    settings.TRANCHE_ALERT_KEYRING = tmp_path / "other"
    raise_alert()
    assert deliver() == 0
    assert "does not hold" in AlertChannel.objects.get().error


def test_a_label_is_taken_once_and_without_a_key_there_is_no_channel(sealing: Rows) -> None:
    add("signed", url="http://127.0.0.1:9/hook")
    with pytest.raises(Refused, match="There is a channel 'signed' already"):
        add("signed", url="http://127.0.0.1:9/hook")
    Installation.objects.update(alert_sealing_key="")
    with pytest.raises(Refused, match="No process can send alerts yet"):
        add("signed", label="second", url="http://127.0.0.1:9/hook")
    assert AlertChannel.objects.count() == 1
