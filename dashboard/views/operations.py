"""What monitors ask: whether this process lives, whether the desk can work, and its figures. No page, no person."""

from __future__ import annotations

from ipaddress import ip_address
from time import perf_counter

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from dashboard.sockets import sockets_open
from execution.selectors.metrics import desk_families
from execution.selectors.metrics.families import CONTENT_TYPE, Family, exposition
from execution.selectors.readiness import is_ready, readiness

#: Headers that a proxy adds: what came through one may come from anywhere.
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")


@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    """Say that this process answers; nothing else is asked."""
    return HttpResponse("live\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether the desk can work: to a monitor each part with its reason, to strangers one word."""
    found = readiness(timezone.now())
    status = 200 if is_ready(found) else 503
    if is_private(request):
        return JsonResponse(found, status=status)
    return HttpResponse(
        "ready\n" if status == 200 else "not ready\n", status=status, content_type="text/plain"
    )


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the desk's figures, and those of this process, for Prometheus; to strangers there is no such page."""
    if not is_private(request):
        raise Http404
    begun = perf_counter()
    families = list(desk_families(timezone.now()))
    sockets = Family("web_sockets", "Websockets that are open at this web process.")
    sockets.add(sockets_open())
    took = Family("scrape_seconds", "How long this answer took to compute.")
    took.add(perf_counter() - begun)
    return HttpResponse(exposition([*families, sockets, took]), content_type=CONTENT_TYPE)


def is_private(request: HttpRequest) -> bool:
    """Return True for who has the monitor's token, and where none is set, for this machine itself without a proxy."""
    token = settings.TRANCHE_METRICS_TOKEN
    if token:
        said = request.headers.get("Authorization", "")
        return constant_time_compare(said, f"Bearer {token}")
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
