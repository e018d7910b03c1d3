"""The repeated proof of identity before changes of access, by the second factor or the password."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, cast
from urllib.parse import urlencode, urlsplit

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from dashboard.access import person_of
from dashboard.stops import is_stop
from execution.services.desk.factors import factor_missing, factor_verify, has_factor

if TYPE_CHECKING:
    from execution.models import User

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponse]

#: Seconds for which a proof of identity counts. A login is one too.
LASTS = 600
ANSWERED = "answered_at"


def answered(request: HttpRequest) -> None:
    """Record in the session that the person has proven their identity just now."""
    request.session[ANSWERED] = int(time.time())


def must_answer(request: HttpRequest) -> bool:
    """Return True if the person has to prove their identity again before a change of access.

    A person with a second factor has to prove it by a code in every environment. Others have to prove it only on a
    live installation, by their password.
    """
    at = request.session.get(ANSWERED, 0)
    if 0 <= time.time() - at < LASTS:
        return False
    return settings.TRANCHE_ENVIRONMENT == "live" or has_factor(person_of(request))


def ask_again(request: HttpRequest) -> HttpResponse:
    """Redirect the browser to the page where the person proves their identity.

    That page leads back to the present one. The requested change is not made.
    """
    page = request.get_full_path() if request.method == "GET" else _page_before(request)
    target = f"{reverse('again')}?{urlencode({'next': page})}"
    return HttpResponseClientRedirect(target) if getattr(request, "htmx", False) else redirect(target)


def asked_again(view: View[Arguments]) -> View[Arguments]:
    """Admit a person for whom ``must_answer`` is False, and ask anybody else to prove their identity first.

    Put this decorator below the one that checks the role.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        return ask_again(request) if must_answer(request) else view(request, *args, **kwargs)

    return cast("View[Arguments]", guarded)


def _page_before(request: HttpRequest) -> str:
    before = urlsplit(request.META.get("HTTP_REFERER", ""))
    return before.path if before.netloc == request.get_host() and before.path else "/"


def code_is_right(request: HttpRequest, person: User, code: str) -> bool:
    """Return True for a right code of the second factor.

    A wrong code counts as a failed login. While logins with the person's name are locked, return False without
    checking the code.
    """
    credentials = {"username": person.username}
    if not AxesProxyHandler.is_allowed(request, credentials):
        setattr(request, "axes_locked_out", True)  # noqa: B010  its middleware answers
    elif factor_verify(person=person, code=code, now=timezone.now()):
        return True
    user_login_failed.send(sender=__name__, credentials=credentials, request=request)
    return False


def answer_is_right(request: HttpRequest, answer: str) -> bool:
    """Return True for a right answer: a code from a person with a second factor, else the password."""
    person = person_of(request)
    if has_factor(person):
        return code_is_right(request, person, answer)
    return authenticate(request, username=person.username, password=answer) is not None


class FactorRequired:
    """Redirects people who lack a required second factor to the page where they set it up.

    Requests that stop orders are never redirected.
    """

    #: The names of the pages that are open without the second factor.
    OPEN = frozenset({"own_factor", "own_password", "logout", "login", "login_code", "favicon"})

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        if not request.user.is_authenticated or is_stop(str(request.method), request.path):
            return None
        match = request.resolver_match
        if (match and match.url_name in self.OPEN) or not factor_missing(person_of(request)):
            return None
        page = reverse("own_factor")
        return HttpResponseClientRedirect(page) if getattr(request, "htmx", False) else redirect(page)
