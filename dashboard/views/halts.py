"""The pages of halts: setting one with a preview and a typed phrase, its progress, and lifting it with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.access import person_of, supervisor_required
from dashboard.again import asked_again
from dashboard.forms.reasons import posted_reason
from dashboard.responses import action_done, refused_text, see_other
from execution.core.problems import Problem, Refused
from execution.payloads.encode import epoch_ms
from execution.payloads.halts import HaltPreview
from execution.selectors.halts import halt_row, halt_rows
from execution.selectors.wall.desk import halt_subjects
from execution.services import halts as services

KINDS = (
    (
        "stop",
        "Cancel everything and stop",
        "Orders pause until a person resumes them. Open child orders are cancelled. No order is sent.",
    ),
    (
        "no_new_orders",
        "No new orders",
        "New orders are refused and no order can be resumed. Live orders go on.",
    ),
)
SCOPES = (
    ("desk", "The desk"),
    ("account", "An account"),
    ("trader", "A trader"),
    ("symbol", "A symbol"),
    ("algorithm", "An algorithm"),
    ("order", "An order"),
)
#: The most former halts on the list.
FORMER = 100


@require_GET
@supervisor_required
def halt_list(request: HttpRequest) -> HttpResponse:
    context = {
        "in_force": halt_rows(lifted=False, limit=FORMER),
        "former": halt_rows(lifted=True, limit=FORMER),
        "now": epoch_ms(timezone.now()),
    }
    return render(request, "dashboard/halts.html", context)


@supervisor_required
@require_http_methods(["GET", "POST"])
def halt_new(request: HttpRequest) -> HttpResponse:
    """Show the form with its preview. A POST sets the halt."""
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
    return see_other("halt", halt.public_id)


@require_GET
@supervisor_required
def halt_preview(request: HttpRequest) -> HttpResponse:
    """Show what the halt in the form would cancel now. Nothing is changed."""
    preview, problems = _preview(request, _asked(request.GET))
    context = {"preview": preview, "problems": problems, "now": timezone.now()}
    return render(request, "dashboard/_halt_preview.html", context)


@require_GET
@supervisor_required
def halt_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    halt = halt_row(public_id)
    if halt is None:
        raise Http404("There is no such halt.")
    return render(request, "dashboard/halt.html", {"halt": halt, "now": epoch_ms(timezone.now())})


@require_POST
@supervisor_required
@asked_again
def halt_lift(request: HttpRequest, public_id: str) -> HttpResponse:
    """Lift a halt. Its orders stay paused."""
    try:
        services.halt_lift(
            public_id=public_id,
            person=person_of(request),
            reason=posted_reason(request.POST),
            now=timezone.now(),
            keeps_time=request.POST.get("keeps_time") == "yes",
        )
    except services.HaltNotFound:
        raise Http404("There is no such halt.") from None
    except Refused as refused:
        return refused_text(refused)
    return action_done(request, "halt", public_id)


def _asked(form: Mapping[str, str]) -> dict[str, str]:
    scope = form.get("scope") or "desk"
    subject = "" if scope == "desk" else form.get("subject") or form.get(f"subject_{scope}") or ""
    return {
        "kind": form.get("kind") or "stop",
        "scope": scope,
        "subject": subject.strip(),
        "phrase": form.get("phrase", "").strip(),
        "reason": posted_reason(form),
    }


def _preview(request: HttpRequest, form: Mapping[str, str]) -> tuple[HaltPreview | None, Sequence[Problem]]:
    try:
        parsed = services.parse_halt_request(form)
        return services.halt_preview(person=person_of(request), request=parsed, now=timezone.now()), ()
    except Refused as refused:
        return None, refused.problems


def _form(
    request: HttpRequest, form: Mapping[str, str], problems: Sequence[Problem] = (), status: int = 200
) -> HttpResponse:
    preview, preview_problems = _preview(request, form)
    context: dict[str, Any] = {
        "asked": form,
        "kinds": KINDS,
        "scopes": SCOPES,
        "subjects": halt_subjects(),
        "preview": preview,
        "problems": preview_problems,
        "refusals": problems,
        "now": timezone.now(),
    }
    return render(request, "dashboard/halt_new.html", context, status=status)
