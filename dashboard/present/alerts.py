"""Alerts as text for pages: states with their signs, ages, and the parts of a channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dashboard.present.accounts import Moment, Pill, moment
from execution.core.alerts.channels import FIELDS, SECRET
from execution.core.alerts.delivery import Takes
from execution.payloads.alerts import AlertRow, AlertSubjectRow
from execution.payloads.encode import moment_of
from execution.selectors.alerts.channels import ChannelRow

SEVERITIES = {"critical": Pill("!!", "critical", "bad"), "warning": Pill("!", "warning", "warn")}
FIELD_LABELS = {
    "url": ("Address", "https://… of the far side"),
    "host": ("Server", "mail.example.com"),
    "port": ("Port", "empty: 587, 465 or 25 by the encryption"),
    "security": ("Encryption", "starttls, tls or none"),
    "user": ("User", "empty: no login"),
    "password": ("Password", ""),
    "sender": ("From", "one address"),
    "to": ("To", "one address"),
    "token": ("Bot token", "123456:ABC…"),
    "chat": ("Chat", "its number, or the @name of a channel"),
}
TAKES = {
    Takes.ALERTS.value: "alerts: raised, grown, escalated",
    Takes.ESCALATIONS.value: "escalations only",
    Takes.EVERYTHING.value: "everything: for programs",
}


@dataclass(frozen=True, slots=True)
class AlertShown:
    """An alert as the pages show it."""

    row: AlertRow
    severity: Pill
    state: Pill
    raised: Moment
    last: Moment
    waits: Moment
    acknowledged: Moment
    escalated: Moment
    ended: Moment
    text: str


def alert_shown(row: AlertRow, now: datetime) -> AlertShown:
    return AlertShown(
        row=row,
        severity=SEVERITIES[row["severity"]],
        state=_state(row),
        raised=_moment(row["raised_at"], now),
        last=_moment(row["last_at"], now),
        waits=_moment(row["waits_since"], now),
        acknowledged=_moment(row["acknowledged_at"], now),
        escalated=_moment(row["escalated_at"], now),
        ended=_moment(row["ended_at"], now),
        text=row["text"] if row["count"] == 1 else f"The latest of {row['count']}: {row['text']}",
    )


def _state(row: AlertRow) -> Pill:
    if row["state"] == "ended":
        seen = row["acknowledged_at"] is not None
        return Pill("○", "ended", "plain") if seen else Pill("○", "ended unseen", "warn")
    if row["state"] == "acknowledged":
        return Pill("✓", "acknowledged", "good")
    return Pill("▲", "escalated", "bad") if row["escalated_at"] is not None else Pill("●", "open", "warn")


def _moment(epoch_ms: int | None, now: datetime) -> Moment:
    return moment(moment_of(epoch_ms), now)


@dataclass(frozen=True, slots=True)
class SubjectShown:
    """One subject of an alert as its page shows it."""

    row: AlertSubjectRow
    at: Moment


def subject_shown(row: AlertSubjectRow, now: datetime) -> SubjectShown:
    return SubjectShown(row, _moment(row["at"], now))


@dataclass(frozen=True, slots=True)
class ChannelShown:
    """A channel as its page shows it."""

    row: ChannelRow
    state: Pill
    takes: str
    delivered: Moment
    failed: Moment


def channel_shown(row: ChannelRow, now: datetime) -> ChannelShown:
    if not row["is_active"]:
        state = Pill("■", "paused", "warn")
    elif row["error"]:
        state = Pill("✕", "fails", "bad")
    else:
        state = Pill("●", "active", "good")
    return ChannelShown(
        row, state, TAKES[row["takes"]], moment(row["delivered_at"], now), moment(row["error_at"], now)
    )


def channel_fields(kind: str, written: dict[str, str]) -> list[dict[str, object]]:
    """Return the fields of a channel's form. A stored secret is never shown in a field."""
    fields = []
    for name in FIELDS[kind]:
        plain = name.rstrip("?")
        label, hint = FIELD_LABELS[plain]
        is_secret = plain in SECRET
        fields.append(
            {
                "name": plain,
                "label": label,
                "hint": hint,
                "is_secret": is_secret,
                "is_required": not name.endswith("?"),
                "value": "" if is_secret or (kind == "slack" and plain == "url") else written.get(plain, ""),
            }
        )
    return fields
