"""The page of requests for access: those that wait for a second person, and the decided ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from dashboard.access import person_of, second_required
from dashboard.again import ask_again, must_answer
from dashboard.forms.reasons import posted_reason
from dashboard.present.people import TITLES
from dashboard.responses import see_other
from execution.core.problems import Problem, Refused
from execution.selectors.access import access_rows
from execution.services.desk import four_eyes  # doors: its kinds are registered as it is imported


@require_GET
@never_cache
@second_required
def access(request: HttpRequest) -> HttpResponse:
    """Show the waiting requests, and the last decided ones."""
    return _page(request)


def _page(request: HttpRequest, problems: Sequence[Problem] = ()) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    context = {
        "waiting": _titled(access_rows(person_pk=person.pk, is_waiting=True, now=now)),
        "decided": _titled(access_rows(person_pk=person.pk, is_waiting=False, now=now)),
        "is_shared": four_eyes.has_second_person(person=person, now=now),
        "problems": problems,
        "now": now,
    }
    return render(request, "dashboard/access.html", context, status=422 if problems else 200)


def _titled(rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [{**row, "title": TITLES.get(row["kind"], row["kind"])} for row in rows]


ACTIONS: dict[str, Callable[[dict[str, Any], QueryDict], object]] = {
    "confirm": lambda who, posted: four_eyes.access_confirm(
        **who, seen_hash=posted.get("hash", ""), reason=posted_reason(posted)
    ),
    "refuse": lambda who, posted: four_eyes.access_refuse(**who, reason=posted_reason(posted)),
    "withdraw": lambda who, _: four_eyes.access_withdraw(**who),
}


@require_POST
@never_cache
@second_required
def access_act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Confirm, refuse or withdraw a request. If the action itself is not allowed, show the reason and change
    nothing.
    """
    if action not in ACTIONS:
        raise Http404("There is no such action.")
    if action == "confirm" and must_answer(request):
        return ask_again(request)
    who = {"public_id": public_id, "person": person_of(request), "now": timezone.now()}
    try:
        ACTIONS[action](who, request.POST)
    except four_eyes.AccessRequestNotFound:
        raise Http404("There is no such request.") from None
    except Refused as refused:
        return _page(request, refused.problems)
    return see_other("access")
