"""The first page. A trader gets their watchlist, live orders and alerts. Others get the page on which their work
begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import views
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.access import balances_required, person_of
from dashboard.responses import refused_text, see_other
from execution.core.problems import Refused
from execution.payloads.encode import epoch_ms
from execution.selectors.balances import may_see_balances
from execution.selectors.home.desk import Home
from execution.selectors.home.watchlist import symbols_listed
from execution.selectors.orders.visibility import sees_several
from execution.services.desk.watchlist import symbol_unwatch, symbol_watch


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the page with its present data. Its websocket then updates it."""
    person, now = person_of(request), timezone.now()
    if not may_see_balances(person):
        return redirect("accounts")
    page = Home()
    page.read_rows(person, now, whole=True)
    page.read_market()
    picture = page.picture(now)
    rows, watch = list(picture["rows"].values()), list(picture["watch"].values())
    context = {
        "home": {**picture, "rows": rows, "watch": watch, "now": epoch_ms(now)},
        "listed": sorted(symbols_listed(person)),
        "sees_several": sees_several(person),
    }
    return render(request, "dashboard/home.html", context)


WATCHLIST_ACTIONS: dict[str, Callable[..., None]] = {"add": symbol_watch, "remove": symbol_unwatch}


@require_POST
@balances_required
def watchlist_act(request: HttpRequest, action: str) -> HttpResponse:
    """Add a symbol to the watchlist or remove one. The page's websocket brings the change."""
    if action not in WATCHLIST_ACTIONS:
        raise Http404("There is no such action.")
    try:
        WATCHLIST_ACTIONS[action](person=person_of(request), symbol=request.POST.get("symbol", ""))
    except Refused as refused:
        return refused_text(refused)
    return HttpResponse(status=204) if getattr(request, "htmx", False) else see_other("home")


class LogoutView(views.LogoutView):
    """Logs out, and makes the browser delete its cached pages of the desk.

    The theme that the browser stores is not deleted.
    """

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = super().post(request, *args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """Answer the request for an icon that browsers send by themselves, because it would fail otherwise."""
    return redirect(static("mark.svg"), permanent=True)
