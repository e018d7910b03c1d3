"""Access to the API by bearer token alone. A login gives no access, so a page of another site cannot act for
a person who is logged in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle

from dashboard.addresses import client_address
from dashboard.api.problems import Forbidden, NotFound, problem_response
from dashboard.rates import MinuteCounter, seconds_left
from dashboard.stops import is_stop
from execution.core.problem_codes import Code
from execution.core.types import Role
from execution.selectors.orders.visibility import order_find
from execution.services.desk.tokens import may_come_from, token_valid

if TYPE_CHECKING:
    from execution.models import User

_requests = MinuteCounter()


class Bearer(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return the token's person. Raises ``Forbidden`` for a missing scope, or an address that the token
        excludes.
        """
        found = token_valid(text=token.strip(), now=timezone.now())
        if found is None:
            return None
        address = client_address(request)
        if not may_come_from(found, address):
            message = f"This token may not be used from {address or 'an unknown address'}."
            raise Forbidden(message, Code.ADDRESS_NOT_ALLOWED)
        needed = scopes_of(str(request.method), request.path)
        if not needed & set(found.scopes):
            has, wants = ", ".join(found.scopes), " or ".join(sorted(needed))
            message = f"This needs a token with the scope {wants}. Yours has {has}."
            raise Forbidden(message, Code.SCOPE_MISSING)
        return found.person


#: Paths of POSTs that only read, and paths of a supervisor's requests.
_PREVIEWS = re.compile(r"/api/v1/(orders|orders/[-\w]+/amend|baskets)/preview")
_BULK_PREVIEWS = re.compile(r"/api/v1/(orders/bulk|baskets/[-\w]+)/[a-z]+/preview")
_SUPERVISED = re.compile(r"/api/v1/(halts|limits|approvals|alerts|reconciliation)(/.*)?")


def scopes_of(method: str, path: str) -> set[str]:
    """Return the scopes that allow the request. A token needs one of them. The scope ``trade`` also covers stops."""
    if _BULK_PREVIEWS.fullmatch(path):
        return {"read", "trade", "halt"}
    if is_stop(method, path):
        return {"trade", "halt"}
    if method in {"GET", "HEAD", "OPTIONS"}:
        return {"read"}
    if _PREVIEWS.fullmatch(path):
        return {"read", "trade"}
    if path.startswith("/api/v1/approvals/") and path.endswith("/withdraw"):
        return {"trade", "halt"}
    if path.startswith("/api/v1/presets"):  # traders and supervisors save them
        return {"trade", "halt"}
    return {"halt"} if _SUPERVISED.fullmatch(path) else {"trade"}


def documented(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Restrict the OpenAPI document and its page to people who are logged in, and to programs with a token."""

    @require_GET
    def guarded(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if request.user.is_authenticated or Bearer()(request) is not None:
            return view(request, **arguments)
        if request.path.endswith("/docs"):
            return redirect_to_login(request.get_full_path())
        return problem_response(401)

    return guarded


class PersonRate(BaseThrottle):
    """Limits a person's requests per minute, over all of their tokens, so that one program does not slow down others.

    A request that stops orders is neither counted nor refused. So a person can still stop orders after too many other
    requests.
    """

    def allow_request(self, request: HttpRequest) -> bool:
        if is_stop(str(request.method), request.path):
            return True
        return bool(_requests.count(str(api_person(request).pk)) <= settings.API_RATE)

    def wait(self) -> float:
        return seconds_left()


def api_person(request: HttpRequest) -> User:
    """Return the person of the request's token."""
    return cast("User", getattr(request, "auth"))  # noqa: B009  # ninja puts it there


def api_order(request: HttpRequest, public_id: str) -> int:
    """Return the primary key of an order if the person may see it. Raises ``NotFound`` for any other order."""
    order_id = order_find(person=api_person(request), public_id=public_id)
    if order_id is None:
        raise NotFound
    return order_id


def api_actor(request: HttpRequest, public_id: str, may: Callable[..., bool], words: str) -> tuple[User, int]:
    """Return the person and the order's primary key, if ``may`` allows the person to act on the order.

    If ``may`` returns False, raises ``Forbidden`` with a message that begins with ``words``. Raises
    ``NotFound`` for an order that the person may not see.
    """
    person, order_id = api_person(request), api_order(request, public_id)
    if not may(person=person, order_id=order_id):
        raise Forbidden(f"{words} order {public_id}.", Code.NOT_YOUR_ORDER)
    return person, order_id


def api_trader(request: HttpRequest) -> User:
    person = api_person(request)
    if not person.may_trade:
        raise Forbidden("Only traders place orders.")
    return person


def api_supervisor(request: HttpRequest) -> User:
    person = api_person(request)
    if person.role != Role.SUPERVISOR:
        raise Forbidden("Only supervisors halt the desk and settle unknown children.")
    return person
