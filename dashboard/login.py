"""The limit on failed logins: per name and address, per address, per name, and over all. In a browser in which the
person has logged in before, only that browser's failures count.

The counts are in the database, so that they apply to all web processes together (docs/how-to/people.md).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from dashboard.addresses import client_address
from execution.core.guessing import OF_ADDRESS, OF_ALL, OF_NAME
from execution.services.desk.browsers import (
    browser_failed,
    browser_failures,
    browser_known,
    guessed_at_note,
    new_browser_token,
)

if TYPE_CHECKING:
    from execution.models import User

log = structlog.get_logger(__name__)

#: While somebody guesses passwords, the failures that a name may have from an address where it is unknown.
WHILE_GUESSED_AT = 3
#: The time for which an address counts as known for a name after a login.
ADDRESS_KNOWN_FOR = timedelta(days=30)
BROWSER_COOKIE_AGE = timedelta(days=180)


def login_address(request: HttpRequest) -> str | None:
    return client_address(request) or None


class LoginHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """The limit on failed logins. django-axes counts failures of each name and address. This class adds the other
    counts, and the exception for browsers in which a person has logged in before.
    """

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Return the failures that count against the limit. If another count locks the login, return the limit itself.

        1. In a browser in which the name has logged in before, only that browser's own failures count.
        2. An address with too many failures, of any names, is locked.
        3. While somebody guesses passwords of this name, or of many names, an address from which the name has not
           logged in before has only ``WHILE_GUESSED_AT`` tries.
        """
        name, limit = str(get_client_username(request, credentials) or ""), int(settings.AXES_FAILURE_LIMIT)
        own = browser_failures(token=_token(request), name=name, since=get_cool_off_threshold(request))
        if own is not None:
            return own
        pair = int(super().get_failures(request, credentials))
        if _failures(request, ip_address=request.axes_ip_address) >= OF_ADDRESS:
            return limit
        is_guessed_at = _failures(request, username=name) >= OF_NAME or _failures(request) >= OF_ALL
        if is_guessed_at and pair >= WHILE_GUESSED_AT and not _knows(name, request):
            return limit
        return pair

    def user_login_failed(self, sender: Any, credentials: Any, request: Any = None, **more: Any) -> None:
        is_counted = request is not None and not request.axes_locked_out
        name = str(get_client_username(request, credentials) or "") if is_counted else ""
        if is_counted:
            since = get_cool_off_threshold(request)
            browser_failed(token=_token(request), name=name, since=since, now=timezone.now())
        super().user_login_failed(sender, credentials, request, **more)
        if is_counted:
            _say_if_guessed_at(request, name)


def _failures(request: Any, **of: str | None) -> int:
    recent = AccessAttempt.objects.filter(attempt_time__gte=get_cool_off_threshold(request), **of)
    return int(recent.aggregate(failures=Sum("failures_since_start"))["failures"] or 0)


def _knows(name: str, request: Any) -> bool:
    since = timezone.now() - ADDRESS_KNOWN_FOR
    known = Q(username=name, ip_address=request.axes_ip_address, attempt_time__gte=since)
    return bool(AccessLog.objects.filter(known).exists())


def _say_if_guessed_at(request: Any, name: str) -> None:
    """Log once that somebody guesses passwords of a name or of the whole desk, when the count reaches its limit."""
    if _failures(request) == OF_ALL:
        log.error("many logins fail: the desk is guessed at", failures=OF_ALL)
    if _failures(request, username=name) == OF_NAME:
        log.warning("logins with a name fail from several sides", name=name[:80], failures=OF_NAME)
        guessed_at_note(name=name, failures=OF_NAME, now=timezone.now())


def _token(request: Any) -> str:
    return str(request.COOKIES.get(settings.BROWSER_COOKIE_NAME, ""))


def browser_remember(request: HttpRequest, response: HttpResponse, person: User) -> None:
    """Set a cookie by which the server recognises the browser of a person who has just logged in."""
    token = _token(request) or new_browser_token()
    browser_known(token=token, person=person, now=timezone.now())
    response.set_cookie(
        settings.BROWSER_COOKIE_NAME,
        token,
        max_age=BROWSER_COOKIE_AGE,
        secure=settings.SECURE_TLS,
        httponly=True,
        samesite="Lax",
    )
