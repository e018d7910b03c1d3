"""Answers for monitors: this process is alive, the desk is ready, and the metrics."""

from __future__ import annotations

from collections import deque
from ipaddress import ip_address
from time import monotonic, perf_counter

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from dashboard.sockets import sockets_open
from execution.core.numbers import shortened
from execution.core.strict_json import read_json
from execution.selectors.metrics import desk_families
from execution.selectors.metrics.families import CONTENT_TYPE, Family, exposition
from execution.selectors.readiness import is_ready, readiness

log = structlog.get_logger(__name__)

#: The most log lines a minute about browsers' reports, which anybody can send, and the most characters of each value.
REPORTS = 10
MAX_SHOWN = 200
_told_at: deque[float] = deque(maxlen=REPORTS)
#: Headers that a proxy adds. A request with one of them may come from anywhere.
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")


@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    """Answer that this process is alive, without checking anything else."""
    return HttpResponse("live\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer whether the desk can work.

    A monitor gets the state of each part with its reason. Everybody else gets one word.
    """
    found = readiness(timezone.now())
    status = 200 if is_ready(found) else 503
    if is_private(request):
        return JsonResponse(found, status=status)
    return HttpResponse(
        "ready\n" if status == 200 else "not ready\n", status=status, content_type="text/plain"
    )


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of the desk and of this process for Prometheus. Everybody but the monitor gets a 404."""
    if not is_private(request):
        raise Http404
    begun = perf_counter()
    families = list(desk_families(timezone.now()))
    sockets = Family("web_sockets", "Websockets that are open at this web process.")
    sockets.add(sockets_open())
    took = Family("scrape_seconds", "How long this answer took to compute.")
    took.add(perf_counter() - begun)
    return HttpResponse(exposition([*families, sockets, took]), content_type=CONTENT_TYPE)


@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Log a browser's report that a page broke the content security policy. The cause is an extension or a foreign
    script.
    """
    try:
        report = read_json(request.body)["csp-report"]
        told = {name: shortened(report.get(name, ""), MAX_SHOWN) for name in ("document-uri", "blocked-uri")}
        directive = shortened(
            report.get("effective-directive") or report.get("violated-directive", ""), MAX_SHOWN
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return HttpResponse("This is no report.\n", status=400, content_type="text/plain")
    if _may_tell():
        page, blocked = told["document-uri"], told["blocked-uri"]
        log.warning("a browser has refused a part of a page", page=page, blocked=blocked, directive=directive)
    return HttpResponse(status=204)


def _may_tell() -> bool:
    now = monotonic()
    if len(_told_at) == REPORTS and now - _told_at[0] < 60:
        return False
    _told_at.append(now)
    return True


def is_private(request: HttpRequest) -> bool:
    """Return True for a request with the monitor's token. If no token is set, return True for a request from this
    machine that did not come through a proxy.
    """
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
