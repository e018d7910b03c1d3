"""Alerts over the API: listed, read, acknowledged and owned."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from dashboard.api import bodies
from dashboard.api.access import api_person
from dashboard.api.parsing import refuse_unknown
from dashboard.api.problems import Forbidden, NotFound
from execution.core.problem_codes import Code
from execution.core.problems import Refused
from execution.payloads.alerts import AlertDetail, AlertList, AlertRow
from execution.payloads.encode import epoch_ms
from execution.selectors.alerts import rows as selectors
from execution.services.alerts import handling as services

router = Router(tags=["alerts"])


@router.get("/alerts", response=AlertList, summary="List alerts", operation_id="alert_list")
def alert_list(request: HttpRequest, query: Query[bodies.AlertsAsked]) -> AlertList:
    """List alerts of your own orders. A supervisor gets all alerts, and an admin those without an order."""
    person = api_person(request)
    refuse_unknown(request, query)
    found = selectors.alert_rows(person=person, state=query.state, kind=query.kind, owner=query.owner)
    return {
        "alerts": found,
        "unacknowledged": selectors.unacknowledged(person),
        "watched_at": epoch_ms(selectors.watched_at()),
    }


@router.get(
    "/alerts/{slug:public_id}", response=AlertDetail, summary="Read an alert", operation_id="alert_read"
)
def detail(request: HttpRequest, public_id: str) -> AlertDetail:
    """Return an alert with its subjects, newest first."""
    row = selectors.alert_find(person=api_person(request), public_id=public_id)
    if row is None:
        raise NotFound
    return {"alert": row, "subjects": selectors.subject_rows(public_id)}


def _act(request: HttpRequest, public_id: str, act: Callable[..., Any]) -> AlertRow:
    person = api_person(request)
    try:
        act(public_id=public_id, person=person, now=timezone.now())
    except services.AlertNotFound:
        raise NotFound from None
    except Refused as refused:
        if refused.problems[0].code == Code.ROLE_NOT_ALLOWED:
            raise Forbidden(str(refused)) from None
        raise
    row = selectors.alert_find(person=person, public_id=public_id)
    if row is None:
        raise NotFound
    return row


@router.post(
    "/alerts/{slug:public_id}/acknowledge",
    response=AlertRow,
    summary="Acknowledge an alert",
    operation_id="alert_acknowledge",
)
def acknowledge(request: HttpRequest, public_id: str, body: bodies.NoteBody) -> AlertRow:
    """Acknowledge an alert, so that it no longer escalates. A second acknowledgement changes nothing."""
    return _act(request, public_id, partial(services.alert_acknowledge, note=body.note))


@router.post(
    "/alerts/{slug:public_id}/own", response=AlertRow, summary="Own an alert", operation_id="alert_own"
)
def own(request: HttpRequest, public_id: str) -> AlertRow:
    """Own an alert: you handle it from now on. This acknowledges it too."""
    return _act(request, public_id, services.alert_own)
