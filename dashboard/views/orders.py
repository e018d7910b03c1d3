"""An order's page, and a person's actions on the order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from dashboard.access import order_seen, person_of
from dashboard.forms import fields
from dashboard.forms.reasons import posted_reason
from dashboard.present.order_shows import order_shows
from dashboard.responses import action_done, refused_text
from execution.core.orders.terms import algorithm_label
from execution.core.problem_codes import Code
from execution.core.problems import Refused, refuse
from execution.core.states import ORDER_FINAL, OrderStatus
from execution.payloads.encode import epoch_ms
from execution.selectors.chains import shown_breaks
from execution.selectors.orders import pages
from execution.selectors.orders.schedules import is_sliced
from execution.selectors.orders.visibility import order_is_theirs_to_act
from execution.services.orders import orders as services

if TYPE_CHECKING:
    from execution.models import Order


@require_GET
@login_required
def order_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    person = person_of(request)
    order_id = order_seen(request, public_id)
    snapshot = pages.order_snapshot(order_id)
    order = snapshot["order"]
    context = {
        "order": order,
        "snapshot": snapshot,
        "accounts": order["account"].split(", "),
        "form": {
            "sliced": is_sliced(order["algorithm"]),
            "shows": order_shows(order["algorithm"]),
            "label": algorithm_label(order["algorithm"], ""),
            "parameters": fields.parameter_labels(order["algorithm"]),
        },
        "breaks": shown_breaks(order_id, order["version"]),
        "may_act": order_is_theirs_to_act(person=person, order_id=order_id),
        "now": epoch_ms(timezone.now()),
    }
    return render(request, "dashboard/order.html", context)


def _resume(*, mode: str, **arguments: Any) -> Order:
    """Resume in the mode that the request gives. There is no default, so that a person chooses between catch-up and
    shift.
    """
    if mode not in {"catch_up", "shift"}:
        message = f"Mode is {mode!r}. It must be catch_up or shift."
        refuse("mode", message, mode, "catch_up, shift", code=Code.VALUE_NOT_ALLOWED)
    return services.order_resume(mode=cast("services.ResumeMode", mode), **arguments)


def _pause(*, mode: str, **arguments: Any) -> Order:  # noqa: ARG001  # one shape for all actions
    return services.order_pause(**arguments)


def _cancel(*, mode: str, **arguments: Any) -> Order:  # noqa: ARG001
    return services.order_cancel(**arguments)


ACTIONS: dict[str, Callable[..., Order]] = {"pause": _pause, "resume": _resume, "cancel": _cancel}


@require_POST
@login_required
def order_act(request: HttpRequest, public_id: str, action: str) -> HttpResponse:
    """Pause, resume or cancel an order. The websocket then updates the page."""
    if action not in ACTIONS:
        raise Http404("There is no such action.")
    try:
        order = ACTIONS[action](
            public_id=public_id,
            person=person_of(request),
            reason=posted_reason(request.POST),
            mode=request.POST.get("mode", ""),
            now=timezone.now(),
        )
        ended_otherwise = order.status in ORDER_FINAL and order.status != OrderStatus.CANCELLED
        if action == "cancel" and ended_otherwise and getattr(request, "htmx", False):
            # It ended while the person read the question.
            message = f"The order is {order.status} already. Nothing was left to cancel."
            refuse("status", message, order.status, code=Code.ORDER_NOT_OPEN)
    except services.OrderNotFound:
        raise Http404("There is no such order.") from None
    except Refused as refused:
        return refused_text(refused)
    return action_done(request, "order", public_id)
