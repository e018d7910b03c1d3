"""The kinds of alerts. A kind sets the severity, the time before the alert is raised, and how the alert ends."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

#: A condition that ended may come back, so its alert ends only after this long without the condition.
QUIET = timedelta(seconds=30)
#: An event has no end of its own, so its alert ends this long after a person has acknowledged it.
EVENT_ENDS_AFTER = timedelta(minutes=15)
#: An alert that grows while nobody has acknowledged it is sent again, but not more often than this.
REPEAT_AFTER = timedelta(minutes=5)
#: A warning waits this many times as long as a critical alert before it escalates.
WARNING_PATIENCE = 5


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"


class AlertKind(StrEnum):
    """A kind of alert: its label, its severity, whether it is an event, and the seconds before it is raised.

    A kind is either a condition or an event. A *condition* lasts for a time, and its alert ends by itself after the
    condition. An *event* happens once.
    """

    label: str
    severity: Severity
    is_event: bool
    patience: timedelta

    def __new__(
        cls, value: str, label: str, severity: Severity, is_event: bool = False, patience: float = 0
    ) -> AlertKind:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label, member.severity, member.is_event = label, severity, is_event
        member.patience = timedelta(seconds=patience)
        return member

    BEHIND_SCHEDULE = ("behind_schedule", "Behind schedule", Severity.WARNING)
    #: The proof that a child does not exist usually takes 10 s and three polls.
    CHILD_UNKNOWN = ("child_unknown", "Child unknown for too long", Severity.CRITICAL, False, 30)
    REFUSALS = ("refusals", "Refusals in a row", Severity.WARNING)
    #: A single late quote is not worth an alert.
    MARKET_DATA_STALE = ("market_data_stale", "Market data stale", Severity.WARNING, False, 2)
    ACCOUNT_DOWN = ("account_down", "Exchange or account down", Severity.CRITICAL, False, 2)
    OVERFILL = ("overfill", "Overfill", Severity.CRITICAL, True)
    LATE_FILL = ("late_fill", "Late fill", Severity.WARNING, True)
    ENGINE_LOST = ("engine_lost", "Engine lost", Severity.CRITICAL)
    ENGINE_FAILING = ("engine_failing", "Part of an engine fails", Severity.CRITICAL)
    DIFFERENCE = ("difference", "Difference from a venue", Severity.CRITICAL)
    ORDER_PAUSED = ("order_paused", "Order waits for a person", Severity.WARNING)
    DISK_LOW = ("disk_low", "Disk nearly full", Severity.CRITICAL)
    LIMIT_NEAR = ("limit_near", "Limit nearly reached", Severity.WARNING)
    LIMIT_BROKEN = ("limit_broken", "Limit broken", Severity.CRITICAL)
    APPROVAL_WAITING = ("approval_waiting", "Order waits for approval", Severity.WARNING)
    LOGINS_ATTACKED = ("logins_attacked", "Logins under attack", Severity.WARNING)
    ACCESS_WAITING = ("access_waiting", "Access waits for a second person", Severity.WARNING)
    KEY_CHANGED = ("key_changed", "Rights of a key have changed", Severity.CRITICAL, True)
    JOURNAL_BROKEN = ("journal_broken", "Journal broken", Severity.CRITICAL, True)


_BY_NAME = {kind.value: kind for kind in AlertKind}


def kind_of(name: str) -> AlertKind:
    """Return the kind of this name; raises ``KeyError`` when there is none."""
    return _BY_NAME[name]


def escalates_after(severity: str, critical_after: timedelta) -> timedelta:
    """Return the time after which an unacknowledged alert of this severity escalates."""
    return critical_after if severity == Severity.CRITICAL else critical_after * WARNING_PATIENCE
