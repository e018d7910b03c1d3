"""The list of orders, an order's page, and what a person does to an order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from dashboard.access import person_of
from execution.core.problems import Problem, Refused
from execution.selectors import pages
from execution.selectors.texts import milliseconds
from execution.services import orders as services

FILTER_LABELS = {"all": "All", "needs": "Needs a person", "live": "Live", "final": "Final"}


@require_GET
@login_required
def order_list(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "all")
    page = max(1, _number(request.GET.get("page")))
    found = pages.order_rows(person=person_of(request), state=state, page=page)
    last = max(1, -(-found["total"] // pages.PAGE_SIZE))
    filters = [
        {"name": name, "label": label, "count": found["counts"][name], "chosen": name == state}
        for name, label in FILTER_LABELS.items()
    ]
    context = {
        "list": {**found, "state": state, "page": page, "now": milliseconds(timezone.now())},
        "filters": filters,
        "state": state,
        "number": page,
        "last": last,
        "previous": page - 1 if page > 1 else None,
        "next": page + 1 if page < last else None,
    }
    return render(request, "dashboard/orders.html", context)


def _number(value: str | None) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 9 else 1


@require_GET
@login_required
def order_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    order_id = pages.order_find(person=person_of(request), public_id=public_id)
    if order_id is None:
        raise Http404("There is no such order.")
    snapshot = pages.order_snapshot(order_id)
    order = snapshot["order"]
    context = {"order": order, "snapshot": snapshot, "now": milliseconds(timezone.now())}
    return render(request, "dashboard/order.html", context)


def _resume(*, mode: str, **arguments: Any) -> object:
    """Nobody chooses silently between catching up and shifting: the choice must be in the request."""
    if mode not in {"catch_up", "shift"}:
        raise Refused(
            [Problem("mode", f"mode is {mode!r}; it must be catch_up or shift", mode, "catch_up, shift")]
        )
    return services.order_resume(mode=cast("services.ResumeMode", mode), **arguments)


def _pause(*, mode: str, **arguments: Any) -> object:  # noqa: ARG001  # one shape for all actions
    return services.order_pause(**arguments)


def _cancel(*, mode: str, **arguments: Any) -> object:  # noqa: ARG001
    return services.order_cancel(**arguments)


ACTIONS: dict[str, Callable[..., object]] = {"pause": _pause, "resume": _resume, "cancel": _cancel}


@require_POST
@login_required
def order_act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Pause, resume or cancel. The page learns of the change from its websocket."""
    if action not in ACTIONS:
        raise Http404("There is no such action.")
    try:
        ACTIONS[action](
            public_id=public_id,
            person=person_of(request),
            reason=request.POST.get("reason", "").strip(),
            mode=request.POST.get("mode", ""),
            now=timezone.now(),
        )
    except services.OrderNotFound:
        raise Http404("There is no such order.") from None
    except Refused as refused:
        return HttpResponse(str(refused), status=422, content_type="text/plain")
    if getattr(request, "htmx", False):
        return HttpResponse(status=204)
    return redirect("order", public_id=public_id)
