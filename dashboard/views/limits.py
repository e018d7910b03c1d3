"""The page of limits. Everybody may read it. Supervisors set and end limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.access import person_of, supervisor_required
from dashboard.again import asked_again
from dashboard.present.limit_tables import limit_table
from dashboard.responses import see_other
from execution.core.limits.kinds import LIMIT_SPECS, LimitKind, LimitLevel
from execution.core.numbers import without_grouping
from execution.core.problems import Problem, Refused
from execution.core.types import Role
from execution.selectors.limits import limit_rows, limits_waiting
from execution.selectors.wall.desk import halt_subjects
from execution.services.desk import four_eyes, limit_doors
from execution.services.desk import limits as services

SCOPES = (("desk", "The desk"), ("trader", "A trader"), ("account", "An account"), ("symbol", "A symbol"))
LEVELS = (
    (LimitLevel.HARD, "Refuses", "No order above it is accepted. A running order pauses."),
    (LimitLevel.APPROVAL, "Needs approval", "A new order waits for another person. A running order pauses."),
    (LimitLevel.SOFT, "Wants a reason", "The trader gives a reason, which is kept."),
)


#: Fields of the form whose names are the same in a limit's row.
NAMES = ("kind", "scope", "subject", "level", "value")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def limits(request: HttpRequest) -> HttpResponseBase:
    """Show the limits. A supervisor's POST sets one, or requests it from a second person."""
    if request.method == "POST":
        return _set(request)
    return _page(request, _prefilled(request.GET.get("change", "")))


@supervisor_required
@asked_again
def _set(request: HttpRequest) -> HttpResponse:
    asked = _asked(request.POST)
    try:
        asked_for = limit_doors.limit_set_ask(
            person=person_of(request),
            request=services.parse_limit_request(asked),
            reason=asked["reason"],
            now=timezone.now(),
        )
    except Refused as refused:
        return _page(request, asked, refused.problems)
    return see_other("access" if asked_for.waiting else "limits")


@require_POST
@supervisor_required
@asked_again
def limit_end(request: HttpRequest, public_id: str) -> HttpResponse:
    """End a limit, or request a second person's confirmation of its end. If that is not allowed, show the
    reason.
    """
    try:
        waiting = limit_doors.limit_end_ask(
            public_id=public_id,
            person=person_of(request),
            reason=request.POST.get("reason", ""),
            now=timezone.now(),
        )
    except services.LimitNotFound:
        raise Http404("There is no such limit.") from None
    except Refused as refused:
        return _page(request, {}, refused.problems)
    return see_other("access" if waiting else "limits")


def _asked(posted: Mapping[str, str]) -> dict[str, str]:
    names = ("kind", "scope", "level", "currency", "reason")
    asked = {name: str(posted.get(name, "")).strip() for name in names}
    asked["subject"] = str(posted.get(f"subject_{asked['scope']}", "")).strip()
    asked["value"] = without_grouping(str(posted.get("value", "")))
    return asked


def _prefilled(public_id: str) -> dict[str, str]:
    """Return the form's values for a limit that is to be changed; empty for a new limit."""
    for row in limit_rows(timezone.now()) if public_id else ():
        if row["id"] == public_id:
            given: Mapping[str, Any] = row
            return {name: str(given[name]) for name in NAMES} | {"currency": row["unit"]}
    return {}


def _page(request: HttpRequest, asked: Mapping[str, str], problems: Sequence[Problem] = ()) -> HttpResponse:
    now = timezone.now()
    context: dict[str, Any] = {
        "rows": limit_table(limit_rows(now)),
        "asked": asked,
        "problems": problems,
        "waiting": limits_waiting(person_of(request), now),
        "is_shared": four_eyes.has_second_person(person=person_of(request), now=now),
        "kinds": [(kind, spec.label, spec.about) for kind, spec in LIMIT_SPECS.items()],
        "scopes": SCOPES,
        "levels": LEVELS,
        "subjects": halt_subjects(),
        "reporting_currency": settings.TRANCHE_REPORTING_CURRENCY,
        "may_act": person_of(request).role == Role.SUPERVISOR,
        "chosen": asked.get("kind") or LimitKind.ORDER_NOTIONAL,
        "now": now,
    }
    return render(request, "dashboard/limits.html", context, status=422 if problems else 200)
