"""Rows of alerts for the pages, the bell and the API."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from execution.core.alerts.kinds import Severity, kind_of
from execution.models import Alert, AlertWatch, User
from execution.payloads.alerts import AlertNews, AlertRow, AlertSubjectRow
from execution.payloads.encode import epoch_ms
from execution.selectors.alerts.visibility import alerts_to_handle, alerts_visible
from execution.selectors.halts import halt_notices

OPEN, ACKNOWLEDGED, ENDED = "open", "acknowledged", "ended"
STATES = {
    OPEN: Q(ended_at=None, acknowledged_at=None),
    ACKNOWLEDGED: Q(ended_at=None, acknowledged_at__isnull=False),
    ENDED: Q(ended_at__isnull=False),
}
MAX_ROWS = 200
MAX_NEWS = 20
MAX_SUBJECTS = 100
#: The watcher checks each second. After this long without a check nobody can rely on the bell.
UNWATCHED_AFTER = timedelta(seconds=10)


def state_of(alert: Alert) -> str:
    if alert.ended_at is not None:
        return ENDED
    return OPEN if alert.acknowledged_at is None else ACKNOWLEDGED


def alert_row(alert: Alert) -> AlertRow:
    return AlertRow(
        id=alert.public_id,
        kind=alert.kind,
        label=kind_of(alert.kind).label,
        severity=alert.severity,
        trader=_name(alert.trader),
        text=alert.text,
        count=alert.count,
        state=state_of(alert),
        raised_at=epoch_ms(alert.raised_at),
        waits_since=epoch_ms(alert.waits_since),
        last_at=epoch_ms(alert.last_at),
        acknowledged_at=epoch_ms(alert.acknowledged_at),
        acknowledged_by=_name(alert.acknowledged_by),
        note=alert.note,
        owner=_name(alert.owner),
        escalated_at=epoch_ms(alert.escalated_at),
        ended_at=epoch_ms(alert.ended_at),
    )


def _name(person: User | None) -> str:
    return "" if person is None else person.get_username()


def alert_rows(
    *,
    person: User,
    state: str,
    kind: str = "",
    owner: str = "",
    limit: int = MAX_ROWS,
    to_handle: bool = False,
) -> list[AlertRow]:
    """Return the alerts of a state that the person sees.

    With ``to_handle``, return only those that the person may handle.

    Escalated alerts come first, then critical ones. Among equal alerts the newest comes first.
    """
    alerts = alerts_to_handle(person) if to_handle else alerts_visible(person)
    found = _with_people(alerts.filter(STATES[state]))
    if kind:
        found = found.filter(kind=kind)
    if owner:
        found = found.filter(owner__username=owner)
    if state == ENDED:
        return [alert_row(alert) for alert in found.order_by("-ended_at", "-pk")[:limit]]
    first = sorted(
        found.order_by("-raised_at", "-pk")[:limit],
        key=lambda alert: (alert.escalated_at is None, alert.severity != Severity.CRITICAL),
    )
    return [alert_row(alert) for alert in first]


def alert_find(*, person: User, public_id: str) -> AlertRow | None:
    """Return an alert that the person sees; None if there is none, or the person may not see it."""
    alert = _with_people(alerts_visible(person)).filter(public_id=public_id).first()
    return None if alert is None else alert_row(alert)


def subject_rows(public_id: str) -> list[AlertSubjectRow]:
    """Return the subjects of an alert, the newest first."""
    alert = Alert.objects.get(public_id=public_id)
    subjects = alert.subjects.select_related("order").order_by("-at", "-pk")[:MAX_SUBJECTS]
    return [
        AlertSubjectRow(
            text=subject.text,
            order=None if subject.order is None else subject.order.public_id,
            at=epoch_ms(subject.at),
            is_over=subject.gone_at is not None,
        )
        for subject in subjects
    ]


def unacknowledged(person: User) -> int:
    return alerts_visible(person).filter(STATES[OPEN]).count()


def alert_owners(person: User) -> list[str]:
    """Return the names of people who own an alert that the person sees."""
    owned = alerts_visible(person).exclude(owner=None).values_list("owner__username", flat=True)
    return sorted({name for name in owned if name})


def watched_at() -> datetime | None:
    """Return the time of the last round of checks for alerts; None before the first."""
    return AlertWatch.objects.values_list("watched_at", flat=True).first()


def is_watched(now: datetime) -> bool:
    last = watched_at()
    return last is not None and now - last < UNWATCHED_AFTER


def alert_news(*, person: User, now: datetime) -> AlertNews:
    """Return the contents of the bell.

    They are the numbers of waiting and of critical alerts, the newest alerts, and the halts in force.
    """
    waiting = alerts_visible(person).filter(STATES[OPEN])
    severities = list(waiting.values_list("severity", flat=True))
    newest = _with_people(waiting).order_by("-raised_at", "-pk")[:MAX_NEWS] if severities else ()
    last = watched_at()
    return AlertNews(
        unacknowledged=len(severities),
        critical=severities.count(Severity.CRITICAL),
        alerts=[alert_row(alert) for alert in newest],
        watched_at=epoch_ms(last),
        is_watched=last is not None and now - last < UNWATCHED_AFTER,
        halts=halt_notices(person),
    )


def _with_people(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    return alerts.select_related("trader", "acknowledged_by", "owner")
