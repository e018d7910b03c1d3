"""What every page needs to know."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def desk(_request: HttpRequest) -> dict[str, str]:
    return {"environment": settings.TRANCHE_ENVIRONMENT}
