"""What is around every request: an id that ties a page to the log, and answers that nobody keeps."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog.contextvars import bound_contextvars, get_contextvars

ID_BYTES = 6
HEADER = "X-Request-Id"

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def request_id() -> str:
    """Return the id of the request that this thread answers; "" outside of one."""
    return str(get_contextvars().get("request", ""))


class RequestId:
    """Draw an id for each request. It is in every line that the request logs, on its error's page and in a header."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        drawn = secrets.token_hex(ID_BYTES)
        with bound_contextvars(request=drawn):
            response = self.get_response(request)
        response.headers[HEADER] = drawn
        return response


class NoStore:
    """Let no cache keep a page: all but static files is private, or differs from one person to the next."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
