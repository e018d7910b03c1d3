"""What every page needs to know."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def desk(request: HttpRequest) -> dict[str, str]:
    """The environment for the frame and the badge, and the page's name for the navigation."""
    match = request.resolver_match
    return {"environment": settings.TRANCHE_ENVIRONMENT, "page": match.url_name or "" if match else ""}
