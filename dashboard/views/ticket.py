"""The ticket: the form, its live preview, the question before sending, and sending."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from dashboard import fields, sentences
from dashboard.access import person_of, trader_required
from dashboard.previews import preview_context
from execution.core.problems import Problem, Refused
from execution.core.terms import ALGORITHMS, OrderRequest, parse_order_request
from execution.selectors.ticket import ticket_accounts
from execution.services import orders as services


@dataclass(frozen=True, slots=True)
class Asked:
    """A posted ticket: the request, or why it cannot be read."""

    request: OrderRequest | None
    problems: tuple[Problem, ...]
    written: Mapping[str, str]


def read_ticket(posted: QueryDict, now: datetime) -> Asked:
    written = {name: str(posted.get(name, "")) for name in posted}
    algorithm = written.get("algorithm", "")
    known = algorithm in ALGORITHMS
    raw: dict[str, Any] = {
        **{name: written.get(name, "") for name in ("symbol", "side", "quantity", "unit", "limit_price")},
        "algorithm": algorithm,
        "accounts": posted.getlist("accounts"),
        "client_reference": written.get("client_reference", ""),
        "parameters": fields.parameters_raw(algorithm, written, now) if known else {},
    }
    try:
        return Asked(parse_order_request(raw), (), written)
    except Refused as refused:
        return Asked(None, as_written(refused.problems, algorithm), written)


def as_written(problems: Sequence[Problem], algorithm: str) -> tuple[Problem, ...]:
    return tuple(fields.problem_as_written(problem, algorithm) for problem in problems)


@trader_required
@require_http_methods(["GET", "POST"])
def ticket(request: HttpRequest) -> HttpResponse:
    """The form; a POST sends the order."""
    return _send(request) if request.method == "POST" else _form(request)


def _form(
    request: HttpRequest, asked: Asked | None = None, problems: Sequence[Problem] = (), status: int = 200
) -> HttpResponse:
    written = asked.written if asked else {}
    accounts = ticket_accounts(person=person_of(request))
    algorithm = written.get("algorithm") if written.get("algorithm") in ALGORITHMS else "twap"
    parameter_fields = fields.algorithm_fields(algorithm or "twap", written if asked else None)
    context = {
        "accounts": accounts,
        "symbols": sorted({market["symbol"] for account in accounts for market in account["markets"]}),
        "algorithms": ALGORITHMS.values(),
        "algorithm": algorithm,
        "timing": [field for field in parameter_fields if not field.advanced],
        "advanced": [field for field in parameter_fields if field.advanced],
        "written": written,
        "problems": problems,
        # A fresh key per rendered form; a refused form keeps its own, so that sending again stays one order.
        "key": written.get("key") or secrets.token_hex(16),
    }
    return render(request, "dashboard/ticket.html", context, status=status)


@trader_required
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The right side of the ticket for what stands in the form now. Creates nothing."""
    return render(request, "dashboard/_preview.html", _preview(request))


@trader_required
@require_POST
def review(request: HttpRequest) -> HttpResponse:
    """The question before sending: the order in one sentence, or why it cannot be sent."""
    context = _preview(request)
    context["sentence"] = sentences.order_sentence(context["preview"]) if context["preview"] else ""
    return render(request, "dashboard/_review.html", context)


def _preview(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    asked = read_ticket(request.POST, now)
    person = person_of(request)
    found = services.order_preview(person=person, request=asked.request, now=now) if asked.request else None
    problems = as_written(found.problems, found.request.algorithm) if found else asked.problems
    return preview_context(person=person, written=asked.written, preview=found, problems=problems, now=now)


def _send(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    asked = read_ticket(request.POST, now)
    key = asked.written.get("key", "").strip()
    problems = (
        asked.problems if key else (*asked.problems, Problem("", "the form's key is missing; load it again"))
    )
    if asked.request is not None and not problems:
        try:
            order = services.order_submit(person=person_of(request), request=asked.request, key=key, now=now)
        except Refused as refused:
            problems = as_written(refused.problems, asked.request.algorithm)
        else:
            return _sent(request, order.public_id)
    if getattr(request, "htmx", False):
        return render(request, "dashboard/_review.html", {"problems": problems, "refused": True})
    return _form(request, asked, problems, status=422)


def _sent(request: HttpRequest, public_id: str) -> HttpResponse:
    address = reverse("order", args=[public_id])
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    response = redirect(address)
    response.status_code = 303
    return response
