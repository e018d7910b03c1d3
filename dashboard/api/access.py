"""Who asks: a bearer token, nothing else. No session opens the API, so a foreign page cannot either."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle

from dashboard.api.limits import MINUTE, MinuteCounter
from dashboard.api.problems import Forbidden
from dashboard.stops import is_stop
from execution.services.desk.tokens import person_of_token

if TYPE_CHECKING:
    from execution.models import User

_requests = MinuteCounter()


class Bearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> User | None:  # noqa: ARG002
        return person_of_token(text=token.strip(), now=timezone.now())


class PersonRate(BaseThrottle):
    """So many requests a minute for a person, over all of their tokens: a wild program slows nobody else down.

    A stop is not counted and never refused: who has used up their limit can still stop what they started.
    """

    def allow_request(self, request: HttpRequest) -> bool:
        if is_stop(str(request.method), request.path):
            return True
        return bool(_requests.count(str(api_person(request).pk)) <= settings.API_RATE)

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
