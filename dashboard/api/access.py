"""Who asks: a bearer token, nothing else. No session opens the API, so a foreign page cannot either."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle

from dashboard.api.problems import Forbidden
from execution.services.tokens import person_of_token

if TYPE_CHECKING:
    from execution.models import User

MINUTE = 60


class Bearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> User | None:  # noqa: ARG002
        return person_of_token(text=token.strip(), now=timezone.now())


class PersonRate(BaseThrottle):
    """So many requests a minute for a person, over all of their tokens: a wild program slows nobody else down."""

    def allow_request(self, request: HttpRequest) -> bool:
        key = f"api-rate-{api_person(request).pk}-{int(time.time() // MINUTE)}"
        cache.add(key, 0, timeout=2 * MINUTE)
        return bool(cache.incr(key) <= settings.API_RATE)

    def wait(self) -> float:
        return MINUTE - time.time() % MINUTE


def api_person(request: HttpRequest) -> User:
    """Whose token it is."""
    return cast("User", getattr(request, "auth"))  # noqa: B009  # ninja puts it there


def api_trader(request: HttpRequest) -> User:
    person = api_person(request)
    if not person.may_trade:
        raise Forbidden("Only traders place orders.")
    return person


def api_supervisor(request: HttpRequest) -> User:
    person = api_person(request)
    if person.role != "supervisor":
        raise Forbidden("Only supervisors halt the desk and settle unknown children.")
    return person
