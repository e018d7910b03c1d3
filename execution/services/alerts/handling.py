"""The services by which a person acknowledges an alert or takes it over."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from execution.core.alerts.delivery import AlertEvent
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.models import Alert, User
from execution.selectors.alerts.visibility import alerts_visible, may_handle
from execution.services.alerts.events import alert_event
from execution.services.orders.orders import person_actor
from execution.services.records.audit import audit_append
from execution.services.records.reasons import optional_note


class AlertNotFound(Exception):
    """There is no such alert, or the person may not see it. The two cases look the same."""


@transaction.atomic
def alert_acknowledge(*, public_id: str, person: User, note: str, now: datetime) -> Alert:
    """Record that a person has seen an alert, so that it does not escalate. A second time changes nothing.

    Raises ``AlertNotFound``, and ``Refused`` for a person who may only watch, a long note, or an alert that has
    ended.
    """
    note = optional_note(note)
    alert = _locked(public_id, person)
    if alert.acknowledged_at is None:
        _refuse_ended(alert)
        _acknowledge(alert, person, note, now)
        alert_event(alert, AlertEvent.ACKNOWLEDGED, now)
    return alert


@transaction.atomic
def alert_own(*, public_id: str, person: User, now: datetime) -> Alert:
    """Make the person the owner of an alert, which acknowledges it too. Raises as ``alert_acknowledge`` does."""
    alert = _locked(public_id, person)
    if alert.owner_id == person.pk and alert.acknowledged_at is not None:
        return alert
    _refuse_ended(alert)
    former = "" if alert.owner is None else alert.owner.get_username()
    alert.owner = person
    if alert.acknowledged_at is None:
        _acknowledge(alert, person, "", now)
    _audit("alert_owned", alert, person, "", now, {"former": former})
    alert_event(alert, AlertEvent.OWNED, now)
    return alert


def _locked(public_id: str, person: User) -> Alert:
    rows = alerts_visible(person).select_for_update(of=("self",), no_key=True)
    alert = rows.filter(public_id=public_id).first()
    if alert is None:
        raise AlertNotFound(public_id)
    if not may_handle(person, alert):
        message = "You may watch this alert. Only its trader or a supervisor acknowledges and owns it."
        refuse("", message, person.role, code=Code.ROLE_NOT_ALLOWED)
    return alert


def _refuse_ended(alert: Alert) -> None:
    if alert.ended_at is not None:
        message = "The alert has ended by itself. There is nothing to acknowledge."
        refuse("", message, alert.public_id, code=Code.ALERT_ENDED)


def _acknowledge(alert: Alert, person: User, note: str, now: datetime) -> None:
    alert.acknowledged_at, alert.acknowledged_by, alert.note = now, person, note
    _audit("alert_acknowledged", alert, person, note, now, {})


def _audit(kind: str, alert: Alert, person: User, note: str, now: datetime, data: dict[str, object]) -> None:
    about = {"kind": alert.kind, "text": alert.text, "count": alert.count, **data}
    actor = person_actor(person)
    audit_append(kind=kind, actor=actor, subject=alert.public_id, reason=note, at=now, data=about)
