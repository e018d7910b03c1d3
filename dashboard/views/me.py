"""A person's own pages: their sessions, their password, and their tokens for the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.access import person_of
from dashboard.forms.passwords import OwnPasswordForm
from dashboard.sessions import session_note
from execution.core.numbers import NumberRefused, shortened, whole_number
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, refuse
from execution.selectors.people import login_rows
from execution.selectors.tokens import token_rows
from execution.services.desk import logins
from execution.services.desk import tokens as services
from execution.services.desk.passwords import own_password_change
from execution.services.records.actors import person_actor

#: The scopes of a token, each with its purpose.
SCOPES = {
    "read": "orders, fills, previews",
    "trade": "launch, amend, resume, and stop",
    "halt": "stop, halt, limits, approvals",
}
MAX_DAYS = services.MAX_LIFETIME.days


@never_cache  # the answer to a POST holds a secret
@require_http_methods(["GET", "POST"])
@login_required
def me(request: HttpRequest) -> HttpResponse:
    """List the person's tokens. A POST creates one. Its answer shows the token's text, this one time."""
    if request.method != "POST":
        return _page(request)
    posted, now = request.POST, timezone.now()
    form: dict[str, Any] = {
        "name": posted.get("name", ""),
        "days": posted.get("days", "").strip(),
        "scopes": posted.getlist("scopes"),
        "addresses": posted.get("addresses", ""),
    }
    try:
        _, text = services.token_create(
            person=person_of(request),
            name=form["name"],
            lifetime=_lifetime(form["days"]),
            scopes=form["scopes"],
            addresses=form["addresses"].replace(",", " ").split(),
            now=now,
        )
    except Refused as refused:
        return _page(request, status=422, problems=refused.problems, form=form)
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
    form: dict[str, Any] | None = None,
) -> HttpResponse:
    now: datetime = timezone.now()
    context = {
        "tokens": token_rows(person=person_of(request), now=now),
        "sessions": login_rows(
            person_pk=person_of(request).pk, current=request.session.session_key or "", now=now
        ),
        "made": token,
        "problems": problems,
        "written": form or {"name": "", "days": str(services.DEFAULT_LIFETIME.days), "scopes": ["read"]},
        "scopes": SCOPES.items(),
        "longest": MAX_DAYS,
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


# --- sessions and the password ------------------------------------------------------------------------


@require_POST
@login_required
def session_end(request: HttpRequest, public_id: str) -> HttpResponse:
    """End one of the person's own sessions, perhaps the current one."""
    try:
        logins.login_end(public_id=public_id, person=person_of(request), now=timezone.now())
    except logins.LoginNotFound:
        raise Http404("There is no such session.") from None
    return redirect("me")


@require_POST
@login_required
def sessions_end(request: HttpRequest) -> HttpResponse:
    """End all of the person's own sessions except the current one."""
    person, key = person_of(request), request.session.session_key or ""
    logins.person_logins_end(person=person, actor=person_actor(person), but=key, now=timezone.now())
    return redirect("me")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@login_required
def password(request: HttpRequest) -> HttpResponse:
    """Change the person's own password after a check of the present one. Other sessions and all tokens end."""
    person = person_of(request)
    form = OwnPasswordForm(person, request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "dashboard/password.html", {"form": form}, status=422 if form.errors else 200)
    own_password_change(person=person, password=form.cleaned_data["new_password1"], now=timezone.now())
    update_session_auth_hash(request, person)
    session_note(request)  # this session goes on, under another key
    messages.success(request, "Your password is changed. Your other sessions and all your tokens have ended.")
    return redirect("me")
