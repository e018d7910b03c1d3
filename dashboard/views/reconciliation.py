"""The page of the reconciliation: unknown children with their evidence, and a supervisor's actions on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from dashboard.access import person_of, supervisor_required
from dashboard.forms.reasons import posted_reason
from dashboard.responses import see_other
from execution.core.problems import Problem, Refused
from execution.core.types import Role
from execution.selectors.reconciliation import reconciliation
from execution.services.children import reconciliation as services


@require_GET
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    """Show the unknown children and differences that the person may see.

    For a request by htmx, return only the part of the page that is refreshed.
    """
    is_part = bool(getattr(request, "htmx", False))
    if is_part and not request.user.is_authenticated:
        return HttpResponseClientRefresh()  # else the login page would be swapped into the panel
    return _inbox(request, is_part=is_part)


@login_required
def _inbox(request: HttpRequest, problems: Sequence[Problem] = (), *, is_part: bool = False) -> HttpResponse:
    now = timezone.now()
    person = person_of(request)
    found = reconciliation(person=person, now=now)
    ids = [child["client_id"] for child in found["unknown"]]
    if is_part and set(ids) - set(request.GET.get("shown", "").split(",")):
        return HttpResponseClientRefresh()  # the dialogs of a new one stand outside of the part
    context = {
        **found,
        "shown": ",".join(ids),
        "may_act": person.role == Role.SUPERVISOR,
        "problems": problems,
        "now": now,
    }
    template = "dashboard/_reconciliation.html" if is_part else "dashboard/reconciliation.html"
    return render(request, template, context, status=422 if problems else 200)


ACTIONS: dict[str, Callable[[dict[str, Any], QueryDict], None]] = {
    "poll": lambda who, _: services.unknown_poll(**who),
    "cancel": lambda who, posted: services.unknown_cancel(**who, reason=posted_reason(posted)),
    "attach": lambda who, posted: services.unknown_attach(
        **who, exchange_id=posted.get("exchange_id", "").strip(), reason=posted_reason(posted)
    ),
    "absent": lambda who, posted: services.unknown_absent(
        **who, phrase=posted.get("phrase", "").strip(), reason=posted_reason(posted)
    ),
    "ended": lambda who, posted: services.unknown_ended(
        **who, phrase=posted.get("phrase", "").strip(), reason=posted_reason(posted)
    ),
}


@require_POST
@never_cache
@supervisor_required
def unknown_act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Carry out one action of a supervisor on a child. A refusal shows the reason and changes nothing."""
    if action not in ACTIONS:
        raise Http404("There is no such action.")
    who = {"client_id": public_id, "person": person_of(request), "now": timezone.now()}
    try:
        ACTIONS[action](who, request.POST)
    except services.UnknownNotFound:
        raise Http404("There is no such child.") from None
    except Refused as refused:
        return _inbox(request, refused.problems)
    return see_other("reconciliation")
