"""Access checks: decorators for views, and the check that a websocket repeats before each message."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_htmx.http import HttpResponseClientRefresh

from execution.core.types import Role
from execution.selectors.balances import REFUSAL, may_see_balances
from execution.selectors.orders.visibility import order_find
from execution.selectors.presets import REFUSAL as PRESETS_REFUSAL
from execution.selectors.presets import may_see_presets
from execution.services.desk.factors import factor_missing
from execution.services.desk.logins import login_continue

if TYPE_CHECKING:
    from execution.models import User

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]


def person_of(request: HttpRequest) -> User:
    """Return the logged-in person. Call it only behind ``login_required``, which ensures that somebody is logged
    in.
    """
    return cast("User", request.user)


def order_seen(request: HttpRequest, public_id: str) -> int:
    """Return the primary key of an order if the person may see it. Raises ``Http404`` for any other order."""
    order_id = order_find(person=person_of(request), public_id=public_id)
    if order_id is None:
        raise Http404("There is no such order.")
    return order_id


def trader_required(view: View[Arguments]) -> View[Arguments]:
    """Admit only traders, the only people who place orders. Everybody else gets a 403."""
    return _admitting(lambda person: person.may_trade, "Only traders place orders.", view)


def admin_required(view: View[Arguments]) -> View[Arguments]:
    """Admit only admins. Everybody else gets a 403, whether the requested object exists or not."""
    checked = _admitting(lambda person: person.role == Role.ADMIN, "Accounts and keys are an admin's.", view)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
        if getattr(request, "htmx", False) and not request.user.is_authenticated:
            return HttpResponseClientRefresh()  # else the login page would be swapped into the panel
        return checked(request, *args, **kwargs)

    return cast("View[Arguments]", guarded)


def second_required(view: View[Arguments]) -> View[Arguments]:
    """Admit only admins and supervisors, who confirm each other's requests for access. Everybody else gets a 403."""
    words = "Only admins and supervisors decide on requests for access."
    return _admitting(lambda person: person.role in {Role.ADMIN, Role.SUPERVISOR}, words, view)


def supervisor_required(view: View[Arguments]) -> View[Arguments]:
    """Admit only supervisors, who watch and halt the desk. Everybody else gets a 403."""
    words = "Only supervisors watch and halt the desk."
    return _admitting(lambda person: person.role == Role.SUPERVISOR, words, view)


def balances_required(view: View[Arguments]) -> View[Arguments]:
    """Admit only traders and supervisors. Everybody else gets a 403."""
    return _admitting(may_see_balances, REFUSAL, view)


def presets_required(view: View[Arguments]) -> View[Arguments]:
    """Admit only traders and supervisors. Everybody else gets a 403."""
    return _admitting(may_see_presets, PRESETS_REFUSAL, view)


def _admitting(may: Callable[[User], bool], words: str, view: View[Arguments]) -> View[Arguments]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
        if not may(person_of(request)):
            raise PermissionDenied(words)
        return view(request, *args, **kwargs)

    return cast("View[Arguments]", login_required(guarded))


#: Seconds for which the sockets of a session share one result: those of several pages, and several messages to each.
SHARED_FOR = 1.0  # seconds
_shared: dict[str, tuple[float, User | None]] = {}


def person_lately(session_key: str | None) -> User | None:
    """Return the active person of a session, as of at most ``SHARED_FOR`` ago; None after its end.

    This is ``person_of_session`` with a cache. Call it only on the database thread of the sockets.
    """
    if not session_key:
        return None
    now = time.monotonic()
    asked_at, person = _shared.get(session_key, (-SHARED_FOR, None))
    if now - asked_at >= SHARED_FOR:
        for key in [key for key, (at, _) in _shared.items() if now - at >= SHARED_FOR]:
            del _shared[key]
        person = person_of_session(session_key)
        _shared[session_key] = (now, person)
    return person


def person_of_session(session_key: str | None) -> User | None:
    """Return the active person of a session; None after a logout, a change of password or the end of the session.

    Each call reads the session's row again, because a websocket may stay open after the login has ended.
    """
    if not session_key:
        return None
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    person = get_user_model().objects.filter(pk=store.get(SESSION_KEY), is_active=True).first()
    if person is None:
        return None
    if not constant_time_compare(store.get(HASH_SESSION_KEY, ""), person.get_session_auth_hash()):
        return None
    goes_on = login_continue(person_pk=person.pk, session_key=session_key, now=timezone.now())
    return person if goes_on and not factor_missing(person) else None
