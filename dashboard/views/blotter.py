"""The blotter: its page, the details of an opened row, and its export."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dashboard.access import order_seen, person_of
from dashboard.forms.filters import STATE_LABELS, FilterForm, read_filter
from dashboard.present.exports import csv_lines
from dashboard.responses import csv_response, filter_refused, in_thread
from execution.payloads.encode import epoch_ms
from execution.payloads.orders import OrderPage
from execution.selectors.orders import pages
from execution.selectors.orders.blotter import PAGE_SIZE, STATES, blotter_page, blotter_rows
from execution.selectors.orders.order_filter import SORTS, OrderListFilter
from execution.selectors.orders.visibility import sees_several

#: The most child orders and fills that an opened row shows. The order's page has all.
PARTS = 20
EMPTY: OrderPage = {"rows": [], "counts": dict.fromkeys(STATES, 0), "total": 0}


@require_GET
@login_required
def order_list(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    chosen = read_filter(person, OrderListFilter, request.GET.dict())
    found = EMPTY
    if not chosen.problems:
        found = blotter_page(person=person, chosen=chosen.filter)
    last = max(1, -(-found["total"] // PAGE_SIZE))
    context = {
        "list": {
            **found,
            "query": chosen.query(page=str(chosen.filter.page)),
            "live": not chosen.problems,
            "now": epoch_ms(timezone.now()),
        },
        "chosen": chosen,
        "tabs": _tabs(chosen, found),
        "by_state_only": not chosen.query(state="", sort=""),
        "sorts": _sorts(chosen),
        "total": found["total"],
        "number": chosen.filter.page,
        "last": last,
        "previous": chosen.query(page=str(min(chosen.filter.page - 1, last)))
        if chosen.filter.page > 1
        else None,
        "next": chosen.query(page=str(chosen.filter.page + 1)) if chosen.filter.page < last else None,
        "sees_several": sees_several(person),
    }
    return render(request, "dashboard/orders.html", context)


def _sorts(chosen: FilterForm[OrderListFilter]) -> dict[str, dict[str, str]]:
    """Return, for each column, its present sorting and the address that changes it: to ascending, then to
    descending, then to none.
    """
    now = chosen.filter.sort
    found = {}
    for name in SORTS:
        following = {name: f"-{name}", f"-{name}": ""}.get(now, name)
        order = {name: "ascending", f"-{name}": "descending"}.get(now, "")
        found[name] = {"query": chosen.query(sort=following), "order": order}
    return found


def _tabs(chosen: FilterForm[OrderListFilter], order_page: OrderPage) -> list[dict[str, Any]]:
    state = chosen.filter.state
    tabs = [
        {
            "name": name,
            "label": label,
            "count": order_page["counts"][name],
            "chosen": name == state,
            "query": chosen.query(state=name),
        }
        for name, label in STATE_LABELS.items()
    ]
    if state not in STATE_LABELS:
        label = state.replace("_", " ").capitalize()
        tabs.append({"name": "", "label": label, "count": order_page["total"], "chosen": True, "query": ""})
    return tabs


@require_GET
@login_required
def order_parts(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the newest child orders and fills of the order in an opened row."""
    order_id = order_seen(request, public_id)
    context = {
        "id": public_id,
        "parts": {**pages.order_parts(order_id, most=PARTS), "id": public_id, "most": PARTS},
    }
    return render(request, "dashboard/_order_parts.html", context)


@require_GET
@login_required
def order_export(request: HttpRequest) -> HttpResponseBase:
    """Export all orders of the filter, on all its pages, as CSV."""
    person = person_of(request)
    chosen = read_filter(person, OrderListFilter, request.GET.dict())
    if chosen.problems:
        return filter_refused(chosen.problems)
    now = timezone.now()
    lines = csv_lines(
        blotter_rows(person=person, chosen=chosen.filter),
        now=epoch_ms(now),
        with_trader=sees_several(person),
    )
    content = in_thread(lines) if isinstance(request, ASGIRequest) else lines
    return csv_response(content, f"orders-{now:%Y%m%d-%H%M%S}.csv")
