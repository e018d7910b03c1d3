"""The pages of baskets: to write one, review it, send it and watch it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from dashboard.access import person_of, trader_required
from dashboard.forms.baskets import basket_confirmed_in, read_basket
from dashboard.forms.confirmations import is_confirmation
from dashboard.present import baskets as present
from dashboard.present.predictions import predicted_of
from dashboard.responses import see_other
from execution.core.orders.basket import MAX_ROWS
from execution.core.orders.basket_csv import MAX_CHARACTERS
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused
from execution.payloads.encode import epoch_ms
from execution.selectors.orders.baskets import basket_find, basket_rows, baskets_newest
from execution.selectors.orders.blotter import blotter_page
from execution.selectors.orders.order_filter import OrderListFilter
from execution.selectors.room import room_words
from execution.selectors.ticket import ticket_accounts
from execution.services.orders.basket_confirmation import NOTIONAL_FIELD
from execution.services.orders.basket_preview import basket_preview
from execution.services.orders.basket_submit import basket_submit
from execution.services.orders.estimates import estimates_done


@require_GET
@login_required
def basket_list(request: HttpRequest) -> HttpResponse:
    found = baskets_newest(person=person_of(request), now=timezone.now())
    return render(request, "dashboard/baskets.html", {"baskets": [present.list_row(row) for row in found]})


@require_GET
@login_required
def basket_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a basket's state and its orders. The websocket then updates the page."""
    person, now = person_of(request), timezone.now()
    basket = basket_find(person=person, public_id=public_id)
    if basket is None:
        raise Http404("There is no such basket.")
    page = blotter_page(person=person, chosen=OrderListFilter(basket=public_id))
    row = basket_rows([basket], now)[0]
    context = {
        "row": row,
        "name": basket.name,
        "list": {"rows": page["rows"], "basket": row, "now": epoch_ms(now)},
    }
    return render(request, "dashboard/basket.html", context)


# --- a new one -----------------------------------------------------------------------------------


@trader_required
@require_http_methods(["GET", "POST"])
def basket_new(request: HttpRequest) -> HttpResponse:
    """Show the form. A POST sends the basket."""
    return _send(request) if request.method == "POST" else _form(request, {})


def _form(
    request: HttpRequest, review: Mapping[str, Any], problems: Sequence[Problem] = (), status: int = 200
) -> HttpResponse:
    written = request.POST
    context = {
        **review,
        "accounts": ticket_accounts(person=person_of(request)),
        "no_room": room_words(),
        "csv": written.get("csv", ""),
        "name": written.get("name", ""),
        # A fresh key per rendered form; a refused one keeps its own, so that sending again stays one basket.
        "key": written.get("key") or secrets.token_hex(16),
        "max_rows": MAX_ROWS,
        "max_characters": MAX_CHARACTERS,
        "max_characters_words": f"{MAX_CHARACTERS:,}",
        "columns": present.columns_help(),
        "refused": problems,
        "is_reviewed": bool(review or problems),
    }
    return render(request, "dashboard/basket_new.html", context, status=status)


@trader_required
@require_POST
def review(request: HttpRequest) -> HttpResponse:
    """Show every row with its problems, plan and cost, and the sums of all. Nothing is written."""
    return render(request, "dashboard/_basket_review.html", _review(request))


def _review(request: HttpRequest, problems: Sequence[Problem] = ()) -> dict[str, Any]:
    """Return the review's context. ``problems`` are those of a refused send."""
    person, form = person_of(request), _form_of(request)
    text, name = form.get("csv", ""), form.get("name", "").strip()
    asked = {"csv": text, "name": name, "key": form.get("key", "")}
    try:
        found = basket_preview(person=person, name=name, rows=read_basket(text, person), clock=timezone.now)
    except Refused as refused:
        return {**asked, "refused": refused.problems}
    missing = [problem for problem in problems if _is_asked(problem)]
    shown = present.review(person, found, form, missing)
    said = {problem.message for problem in found.every_problem}
    others = [each for each in problems if each not in missing and each.message not in said]
    return {**asked, **shown, "refused_send": others}


def _is_asked(problem: Problem) -> bool:
    """Return True for a problem with a confirmation. The review shows it beside the field of that
    confirmation.
    """
    return problem.field == NOTIONAL_FIELD or is_confirmation(problem.field.rpartition(".")[2])


def _form_of(request: HttpRequest) -> dict[str, str]:
    return {name: str(request.POST.get(name, "")) for name in request.POST}


def _send(request: HttpRequest) -> HttpResponse:
    person, form = person_of(request), _form_of(request)
    key = form.get("key", "").strip()
    if not key:
        message = "The form has no key. Load the page again."
        return _refused(request, [Problem("", message, code=Code.VALUE_MISSING)])
    try:
        basket = basket_submit(
            person=person,
            name=form.get("name", ""),
            rows=read_basket(form.get("csv", ""), person),
            key=key,
            clock=timezone.now,
            confirmed=basket_confirmed_in(form),
        )
    except Refused as refused:
        return _refused(request, refused.problems)
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(reverse("basket", args=[basket.public_id]))
    return see_other("basket", basket.public_id)


def _refused(request: HttpRequest, problems: Sequence[Problem]) -> HttpResponse:
    context = _review(request, problems)
    if getattr(request, "htmx", False):
        return render(request, "dashboard/_basket_review.html", context)
    return _form(request, context, problems, status=422)


@trader_required
@require_POST
def costs(request: HttpRequest) -> HttpResponse:
    """Return the expected costs that a review waits for, by their keys. Costs that are not ready are left out."""
    done = estimates_done(request.POST.getlist("key")[:MAX_ROWS])
    return JsonResponse({key: present.cost_shown(predicted_of(result)) for key, result in done.items()})
