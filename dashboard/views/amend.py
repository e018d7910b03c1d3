"""The dialog that amends an order: its fields, the preview of the new plan, and the amendment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.access import person_of
from dashboard.forms import fields
from dashboard.forms.confirmations import limit_reasons_in
from dashboard.forms.reasons import posted_reason
from dashboard.present.limit_fields import limit_fields
from dashboard.responses import action_done, refused_text
from execution.core.durations import as_words
from execution.core.numbers import NumberRefused, grouped, plain, whole_number, without_grouping
from execution.core.orders.parameters import amendable_names
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, refuse
from execution.core.strict_json import read_json
from execution.services.orders import amend as services
from execution.services.orders.amend import Amendment
from execution.services.orders.confirmation import Confirmation
from execution.services.orders.orders import OrderNotFound

#: Terms that every order has besides its algorithm's parameters.
AMOUNTS = {"quantity": "Total quantity", "limit_price": "Limit price"}
ENDS = ("duration", "end_at")
#: The most slices that the preview lists. The rest is only counted.
SHOWN_SLICES = 50


@login_required
@require_http_methods(["GET", "POST"])
def amend(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the form with the present terms. A POST amends; the websocket then updates the page."""
    try:
        return _send(request, public_id) if request.method == "POST" else _form(request, public_id)
    except OrderNotFound:
        raise Http404("There is no such order.") from None
    except Refused as refused:
        return refused_text(refused)


@login_required
@require_POST
def preview(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the new plan for the form's present values. Nothing is written."""
    person, now = person_of(request), timezone.now()
    try:
        current = _current(request, public_id, now)
        changes = changed(current, _written(request), now)
        found = services.order_amend_preview(public_id=public_id, person=person, changes=changes, now=now)
    except OrderNotFound:
        raise Http404("There is no such order.") from None
    except Refused as refused:
        return refused_text(refused)
    problems = fields.problems_as_written(found.problems, found.order.algorithm)
    if changes == {}:
        problems = ()
    if request.POST.get("terms_version") != str(found.terms.version):
        message = "Somebody changed the order's terms in the meantime. Open the dialog again."
        problems = (Problem("", message, code=Code.TERMS_CHANGED),)
    return render(request, "dashboard/_amend_preview.html", _context(request, found, problems))


def _form(request: HttpRequest, public_id: str) -> HttpResponse:
    found = _current(request, public_id, timezone.now())
    shown = shown_terms(found)
    context = {
        "order": found.order,
        "terms": found.terms,
        "shown": json.dumps(shown),
        "amounts": [_amount(name, label, found, shown[name]) for name, label in AMOUNTS.items()],
        "parameters": [
            replace(field, unit="from the start") if field.name == "duration" else field
            for field in fields.algorithm_fields(found.order.algorithm, shown)
            if field.name in shown and field.name not in AMOUNTS
        ],
    }
    return render(request, "dashboard/_amend.html", context)


def _send(request: HttpRequest, public_id: str) -> HttpResponse:
    written, now = _written(request), timezone.now()
    current = _current(request, public_id, now)
    try:
        version = whole_number(written.get("terms_version", ""))
    except NumberRefused:
        message = "The form does not say which version of the terms it changes. Open it again."
        refuse("terms_version", message, code=Code.VALUE_MISSING)
    try:
        services.order_amend(
            public_id=public_id,
            person=person_of(request),
            changes=changed(current, written, now),
            terms_version=version,
            now=now,
            reason=posted_reason(written),
            confirmed=Confirmation(
                quantity=written.get("confirm_quantity", ""),
                limit=written.get("confirm_limit") == "yes",
                i_would=written.get("confirm_i_would") == "yes",
                limit_reasons=limit_reasons_in(written),
            ),
        )
    except services.TermsChanged:
        raise
    except Refused as refused:
        raise Refused(fields.problems_as_written(refused.problems, current.order.algorithm)) from None
    return action_done(request, "order", public_id)


# --- between the form and the terms ----------------------------------------------------------------


def _current(request: HttpRequest, public_id: str, now: datetime) -> Amendment:
    return services.order_amend_preview(public_id=public_id, person=person_of(request), changes={}, now=now)


def _written(request: HttpRequest) -> dict[str, str]:
    return {name: str(request.POST.get(name, "")) for name in request.POST}


def shown_terms(current: Amendment) -> dict[str, str]:
    """Return the present terms, by the names of the form's fields."""
    parameters = current.terms.parameters
    shown = {
        "quantity": plain(current.before),
        "limit_price": "" if current.terms.limit_price is None else plain(current.terms.limit_price),
    }
    model = type(current.parameters)
    amendable = amendable_names(model)
    for name, info in model.model_fields.items():
        if name in ENDS or name in amendable:
            value = parameters.get(name)
            shown[name] = "" if value is None else fields.shown_parameter(info, value)
    return shown


def changed(current: Amendment, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Return the values in the form that the person has changed, as the services accept them. "" removes a value.

    A value is changed if it differs from the one that the form showed at first. The form sends these first values
    along. So sending the same form twice requests the same changes, even if the terms have changed in between.
    """
    shown = _shown_by(form) or shown_terms(current)
    texts = {name: form[name].strip() for name in shown if name in form and form[name].strip() != shown[name]}
    raw = fields.parameters_raw(current.order.algorithm, texts, now)
    return {name: raw.get(name, without_grouping(text)) for name, text in texts.items()}


def _shown_by(form: Mapping[str, str]) -> dict[str, str]:
    try:
        shown = read_json(form.get("shown") or "{}")
    except ValueError:
        return {}
    return {str(name): str(text) for name, text in shown.items()} if isinstance(shown, dict) else {}


def _amount(name: str, label: str, amendment: Amendment, value: str) -> fields.Field:
    limits = amendment.market.limits
    unit = f"{limits.base}, with what is filled" if name == "quantity" else limits.quote
    words = {
        "quantity": f"At least {plain(amendment.least)}: the filled quantity and what may still fill.",
        "limit_price": "Empty: no limit.",
    }
    return fields.Field(
        name=name,
        label=label,
        description=words[name],
        widget="decimal",
        unit=unit,
        advanced=False,
        value=value,
        placeholder="none" if name == "limit_price" else "",
    )


def _context(request: HttpRequest, amendment: Amendment, problems: Sequence[Problem]) -> dict[str, Any]:
    limits = amendment.market.limits
    return {
        "amended": amendment,
        "base": limits.base,
        "quote": limits.quote,
        "problems": problems,
        "summary": _summary(amendment, limits.base),
        "slices": list(islice(amendment.slices, SHOWN_SLICES)),
        "more": max(0, len(amendment.slices) - SHOWN_SLICES),
        "far_prices": services.far_prices(amendment),
        "must_type": services.typing_wanted(person_of(request), amendment),
        "may_send": bool(amendment.changes) and not problems,
        **limit_fields(amendment.verdict, request.POST, {}),
    }


def _summary(amendment: Amendment, base: str) -> str:
    if not amendment.slices:
        return "nothing is left to plan"
    sizes = [part.quantity for part in amendment.slices]
    low, high, total = min(sizes), max(sizes), sum(sizes, Decimal(0))
    size = grouped(low) if low == high else f"{grouped(low)} to {grouped(high)}"
    first, last = amendment.slices[0], amendment.slices[-1]
    count = f"{len(sizes)} slice{'' if len(sizes) == 1 else 's'}"
    return (
        f"{count} × {size} {base} over {as_words(last.ends_at - first.starts_at)}, "
        f"until {last.ends_at:%H:%M:%S} UTC, exact total {grouped(total)}"
    )
