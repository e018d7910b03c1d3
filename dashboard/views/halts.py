"""Halts: set with a preview and a typed phrase, watched until nothing is open, lifted with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.access import person_of, supervisor_required
from execution.core.problems import Problem, Refused
from execution.payloads.encode import milliseconds
from execution.payloads.orders import HaltPreview
from execution.selectors.halts import halt_row, halt_rows
from execution.selectors.wall.desk import halt_subjects
from execution.services import halts as services

KINDS = (
    (
        "stop",
        "Cancel everything and stop",
        "Orders pause for a person, what rests is cancelled, nothing new goes out.",
    ),
    ("no_new_orders", "No new orders", "New orders are refused and nothing is resumed; what runs goes on."),
)
SCOPES = (("desk", "The desk"), ("account", "An account"), ("trader", "A trader"), ("symbol", "A symbol"))
#: Former halts on the list.
FORMER = 100


@require_GET
@supervisor_required
def halt_list(request: HttpRequest) -> HttpResponse:
    context = {
        "in_force": halt_rows(lifted=False, limit=FORMER),
        "former": halt_rows(lifted=True, limit=FORMER),
        "now": milliseconds(timezone.now()),
    }
    return render(request, "dashboard/halts.html", context)


@supervisor_required
@require_http_methods(["GET", "POST"])
def halt_new(request: HttpRequest) -> HttpResponse:
    """The form with its preview; a POST sets the halt."""
    now = timezone.now()  # the click reached the server: the time to flat counts from here
    if request.method == "GET":
        return _form(request, _asked(request.GET))
    asked = _asked(request.POST)
    try:
        halt = services.halt_set(
            person=person_of(request),
            request=services.parse_halt_request(asked),
            phrase=asked["phrase"],
            reason=asked["reason"],
            now=now,
        )
    except Refused as refused:
        return _form(request, asked, refused.problems, status=422)
    response = redirect("halt", public_id=halt.public_id)
    response.status_code = 303
    return response


@require_GET
@supervisor_required
def halt_preview(request: HttpRequest) -> HttpResponse:
    """What the halt that stands in the form would cancel now. Changes nothing."""
    preview, problems = _preview(request, _asked(request.GET))
    context = {"preview": preview, "problems": problems, "now": timezone.now()}
    return render(request, "dashboard/_halt_preview.html", context)


@require_GET
@supervisor_required
def halt_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    halt = halt_row(public_id)
    if halt is None:
        raise Http404("There is no such halt.")
    return render(request, "dashboard/halt.html", {"halt": halt, "now": milliseconds(timezone.now())})


@require_POST
@supervisor_required
def halt_lift(request: HttpRequest, public_id: str) -> HttpResponse:
    """End a halt. Its orders stay paused."""
    try:
        services.halt_lift(
            public_id=public_id,
            person=person_of(request),
            reason=request.POST.get("reason", "").strip(),
            now=timezone.now(),
        )
    except services.HaltNotFound:
        raise Http404("There is no such halt.") from None
    except Refused as refused:
        return HttpResponse(str(refused), status=422, content_type="text/plain")
    if getattr(request, "htmx", False):
        return HttpResponse(status=204)
    return redirect("halt", public_id=public_id)


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    """What the form says. Each scope has a field of its own for its subject; a link names it directly."""
    scope = given.get("scope") or "desk"
    subject = "" if scope == "desk" else given.get("subject") or given.get(f"subject_{scope}") or ""
    return {
        "kind": given.get("kind") or "stop",
        "scope": scope,
        "subject": subject.strip(),
        "phrase": given.get("phrase", "").strip(),
        "reason": given.get("reason", "").strip(),
    }


def _preview(request: HttpRequest, asked: Mapping[str, str]) -> tuple[HaltPreview | None, Sequence[Problem]]:
    try:
        parsed = services.parse_halt_request(asked)
        return services.halt_preview(person=person_of(request), request=parsed, now=timezone.now()), ()
    except Refused as refused:
        return None, refused.problems


def _form(
    request: HttpRequest, asked: Mapping[str, str], problems: Sequence[Problem] = (), status: int = 200
) -> HttpResponse:
    preview, preview_problems = _preview(request, asked)
    context: dict[str, Any] = {
        "asked": asked,
        "kinds": KINDS,
        "scopes": SCOPES,
        "subjects": halt_subjects(),
        "preview": preview,
        "problems": preview_problems,
        "refusals": problems,
        "now": timezone.now(),
    }
    return render(request, "dashboard/halt_new.html", context, status=status)
