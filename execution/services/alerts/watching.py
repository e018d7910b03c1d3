"""The watcher's writes. Current findings become alerts, which escalate and end by themselves.

The watcher shares the database's one write lock with the engines. So it reads open alerts without a lock, and opens a
transaction only when something changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from execution import notify
from execution.core.alerts.delivery import AlertEvent
from execution.core.alerts.grouping import MAX_TEXT, Finding, Moves, by_group, ends_at, moves_of
from execution.core.alerts.kinds import REPEAT_AFTER, escalates_after, kind_of
from execution.core.numbers import shortened
from execution.models import Alert, AlertSignal, AlertSubject, AlertWatch
from execution.services.alerts.events import alert_event

#: The length of the watcher's claim, which it renews sooner. If the watcher dies, another may watch after it.
HELD_FOR = timedelta(seconds=4)
RENEWED_AFTER = timedelta(seconds=2)
#: The most signals that one run of the watcher handles.
MAX_SIGNALS = 1_000

Known = Mapping[str, datetime | None]


def watch_claim(*, holder: str, now: datetime) -> bool:
    """Return True if the process ``holder`` should look for alerts now.

    Only one process at a time has this claim. The others look for no alerts until the claim has expired.
    """
    watch, _ = AlertWatch.objects.get_or_create(singleton=True)
    is_held = watch.held_until is not None and watch.held_until > now
    if is_held and watch.holder != holder:
        return False
    if is_held and watch.watched_at is not None and now - watch.watched_at < RENEWED_AFTER:
        return True
    mine = Q(holder=holder) | Q(held_until=None) | Q(held_until__lte=now)
    return (
        AlertWatch.objects.filter(mine, pk=watch.pk).update(
            holder=holder, held_until=now + HELD_FOR, watched_at=now
        )
        == 1
    )


@dataclass(frozen=True, slots=True)
class _Open:
    """An open alert as it was read, and for each of its subjects the time since which it is no longer found."""

    alert: Alert
    known: Known


def findings_apply(*, findings: Iterable[Finding], critical_after: timedelta, now: datetime) -> int:
    """Raise, extend, escalate and end alerts by the current findings. Return the number of changed alerts.

    Findings of the same kind and scope are a group, which has at most one open alert.

    1. Signals, which are events that services have stored, are added to the findings.
    2. Each group's findings are compared with the subjects of the group's open alert.
    3. Each group that changes is written in a transaction of its own, which also deletes its signals.
    """
    signals = list(AlertSignal.objects.select_related("order").order_by("pk")[:MAX_SIGNALS])
    events = by_group(_of_signal(signal) for signal in signals)
    groups = by_group(findings)
    opened = _open_alerts()
    changed = 0
    for key in sorted({*groups, *events, *opened}):
        one = opened.get(key)
        moves = _moves(one, groups.get(key, ()), events.get(key, ()))
        if moves or key in events or (one is not None and _is_due(one, critical_after, now)):
            done = [signal.pk for signal in signals if _of_signal(signal).group_key == key]
            changed += _write(key, moves, done, critical_after, now)
    return changed


def _of_signal(signal: AlertSignal) -> Finding:
    order = signal.order
    return Finding(
        kind=kind_of(signal.kind),
        subject=signal.subject or f"{signal.at.isoformat()} {signal.pk}",
        text=signal.text,
        scope=f"trader {order.trader_id}" if order is not None else signal.scope,
        order_pk=signal.order_id,
        trader_pk=None if order is None else order.trader_id,
        since=signal.at,
    )


def _open_alerts() -> dict[str, _Open]:
    known: defaultdict[int, dict[str, datetime | None]] = defaultdict(dict)
    subjects = AlertSubject.objects.filter(alert__ended_at=None)
    for alert_pk, key, gone_at in subjects.values_list("alert_id", "key", "gone_at"):
        known[alert_pk][key] = gone_at
    alerts = Alert.objects.filter(ended_at=None)
    return {alert.group_key: _Open(alert, known.get(alert.pk, {})) for alert in alerts}


def _moves(one: _Open | None, lasting: Collection[Finding], events: Collection[Finding]) -> Moves:
    known: Known = {} if one is None else one.known
    if events or (one is not None and kind_of(one.alert.kind).is_event):
        return Moves(appeared=moves_of(known, events).appeared)  # an event does not leave
    return moves_of(known, lasting)


def _is_due(one: _Open, critical_after: timedelta, now: datetime) -> bool:
    return (
        _escalates(one.alert, critical_after, now)
        or _repeats(one.alert, now)
        or _is_over(one.alert, one.known, now)
    )


def _escalates(alert: Alert, critical_after: timedelta, now: datetime) -> bool:
    waits = alert.acknowledged_at is None and alert.escalated_at is None
    return waits and now - alert.waits_since >= escalates_after(alert.severity, critical_after)


def _repeats(alert: Alert, now: datetime) -> bool:
    grew = alert.acknowledged_at is None and alert.count > alert.told_count
    return grew and now - alert.told_at >= REPEAT_AFTER


def _is_over(alert: Alert, known: Known, now: datetime) -> bool:
    end = ends_at(kind_of(alert.kind), known.values(), alert.acknowledged_at, alert.last_at)
    return end is not None and now >= end


@transaction.atomic
def _write(key: str, moves: Moves, signals: Sequence[int], critical_after: timedelta, now: datetime) -> int:
    """Write the changes of one group under its alert's lock. Return 0 if the changes were no longer needed."""
    AlertSignal.objects.filter(pk__in=signals).delete()
    alert = Alert.objects.select_for_update(no_key=True).filter(group_key=key, ended_at=None).first()
    if alert is None:
        return _raise(key, moves.appeared, now) if moves.appeared else 0
    if moves.appeared:
        _grow(alert, moves.appeared, now)
    subjects = alert.subjects
    subjects.filter(key__in=moves.returned).update(gone_at=None)
    subjects.filter(key__in=moves.left).update(gone_at=now)
    known = dict(subjects.values_list("key", "gone_at"))
    if _is_over(alert, known, now):
        alert.ended_at = now
        alert_event(alert, AlertEvent.ENDED, now)
    elif _escalates(alert, critical_after, now):
        alert.escalated_at = now
        alert_event(alert, AlertEvent.ESCALATED, now)
    elif _repeats(alert, now):
        alert_event(alert, AlertEvent.GREW, now)
    else:
        notify.alerts_changed()
    return 1


def _raise(key: str, appeared: Sequence[Finding], now: datetime) -> int:
    newest = appeared[-1]
    alert = Alert(
        kind=newest.kind,
        severity=newest.kind.severity,
        group_key=key,
        trader_id=newest.trader_pk,
        text=shortened(newest.text, MAX_TEXT),
        count=len(appeared),
        raised_at=now,
        waits_since=now,
        last_at=now,
        told_at=now,
    )
    try:
        with transaction.atomic():
            alert.save()
    except IntegrityError:
        return 0  # somebody else raised it at the same moment; the next look compares again
    _subjects_add(alert, appeared, now)
    alert_event(alert, AlertEvent.RAISED, now)
    return 1


def _grow(alert: Alert, appeared: Sequence[Finding], now: datetime) -> None:
    """Add subjects to an alert.

    An alert that was acknowledged is open again, because nobody has seen the new subjects.
    """
    added = _subjects_add(alert, appeared, now)
    if not added:
        return
    alert.text = shortened(appeared[-1].text, MAX_TEXT)
    alert.count += added
    alert.last_at = now
    if alert.acknowledged_at is not None:
        alert.acknowledged_at, alert.acknowledged_by, alert.escalated_at = None, None, None
        alert.waits_since = now
    alert.save()


def _subjects_add(alert: Alert, appeared: Sequence[Finding], now: datetime) -> int:
    known = set(alert.subjects.values_list("key", flat=True))
    fresh = {finding.subject: finding for finding in appeared if finding.subject not in known}
    AlertSubject.objects.bulk_create(
        AlertSubject(
            alert=alert,
            key=subject,
            text=shortened(finding.text, MAX_TEXT),
            order_id=finding.order_pk,
            at=finding.since or now,
        )
        for subject, finding in fresh.items()
    )
    return len(fresh)
