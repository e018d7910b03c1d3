"""The pages of alerts: lists of open, acknowledged and past ones, one alert, and a person's actions on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from dashboard.access import person_of
from dashboard.present.alert_advice import ADVICE
from dashboard.present.alerts import alert_shown, subject_shown
from dashboard.responses import see_other
from execution.core.alerts.kinds import AlertKind, kind_of
from execution.core.problems import Refused
from execution.core.types import Role
from execution.selectors.alerts import rows as selectors
from execution.services.alerts import handling as services

STATES = (("open", "Open"), ("acknowledged", "Acknowledged"), ("ended", "Past"))
#: The most alerts in a panel beside something else. The page of alerts has them all.
BESIDE = 12
#: The pages that show alerts in a panel, with the template of each.
PARTS = {"wall": "_alerts", "home": "_alert_cards"}


@require_GET
@never_cache
def alert_list(request: HttpRequest) -> HttpResponse:
    """Show the alerts of one state. For a request by htmx, return only the rows."""
    if getattr(request, "htmx", False) and not request.user.is_authenticated:
        return HttpResponseClientRefresh()  # else the login page would be swapped into the panel
    return _list(request)


@login_required
def _list(request: HttpRequest) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    asked = request.GET
    page = asked.get("on", "") if asked.get("on") in PARTS else ""
    state = asked.get("state", "")
    chosen = {
        "state": state if state in selectors.STATES else selectors.OPEN,
        "kind": asked.get("kind", "") if asked.get("kind", "") in list(AlertKind) else "",
        "owner": asked.get("owner", ""),
    }
    limit = BESIDE if page else selectors.MAX_ROWS
    found = selectors.alert_rows(person=person, limit=limit, to_handle=page == "home", **chosen)
    context: dict[str, Any] = {
        "alerts": [alert_shown(row, now) for row in found],
        "chosen": chosen,
        "states": [(name, label, _query(chosen | {"state": name})) for name, label in STATES],
        "query": _query(chosen),
        "kinds": [(kind.value, kind.label) for kind in AlertKind],
        "owners": selectors.alert_owners(person),
        "is_filtered": bool(chosen["kind"] or chosen["owner"]),
        "limit": limit,
        "is_watched": selectors.is_watched(now),
        "watched_at": selectors.watched_at(),
        "on_wall": page == "wall",
        "now": now,
    }
    is_part = getattr(request, "htmx", False)
    template = PARTS.get(page, "_alerts") if is_part else "alerts"
    return render(request, f"dashboard/{template}.html", context)


def _query(chosen: dict[str, str]) -> str:
    return urlencode({name: text for name, text in chosen.items() if text})


@require_GET
@never_cache
@login_required
def alert_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    return _detail(request, public_id)


def _detail(request: HttpRequest, public_id: str, problem: str = "") -> HttpResponse:
    row = selectors.alert_find(person=person_of(request), public_id=public_id)
    if row is None:
        raise Http404("There is no such alert.")
    now = timezone.now()
    context = {
        "alert": alert_shown(row, now),
        "advice": ADVICE[kind_of(row["kind"])],
        "subjects": [subject_shown(subject, now) for subject in selectors.subject_rows(public_id)],
        "shows_orders": person_of(request).role != Role.ADMIN,
        "problem": problem,
        "now": now,
    }
    return render(request, "dashboard/alert.html", context, status=422 if problem else 200)


Act = Callable[[dict[str, Any], QueryDict], object]
ACTIONS: dict[str, Act] = {
    "acknowledge": lambda who, posted: services.alert_acknowledge(**who, note=posted.get("note", "")),
    "own": lambda who, _: services.alert_own(**who),
}


@require_POST
@never_cache
@login_required
def alert_act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Acknowledge or own an alert. A page with a list sends this request by htmx and then loads its list again."""
    if action not in ACTIONS:
        raise Http404("There is no such action.")
    now: datetime = timezone.now()
    who = {"public_id": public_id, "person": person_of(request), "now": now}
    is_part = getattr(request, "htmx", False)
    try:
        ACTIONS[action](who, request.POST)
    except services.AlertNotFound:
        raise Http404("There is no such alert.") from None
    except Refused as refused:
        if is_part:
            return HttpResponse(str(refused), status=422, content_type="text/plain")
        return _detail(request, public_id, str(refused))
    if is_part:
        return HttpResponse(status=204, headers={"HX-Trigger": "alerts-changed"})
    return see_other("alert", public_id)
