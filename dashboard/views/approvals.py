"""The pages of requests for approval: the supervisors' list, and each request with its order and plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from dashboard.access import person_of
from dashboard.again import ask_again, must_answer
from dashboard.forms import fields
from dashboard.forms.reasons import posted_reason
from dashboard.present.numbers import DASH, amount
from dashboard.responses import see_other
from execution.core.orders.terms import algorithm_label
from execution.core.problems import Problem, Refused
from execution.core.types import Role
from execution.payloads.encode import moment_of
from execution.payloads.limits import ApprovalRow
from execution.selectors import limits as selectors
from execution.selectors.orders import pages
from execution.selectors.orders.approvals import end_if_approved, on_approval
from execution.services.orders import approvals as services

#: The most slices that a request lists. The rest is only counted.
SHOWN_SLICES = 12


@require_GET
@never_cache
@login_required
def approval_list(request: HttpRequest) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    waiting = selectors.approval_rows(person=person, waiting=True)
    values = selectors.waiting_values(now) if waiting else {}
    context = {
        "waiting": [
            {**_dated(row), "notional": _notional(*values.get(row["order"], (None, "")))} for row in waiting
        ],
        "former": [_dated(row) for row in selectors.approval_rows(person=person, waiting=False)],
        "may_act": person.role == Role.SUPERVISOR,
        "now": now,
    }
    return render(request, "dashboard/approvals.html", context)


@require_GET
@never_cache
@login_required
def approval_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    return _page(request, public_id)


ACTIONS: dict[str, Callable[[dict[str, Any], QueryDict], object]] = {
    "approve": lambda who, posted: services.approval_approve(
        **who, seen=posted.get("kinds", "").split(), reason=posted_reason(posted)
    ),
    "refuse": lambda who, posted: services.approval_refuse(**who, reason=posted_reason(posted)),
    "withdraw": lambda who, _: services.approval_withdraw(**who),
}


@require_POST
@never_cache
@login_required
def approval_act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Approve, refuse or withdraw a request. If the action itself is not allowed, show the reason and change
    nothing.
    """
    if action not in ACTIONS:
        raise Http404("There is no such action.")
    person, now = person_of(request), timezone.now()
    if selectors.approval_find(person=person, public_id=public_id) is None:
        raise Http404("There is no such request.")
    if action == "approve" and must_answer(request):
        return ask_again(request)
    try:
        ACTIONS[action]({"public_id": public_id, "person": person, "now": now}, request.POST)
    except services.ApprovalNotFound:
        raise Http404("There is no such request.") from None
    except Refused as refused:
        return _page(request, public_id, refused.problems)
    return see_other("approval", public_id)


def _page(request: HttpRequest, public_id: str, problems: Sequence[Problem] = ()) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    approval = selectors.approval_find(person=person, public_id=public_id)
    if approval is None:
        raise Http404("There is no such request.")
    verdict = services.waiting_verdict(approval, now)
    snapshot = pages.order_snapshot(approval.order_id)
    order, slices = snapshot["order"], snapshot["slices"]
    is_open = approval.is_waiting and now < approval.expires_at
    context: dict[str, Any] = {
        "approval": _dated(selectors.approval_row(approval)),
        "order": order,
        "algorithm": algorithm_label(order["algorithm"], ""),
        "start_at": moment_of(order["start_at"]),
        "end_at": moment_of(order["end_at"]),
        "end_if_approved": end_if_approved(approval, now),
        "parameters": _parameters(order),
        "slices": [{**part, "starts_at": moment_of(part["starts_at"])} for part in slices[:SHOWN_SLICES]],
        "more_slices": max(0, len(slices) - SHOWN_SLICES),
        "verdict": verdict,
        "on_approval": on_approval(approval.order, approval),
        "kinds": " ".join(sorted(verdict.kinds_to_approve)),
        "is_late": approval.is_waiting and not is_open,
        "may_decide": is_open and person.role == Role.SUPERVISOR and approval.requested_by_id != person.pk,
        "may_withdraw": is_open and approval.requested_by_id == person.pk,
        "problems": problems,
        "now": now,
    }
    return render(request, "dashboard/approval.html", context, status=422 if problems else 200)


def _parameters(order: Any) -> list[tuple[str, Any]]:
    given, found = order["parameters"], []
    for field in fields.parameter_labels(order["algorithm"]):
        value = given.get(field["name"])
        if value not in (None, ""):
            found.append((field["label"], f"{field['choices'].get(value, value)} {field['unit']}".strip()))
    return found


def _notional(value: Decimal | None, currency: str) -> str:
    return DASH if value is None else f"{amount(value, 2)} {currency}"


def _dated(row: ApprovalRow) -> dict[str, Any]:
    times = ("requested_at", "expires_at", "decided_at")
    return {**row, **{name: moment_of(row[name]) for name in times}}  # type: ignore[literal-required]
