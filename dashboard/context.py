"""The context that the templates of all pages share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from dashboard.access import person_of
from dashboard.present.pages import Menu, menu_of
from execution.core.states import CHILD_LIVE, ORDER_FINAL
from execution.selectors.access import access_waiting


def desk(request: HttpRequest) -> dict[str, str | Callable[[], int] | Callable[[], Menu]]:
    """Return what all templates need.

    It has the environment (for the badge), the desk's version, the page's name, the menu, and the groups of order
    states for scripts.
    """
    match = request.resolver_match
    page = match.url_name or "" if match else ""
    return {
        "environment": settings.TRANCHE_ENVIRONMENT,
        "tranche_version": settings.TRANCHE_VERSION,
        "page": page,
        # Made only for pages of people who are logged in.
        "menu": cache(partial(_menu, request, page)),
        "final_orders": " ".join(sorted(ORDER_FINAL)),
        "live_children": " ".join(sorted(CHILD_LIVE)),
        # Asked only by pages of people who may decide, and once for each.
        "access_waiting": cache(_access_waiting),
    }


def _menu(request: HttpRequest, page: str) -> Menu:
    return menu_of(person_of(request), page)


def _access_waiting() -> int:
    return access_waiting(now=timezone.now()).count()
