"""Middleware: an id for every request, which the log has too, and headers that keep answers out of caches."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from structlog.contextvars import bound_contextvars, get_contextvars

from execution.core.identifiers import REQUEST_ID

ID_BYTES = 6
HEADER = "X-Request-Id"

#: Headers for answers that are made before any middleware has run.
BARE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def with_bare_headers(response: HttpResponse) -> HttpResponse:
    """Add the middleware's headers to an answer that does not pass through the middleware, and return it."""
    for name, value in BARE_HEADERS.items():
        response.headers[name] = value
    return response


GetResponse = Callable[[HttpRequest], HttpResponseBase]


def request_id() -> str:
    """Return the id of the request on this thread; "" outside of one."""
    return str(get_contextvars().get("request", ""))


class RequestId:
    """Gives each request a random id.

    The id is in each log line about the request, on its error page and in a header of the answer.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        drawn = request.META[REQUEST_ID] = secrets.token_hex(ID_BYTES)
        with bound_contextvars(request=drawn):
            response = self.get_response(request)
        response.headers[HEADER] = drawn
        return response


class NoStore:
    """Forbids browsers and proxies to store answers, because pages are private or differ between people."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
