"""Limits and approvals over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status

from dashboard.api import bodies
from dashboard.api.access import api_person, api_supervisor
from dashboard.api.parsing import refuse_unknown
from dashboard.api.problems import NotFound
from execution.payloads.limits import ApprovalDetail, Approvals, LimitRow, Limits, LimitWaiting
from execution.selectors import limits as selectors
from execution.services.desk import limit_doors
from execution.services.desk import limits as limit_services
from execution.services.orders import approvals as services

if TYPE_CHECKING:
    from execution.models import User

router = Router(tags=["controls"])


# --- limits --------------------------------------------------------------------------------------


@router.get("/limits", response=Limits, summary="List limits", operation_id="limit_list")
def limit_list(request: HttpRequest) -> Limits:
    """Return the limits in force, and the waiting requests for wider limits. A limit on open or daily notional also
    has the amount already used.
    """
    person, now = api_person(request), timezone.now()
    waiting = [selectors.limit_waiting_row(asked) for asked in selectors.limits_waiting(person, now)]
    return {"limits": selectors.limit_rows(now), "waiting": waiting}


@router.post(
    "/limits",
    response={201: LimitRow, 202: LimitWaiting},
    summary="Set a limit",
    operation_id="limit_set",
)
def limit_set(request: HttpRequest, body: bodies.LimitBody) -> Any:
    """Replace the limit of the same kind, scope, subject, level and currency.

    A larger value has to be confirmed by a second person, if there is such a person. The answer is then a
    202, and the former limit stays in force until the confirmation.
    """
    person, now = api_supervisor(request), timezone.now()
    asked = limit_services.parse_limit_request(body.dict())
    found = limit_doors.limit_set_ask(person=person, request=asked, reason=body.reason, now=now)
    if found.waiting is not None:
        return Status(202, selectors.limit_waiting_row(found.waiting))
    rows = [row for row in selectors.limit_rows(now) if found.limit and row["id"] == found.limit.public_id]
    return Status(201, rows[0])


@router.post(
    "/limits/{slug:public_id}/end",
    response={202: LimitWaiting, 204: None},
    summary="End a limit",
    operation_id="limit_end",
)
def limit_end(request: HttpRequest, public_id: str, body: bodies.ReasonBody) -> Any:
    """End a limit. If there is a second person, the answer is a 202, and the limit ends when that person
    confirms it.
    """
    person, now = api_supervisor(request), timezone.now()
    try:
        waiting = limit_doors.limit_end_ask(public_id=public_id, person=person, reason=body.reason, now=now)
    except limit_services.LimitNotFound:
        raise NotFound from None
    return Status(204, None) if waiting is None else Status(202, selectors.limit_waiting_row(waiting))


# --- approvals -----------------------------------------------------------------------------------


@router.get("/approvals", response=Approvals, summary="List approvals", operation_id="approval_list")
def approval_list(request: HttpRequest, query: Query[bodies.ApprovalsAsked]) -> Approvals:
    """Return requests about orders that you may see: those that wait, or the last ones decided."""
    person = api_person(request)
    refuse_unknown(request, query)
    return {"approvals": selectors.approval_rows(person=person, waiting=not query.decided)}


@router.get(
    "/approvals/{slug:public_id}",
    response=ApprovalDetail,
    summary="Read an approval",
    operation_id="approval_read",
)
def approval_read(request: HttpRequest, public_id: str) -> ApprovalDetail:
    """Return a request with every limit that its order or amendment now exceeds."""
    return _detail(api_person(request), public_id)


@router.post(
    "/approvals/{slug:public_id}/approve",
    response=ApprovalDetail,
    summary="Approve",
    operation_id="approval_approve",
)
def approval_approve(request: HttpRequest, public_id: str, body: bodies.ApproveBody) -> ApprovalDetail:
    """Approve a request: the order begins, or the amendment is made.

    Nobody can approve their own request. A second approval changes nothing.
    """
    person = api_supervisor(request)
    services.approval_approve(
        public_id=_found(person, public_id),
        person=person,
        seen=body.kinds,
        reason=body.reason,
        now=timezone.now(),
    )
    return _detail(person, public_id)


@router.post(
    "/approvals/{slug:public_id}/refuse",
    response=ApprovalDetail,
    summary="Refuse an approval",
    operation_id="approval_refuse",
)
def approval_refuse(request: HttpRequest, public_id: str, body: bodies.ReasonBody) -> ApprovalDetail:
    """Refuse a request: a new order is rejected, and a running order continues unchanged."""
    person = api_supervisor(request)
    services.approval_refuse(
        public_id=_found(person, public_id), person=person, reason=body.reason, now=timezone.now()
    )
    return _detail(person, public_id)


@router.post(
    "/approvals/{slug:public_id}/withdraw",
    response=ApprovalDetail,
    summary="Withdraw a request for approval",
    operation_id="approval_withdraw",
)
def approval_withdraw(request: HttpRequest, public_id: str) -> ApprovalDetail:
    """Withdraw a request, as its trader or as a supervisor. A new order is cancelled, and a running order
    continues unchanged.
    """
    person = api_person(request)
    try:
        services.approval_withdraw(public_id=_found(person, public_id), person=person, now=timezone.now())
    except services.ApprovalNotFound:
        raise NotFound from None
    return _detail(person, public_id)


def _found(person: User, public_id: str) -> str:
    if selectors.approval_find(person=person, public_id=public_id) is None:
        raise NotFound
    return public_id


def _detail(person: User, public_id: str) -> ApprovalDetail:
    approval = selectors.approval_find(person=person, public_id=public_id)
    if approval is None:
        raise NotFound
    row, verdict = selectors.approval_row(approval), services.waiting_verdict(approval, timezone.now())
    if approval.is_waiting:
        row["kinds"] = sorted(verdict.kinds_to_approve)
    return {
        **row,
        "exceeded": [breach.fact for breach in verdict.approvals],
        "refused": [breach.fact for breach in verdict.refused],
    }
