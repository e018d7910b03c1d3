"""The blotter: its page, an opened row, and its export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dashboard.access import person_of
from dashboard.forms.filters import Chosen, read_filter
from dashboard.present.exports import csv_lines
from execution.core.orders.terms import ALGORITHMS
from execution.core.states import OrderStatus
from execution.payloads.encode import milliseconds
from execution.payloads.orders import OrderPage
from execution.selectors.orders import pages
from execution.selectors.orders.blotter import PAGE_SIZE, STATES, blotter_page, blotter_rows
from execution.selectors.orders.visibility import order_find, sees_several

STATE_LABELS = {"all": "All", "needs": "Needs a person", "live": "Live", "final": "Final"}
#: Children and fills that an opened row shows; the order's page has all.
PARTS = 20
EMPTY: OrderPage = {"rows": [], "counts": dict.fromkeys(STATES, 0), "total": 0}


@require_GET
@login_required
def order_list(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    chosen = read_filter(person, request.GET.dict())
    found = EMPTY
    if not chosen.problems:
        found = blotter_page(person=person, chosen=chosen.filter, page=chosen.page)
    last = max(1, -(-found["total"] // PAGE_SIZE))
    context = {
        "list": {
            **found,
            "query": chosen.query(page=str(chosen.page)),
            "live": not chosen.problems,
            "now": milliseconds(timezone.now()),
        },
        "chosen": chosen,
        "written": chosen.written,
        "tabs": _tabs(chosen, found),
        "fields": _fields(chosen),
        "is_filtered": bool(chosen.query()),
        "by_state_only": not chosen.query(state=""),
        "query": chosen.query(),
        "total": found["total"],
        "number": chosen.page,
        "last": last,
        "previous": chosen.query(page=str(min(chosen.page - 1, last))) if chosen.page > 1 else None,
        "next": chosen.query(page=str(chosen.page + 1)) if chosen.page < last else None,
        "sees_several": sees_several(person),
    }
    return render(request, "dashboard/orders.html", context)


def _tabs(chosen: Chosen, found: OrderPage) -> list[dict[str, Any]]:
    """The groups of states with their counts; a single status that was asked for stands beside them."""
    state = chosen.filter.state
    tabs = [
        {
            "name": name,
            "label": label,
            "count": found["counts"][name],
            "chosen": name == state,
            "query": chosen.query(state=name),
        }
        for name, label in STATE_LABELS.items()
    ]
    if state not in STATE_LABELS:
        label = state.replace("_", " ").capitalize()
        tabs.append({"name": "", "label": label, "count": found["total"], "chosen": True, "query": ""})
    return tabs


def _fields(chosen: Chosen) -> list[dict[str, Any]]:
    """The filter's selects: name, label and choices; one with nothing to choose from is left out."""
    choices = chosen.choices
    statuses = [(str(status), status.replace("_", " ")) for status in OrderStatus]
    fields: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("state", "State", [(name, STATE_LABELS[name]) for name in STATES if name != "all"] + statuses),
        ("side", "Side", [("buy", "▲ BUY"), ("sell", "▼ SELL")]),
        ("symbol", "Symbol", [(name, name) for name in choices.symbols]),
        ("algorithm", "Algorithm", [(name, known.label) for name, known in ALGORITHMS.items()]),
        ("account", "Account", [(name, name) for name in choices.accounts]),
        ("trader", "Trader", [(name, name) for name in choices.traders]),
    ]
    return [
        {
            "name": name,
            "label": label,
            "options": _options(options, chosen.written.get(name, "")),
            "active": chosen.written.get(name, "") not in ("", "all"),
        }
        for name, label, options in fields
        if options
    ]


def _options(options: list[tuple[str, str]], value: str) -> list[dict[str, Any]]:
    """With what was written, even when it is not among them: it stays to be seen and changed."""
    known = options if not value or value == "all" or value in dict(options) else [*options, (value, value)]
    return [{"value": name, "label": label, "chosen": name == value} for name, label in known]


@require_GET
@login_required
def order_parts(request: HttpRequest, public_id: str) -> HttpResponse:
    """What an opened row shows: the newest children and fills of the order."""
    order_id = order_find(person=person_of(request), public_id=public_id)
    if order_id is None:
        raise Http404("There is no such order.")
    context = {
        "id": public_id,
        "parts": {**pages.order_parts(order_id, most=PARTS), "id": public_id, "most": PARTS},
    }
    return render(request, "dashboard/_order_parts.html", context)


@require_GET
@login_required
def order_export(request: HttpRequest) -> HttpResponseBase:
    """All orders of the filter, not only the page's, as CSV."""
    person = person_of(request)
    chosen = read_filter(person, request.GET.dict())
    if chosen.problems:
        text = "; ".join(problem.message for problem in chosen.problems)
        return HttpResponse(text, status=422, content_type="text/plain")
    now = timezone.now()
    lines = csv_lines(
        blotter_rows(person=person, chosen=chosen.filter),
        now=milliseconds(now),
        with_trader=sees_several(person),
    )
    # Under ASGI Django would gather a plain iterator before it sends anything.
    content = _in_thread(lines) if isinstance(request, ASGIRequest) else lines
    name = f"orders-{now:%Y%m%d-%H%M%S}.csv"
    return StreamingHttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _in_thread(lines: Iterator[str]) -> AsyncIterator[str]:
    def following() -> str | None:
        return next(lines, None)

    while (line := await database_sync_to_async(following)()) is not None:
        yield line
