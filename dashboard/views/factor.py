"""The second factor: its page, the code at the login, and the repeated question before changes of access."""

from __future__ import annotations

from typing import Any

import segno
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.access import person_of
from dashboard.again import answer_is_right, answered, asked_again
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused
from execution.services.desk import factors
from execution.services.records.actors import person_actor

#: The session's key for the secret of a second factor that is being set up.
MAKING = "factor_secret"
WRONG = "That is not right."


@never_cache  # it shows secrets
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@login_required
def own_factor(request: HttpRequest) -> HttpResponse:
    """Show the person's factor, or how to set one up. A POST sets it up and shows the recovery codes, once."""
    person = person_of(request)
    if request.method != "POST" or factors.has_factor(person):
        return _page(request)
    secret = request.session.get(MAKING, "")
    problems: tuple[Problem, ...] = ()
    if not person.check_password(request.POST.get("password", "")):
        problems = (Problem("password", "The password is not right.", code=Code.CODE_WRONG),)
    elif secret:
        code = request.POST.get("code", "")
        try:
            codes = factors.factor_make(person=person, secret=secret, code=code, now=timezone.now())
        except Refused as refused:
            problems = refused.problems
        else:
            del request.session[MAKING]
            answered(request)
            return _page(request, codes=codes, status=201)
    return _page(request, problems=problems, status=422)


def _page(
    request: HttpRequest,
    *,
    codes: list[str] | None = None,
    problems: tuple[Problem, ...] = (),
    status: int = 200,
) -> HttpResponse:
    person = person_of(request)
    context: dict[str, Any] = {
        "has_factor": factors.has_factor(person),
        "is_required": factors.factor_required(person),
        "codes": codes,
        "codes_left": factors.codes_left(person),
        "problems": problems,
    }
    if not context["has_factor"]:
        secret = request.session.setdefault(MAKING, factors.new_secret())
        uri = factors.factor_uri(person=person, secret=secret)
        drawn = segno.make(uri, error="m").svg_inline(scale=4, border=3, dark="#000", light="#fff")
        # Drawn here from the text of the address: rectangles, and no text of anybody's.
        context |= {"secret": secret, "drawn": mark_safe(drawn)}  # noqa: S308
    return render(request, "dashboard/factor.html", context, status=status)


@never_cache
@require_POST
@login_required
@asked_again
def factor_codes(request: HttpRequest) -> HttpResponse:
    """Make and show new recovery codes, this one time. The former ones become invalid."""
    try:
        codes = factors.codes_renew(person=person_of(request), now=timezone.now())
    except Refused as refused:
        return _page(request, problems=refused.problems, status=422)
    return _page(request, codes=codes, status=201)


@never_cache
@require_POST
@login_required
@asked_again
def factor_remove(request: HttpRequest) -> HttpResponse:
    """Remove the person's own factor, unless one is required."""
    person = person_of(request)
    if factors.factor_required(person):
        message = f"A {person.role} needs a second factor on this installation."
        return _page(request, problems=(Problem("", message, code=Code.FACTOR_MISSING),), status=422)
    factors.factor_remove(person=person, actor=person_actor(person), now=timezone.now())
    return redirect("own_factor")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@login_required
def again(request: HttpRequest) -> HttpResponse:
    """Ask the person to prove their identity, then redirect them to the page from which they came."""
    target = request.POST.get("next") or request.GET.get("next") or "/"
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    error = ""
    if request.method == "POST":
        if answer_is_right(request, request.POST.get("answer", "")):
            answered(request)
            return redirect(target)
        error = WRONG
    context = {"next": target, "error": error, "by_code": factors.has_factor(person_of(request))}
    return render(request, "dashboard/again.html", context, status=422 if error else 200)
