"""One action on many chosen orders: its review with counts and sums, and the action itself."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from dashboard.access import person_of
from dashboard.forms.bulk import read_bulk
from dashboard.forms.reasons import posted_reason
from dashboard.present import bulk as present
from dashboard.responses import refused_text
from execution.core.orders.bulk import BulkAction, BulkRequest, ChosenOrder
from execution.core.problems import Refused
from execution.services.orders import bulk as services


@require_POST
@login_required
def orders_review(request: HttpRequest, action: str) -> HttpResponse:
    """Show the result that the action would have now for each order. Nothing is changed."""
    found = _action(action)
    try:
        asked = _asked(request, found)
        results = services.orders_act_preview(person=person_of(request), request=asked, now=timezone.now())
    except Refused as refused:
        context = present.refused_review(found, len(request.POST.getlist("orders")), refused.problems)
        return render(request, "dashboard/_bulk_review.html", context)
    return render(request, "dashboard/_bulk_review.html", present.review(asked, results))


@require_POST
@login_required
def orders_act(request: HttpRequest, action: str) -> HttpResponse:
    """Carry the action out, and show the result of each order. Websockets update the open pages."""
    found = _action(action)
    try:
        asked = _asked(request, found)
        results = services.orders_act(person=person_of(request), request=asked, now=timezone.now())
    except Refused as refused:
        return refused_text(refused)
    return render(request, "dashboard/_bulk_done.html", present.done(asked, results))


def _action(name: str) -> BulkAction:
    if name not in set(BulkAction):
        raise Http404("There is no such action.")
    return BulkAction(name)


def _asked(request: HttpRequest, action: BulkAction) -> BulkRequest:
    """Return the action in the form as a request. An order is given by its id, and by the version of its
    terms if a review has shown that version.
    """
    form = request.POST
    return read_bulk(
        action,
        [_chosen(text) for text in form.getlist("orders")],
        reason=posted_reason(form),
        mode=form.get("mode") if action is BulkAction.RESUME else None,
        by=form.get("by", "").strip() if action is BulkAction.EXTEND else None,
        urgency=form.get("urgency", "").strip() if action is BulkAction.URGENCY else None,
    )


def _chosen(text: str) -> ChosenOrder:
    public_id, _, version = text.partition(".")
    return ChosenOrder(public_id, int(version) if version.isdecimal() and len(version) < 10 else None)
