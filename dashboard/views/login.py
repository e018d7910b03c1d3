"""The login. Everybody uses the same page, also for the Django admin. The code of a second factor comes next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.contrib.auth import BACKEND_SESSION_KEY, get_user_model
from django.contrib.auth import login as log_in
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from dashboard.again import answered, code_is_right
from dashboard.login import browser_remember
from execution.core.types import Role
from execution.services.desk.factors import has_factor

if TYPE_CHECKING:
    from execution.models import User

#: The session's key for the person who gave the right password and no code yet, and the seconds for which it counts.
HALF_IN = "half_in"
HALF_IN_FOR = 300
#: The first page for each role. Everybody else gets the home page.
FIRST_PAGES: dict[str, str] = {Role.SUPERVISOR: "wall", Role.ADMIN: "accounts"}


class DeskLoginForm(AuthenticationForm):
    """Name and password. Its refusal uses the words of the page's labels, and does not say which of them is wrong."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "The name or the password is wrong. Check small and capital letters in both.",
    }


class DeskLoginView(LoginView):
    """The form for name and password.

    A person with a second factor is then asked for a code. After the login, the desk recognises the browser as one in
    which the person has logged in before (``dashboard.login``).
    """

    authentication_form = DeskLoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        person = form.get_user()
        target = _target(self.get_redirect_url(), person)
        backend = str(getattr(person, "backend", ""))
        if has_factor(person):
            self.request.session.cycle_key()
            self.request.session[HALF_IN] = {
                "person": person.pk,
                "hash": person.get_session_auth_hash(),
                "at": int(time.time()),
                "next": target,
                BACKEND_SESSION_KEY: backend,
            }
            return redirect("login_code")
        return _in(self.request, person, backend, target)


def _target(asked: str, person: User) -> str:
    """Return the page that was asked for. The desk's bare address leads each role to its own first page."""
    if asked and asked != resolve_url("home"):
        return asked
    return str(resolve_url(FIRST_PAGES.get(person.role, "home")))


def _in(request: HttpRequest, person: User, backend: str, target: str) -> HttpResponse:
    log_in(request, person, backend=backend)
    answered(request)
    response = redirect(target)
    browser_remember(request, response, person)
    return response


login: Any = require_http_methods(["GET", "HEAD", "POST"])(DeskLoginView.as_view())


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """Ask a person who gave the right password for a code. After five minutes they have to begin again."""
    half = request.session.get(HALF_IN, {})
    person = get_user_model().objects.filter(pk=half.get("person"), is_active=True).first()
    is_late = time.time() - half.get("at", 0) > HALF_IN_FOR
    same = person and constant_time_compare(half.get("hash", ""), person.get_session_auth_hash())
    if person is None or is_late or not same:
        return redirect("login")
    if request.method == "POST":
        if code_is_right(request, person, request.POST.get("code", "")):
            del request.session[HALF_IN]
            return _in(request, person, half[BACKEND_SESSION_KEY], half["next"])
        return render(request, "registration/code.html", {"error": "The code is not right."}, status=422)
    return render(request, "registration/code.html")


def admin_login(request: HttpRequest) -> HttpResponse:
    """Redirect the Django admin's login to the desk's, so that there is one login only."""
    query = request.META.get("QUERY_STRING", "")
    response = redirect("login")
    response.headers["Location"] += f"?{query}" if query else ""
    return response
