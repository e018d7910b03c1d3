"""Context for the templates of every page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from execution.core.states import CHILD_LIVE, ORDER_FINAL


def desk(request: HttpRequest) -> dict[str, str]:
    """Return the badge's environment, the page's name, and the groups of states for the scripts."""
    match = request.resolver_match
    return {
        "environment": settings.TRANCHE_ENVIRONMENT,
        "page": match.url_name or "" if match else "",
        "final_orders": " ".join(sorted(ORDER_FINAL)),
        "live_children": " ".join(sorted(CHILD_LIVE)),
    }
