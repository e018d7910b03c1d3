"""The context that the templates of all pages share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from execution.core.states import CHILD_LIVE, ORDER_FINAL
from execution.selectors.access import access_waiting


def desk(request: HttpRequest) -> dict[str, str | Callable[[], int]]:
    """Return what all templates need.

    It has the environment (for the badge), the desk's version, the page's name, and the groups of order states for
    scripts.
    """
    match = request.resolver_match
    return {
        "environment": settings.TRANCHE_ENVIRONMENT,
        "tranche_version": settings.TRANCHE_VERSION,
        "page": match.url_name or "" if match else "",
        "final_orders": " ".join(sorted(ORDER_FINAL)),
        "live_children": " ".join(sorted(CHILD_LIVE)),
        # Asked only by pages of people who may decide, and once for each.
        "access_waiting": cache(_access_waiting),
    }


def _access_waiting() -> int:
    return access_waiting(now=timezone.now()).count()
