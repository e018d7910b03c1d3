"""Sessions in the web process. They are recorded at the login, checked at each request and ended at the logout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from dashboard.access import person_of
from dashboard.addresses import client_address
from execution.services.desk.logins import login_begin, login_continue, logins_end


class SessionEnds:
    """Middleware that logs out people who were idle for too long, or whose session was ended elsewhere."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            key = request.session.session_key or ""
            if not login_continue(person_pk=person_of(request).pk, session_key=key, now=timezone.now()):
                logout(request)
        return self._get_response(request)


def session_note(request: HttpRequest) -> None:
    """Record the session of the request in the list of its person's sessions."""
    if request.session.session_key is None:
        request.session.save()
    login_begin(
        person=person_of(request),
        session_key=cast(str, request.session.session_key),
        address=client_address(request),
        browser=request.META.get("HTTP_USER_AGENT", ""),
        now=timezone.now(),
    )


@receiver(user_logged_in)
def _logged_in(request: HttpRequest, user: Any, **_signal: Any) -> None:
    request.user = user
    session_note(request)


@receiver(user_logged_out)
def _logged_out(request: HttpRequest, **_signal: Any) -> None:
    if key := request.session.session_key:
        logins_end(session_keys=[key])
