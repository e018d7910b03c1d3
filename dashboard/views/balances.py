"""The page of balances and exposure: the accounts' holdings, the reserves of live orders, and today's trades."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from django_htmx.http import HttpResponseClientRefresh

from dashboard.access import balances_required, person_of
from dashboard.present.balance_tables import balance_tables
from execution.selectors.balances import balances as balances_read
from execution.selectors.limits import limits_on_sums


@require_GET
@never_cache
def balances(request: HttpRequest) -> HttpResponseBase:
    """Show the balances that the person may see. For a request by htmx, return only the part that is refreshed."""
    is_part = bool(getattr(request, "htmx", False))
    if is_part and not request.user.is_authenticated:
        return HttpResponseClientRefresh()  # else the login page would be swapped into the panel
    return _balances(request, is_part=is_part)


@balances_required
def _balances(request: HttpRequest, *, is_part: bool) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    found, bounds = balances_read(person=person, now=now), limits_on_sums(person, now)
    template = "dashboard/_balances.html" if is_part else "dashboard/balances.html"
    return render(request, template, balance_tables(found, bounds))
