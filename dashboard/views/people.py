"""The admins' pages of people: the list, one person with their live orders and sessions, and the actions on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from dashboard.access import admin_required, person_of
from dashboard.again import ask_again, must_answer
from dashboard.forms.reasons import posted_reason
from dashboard.present.people import person_audit
from dashboard.responses import see_other
from execution.core.problems import Problem, Refused
from execution.selectors import people as selectors
from execution.selectors.access import access_waiting
from execution.services.desk import doors
from execution.services.desk import people as services


@require_GET
@never_cache
@admin_required
def people_list(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard/people.html", {"people": selectors.people_rows()})


@require_GET
@never_cache
@admin_required
def person_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    return _detail(request, public_id)


def _detail(request: HttpRequest, public_id: str, problems: Sequence[Problem] = ()) -> HttpResponse:
    facts = selectors.person_facts(public_id)
    if facts is None:
        raise Http404("There is no such person.")
    now = timezone.now()
    context = {
        "person": facts,
        "audit": person_audit(facts["audit"]),
        "waiting": access_waiting(now=now, subject=facts["name"]),
        "sessions": selectors.login_rows(
            person_pk=facts["pk"], current=request.session.session_key or "", now=now
        ),
        "is_self": facts["pk"] == person_of(request).pk,
        "problems": problems,
        "now": now,
    }
    return render(request, "dashboard/person.html", context, status=422 if problems else 200)


ACTIONS: dict[str, Callable[[dict[str, Any], QueryDict], object]] = {
    "disable": lambda who, posted: services.person_disable(**who, reason=posted_reason(posted)),
    "logout": lambda who, posted: services.person_logout(**who, reason=posted_reason(posted)),
    "factor": lambda who, posted: doors.factor_remove_ask(**who, reason=posted_reason(posted)),
    "enable": lambda who, posted: doors.person_enable_ask(**who, reason=posted_reason(posted)),
}


@require_POST
@never_cache
@admin_required
def person_act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Carry out one action of an admin on a person. A refusal shows the reason and changes nothing."""
    if action not in ACTIONS:
        raise Http404("There is no such action.")
    if action in {"factor", "enable"} and must_answer(request):
        return ask_again(request)
    who = {"public_id": public_id, "changed_by": person_of(request), "now": timezone.now()}
    try:
        ACTIONS[action](who, request.POST)
    except services.PersonNotFound:
        raise Http404("There is no such person.") from None
    except Refused as refused:
        return _detail(request, public_id, refused.problems)
    return see_other("person", public_id)
