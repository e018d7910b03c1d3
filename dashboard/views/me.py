"""A person's own page: their tokens for the API."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.access import person_of
from execution.core.numbers import NumberRefused, shortened, whole_number
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, refuse
from execution.selectors.tokens import token_rows
from execution.services.desk import tokens as services

MAX_DAYS = services.MAX_LIFETIME.days


@never_cache  # the answer to a POST holds a secret
@require_http_methods(["GET", "POST"])
@login_required
def me(request: HttpRequest) -> HttpResponse:
    """List the tokens; a POST makes one and shows it in its answer, once and nowhere else."""
    if request.method != "POST":
        return _page(request)
    name, days = request.POST.get("name", ""), request.POST.get("days", "").strip()
    now = timezone.now()
    try:
        _, text = services.token_create(
            person=person_of(request), name=name, lifetime=_lifetime(days), now=now
        )
    except Refused as refused:
        return _page(request, status=422, problems=refused.problems, form={"name": name, "days": days})
    return _page(request, status=201, token=text)


def _lifetime(days: str) -> timedelta:
    try:
        number = whole_number(days.strip())
    except NumberRefused:
        number = 0
    if not 0 < number <= MAX_DAYS:
        message = f"Days is {shortened(days)!r}. It must be a whole number from 1 to {MAX_DAYS}."
        refuse("days", message, days, MAX_DAYS, code=Code.VALUE_OUT_OF_RANGE)
    return timedelta(days=number)


def _page(
    request: HttpRequest,
    *,
    status: int = 200,
    token: str = "",
    problems: tuple[Problem, ...] = (),
    form: dict[str, str] | None = None,
) -> HttpResponse:
    now: datetime = timezone.now()
    context = {
        "tokens": token_rows(person=person_of(request), now=now),
        "made": token,
        "problems": problems,
        "written": form or {"name": "", "days": str(services.DEFAULT_LIFETIME.days)},
        "longest": MAX_DAYS,
        "max_name": services.MAX_NAME,
    }
    return render(request, "dashboard/me.html", context, status=status)


@require_POST
@login_required
def token_revoke(request: HttpRequest, public_id: str) -> HttpResponse:
    try:
        services.token_revoke(public_id=public_id, person=person_of(request), now=timezone.now())
    except services.TokenNotFound:
        raise Http404("There is no such token.") from None
    return redirect("me")
