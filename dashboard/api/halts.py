"""Halts over the API, for supervisors: the same preview and the same typed phrase as on the page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status

from dashboard.api import bodies
from dashboard.api.access import api_supervisor
from dashboard.api.parsing import refuse_unknown
from dashboard.api.problems import NotFound
from execution.payloads.halts import HaltDetail, HaltPreview, Halts
from execution.selectors.halts import halt_row, halt_rows
from execution.services import halts as services

router = Router(tags=["halts"])
#: The most former halts that are listed.
FORMER = 100


@router.post(
    "/halts/preview",
    response=HaltPreview,
    summary="Show what a halt would do",
    operation_id="halt_preview",
)
def preview(request: HttpRequest, body: bodies.HaltAsked) -> HaltPreview:
    """Preview a halt without changing anything. The phrase in the answer confirms the halt."""
    person = api_supervisor(request)
    asked = services.parse_halt_request(body.dict())
    return services.halt_preview(person=person, request=asked, now=timezone.now())


@router.post("/halts", response={201: HaltDetail}, summary="Set a halt", operation_id="halt_set")
def set_halt(request: HttpRequest, body: bodies.HaltBody) -> Any:
    """Set a halt. If the same halt is already in force, the answer is that halt. Lifting a halt later resumes no
    order.
    """
    now = timezone.now()  # the request reached the server: the time to flat counts from here
    person = api_supervisor(request)
    halt = services.halt_set(
        person=person,
        request=services.parse_halt_request(body.dict()),
        phrase=body.phrase,
        reason=body.reason,
        now=now,
    )
    return Status(201, _row(halt.public_id))


@router.get("/halts", response=Halts, summary="List halts", operation_id="halt_list")
def halt_list(request: HttpRequest, query: Query[bodies.HaltsAsked]) -> Halts:
    """List the halts in force, oldest first, or the last ones lifted, newest first."""
    api_supervisor(request)
    refuse_unknown(request, query)
    return {"halts": halt_rows(lifted=query.lifted, limit=FORMER)}


@router.get("/halts/{slug:public_id}", response=HaltDetail, summary="Read a halt", operation_id="halt_read")
def detail(request: HttpRequest, public_id: str) -> HaltDetail:
    """Return a halt with its progress.

    It has the children that are still open, and the time at which the exchanges had confirmed that none is open.
    """
    api_supervisor(request)
    return _row(public_id)


@router.post(
    "/halts/{slug:public_id}/lift",
    response=HaltDetail,
    summary="Lift a halt",
    operation_id="halt_lift",
)
def lift(request: HttpRequest, public_id: str, body: bodies.LiftBody) -> HaltDetail:
    """Lift a halt. Its orders stay paused until you resume them, one by one or together. The answer lists these orders
    in waiting.
    """
    person = api_supervisor(request)
    try:
        services.halt_lift(
            public_id=public_id,
            person=person,
            reason=body.reason,
            now=timezone.now(),
            keeps_time=body.keeps_time,
        )
    except services.HaltNotFound:
        raise NotFound from None
    return _row(public_id)


def _row(public_id: str) -> HaltDetail:
    row = halt_row(public_id)
    if row is None:
        raise NotFound
    return row
