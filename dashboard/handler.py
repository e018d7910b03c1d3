"""The handler of HTTP requests in the web process.

Each kind of request has its own pool of threads, its lane (``dashboard.lanes``). A request runs, with all of
its middleware, on one thread of its lane.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any

import structlog
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from dashboard.api.problems import PREFIX, problem_response
from dashboard.lanes import FairThreadPool, LaneFull
from dashboard.middleware import with_bare_headers
from dashboard.stops import is_halt, is_stop
from execution.core.problem_codes import Code

log = structlog.get_logger(__name__)

#: Seconds for which a thread for reads keeps its database connection.
READS_AGAIN = 30
#: Seconds after which a refused request may be sent again.
AGAIN_AFTER = 1
#: Paths of logins. Each login takes a third of a second of CPU, to hash the password. Without a lane of their own,
#: many logins would slow every page.
LOGINS = ("/login/", "/admin/login/")
#: Paths with a lane apart from reads. A process that is busy with reads still reports that it is alive, without its
#: database.
MONITORS = {"/csp-report": "files", "/livez": "files", "/readyz": "monitors", "/metrics": "monitors"}
BUSY = "The desk is busy. Nothing was changed. Send the request again."


class DeskHandler(ASGIHandler):
    """Django's handler with lanes. All middleware of a request runs on the request's thread.

    Django's own handler would switch between the thread and the event loop for each asynchronous middleware, and wait
    for the processor each time.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)

    @cached_property
    def lanes(self) -> dict[str, FairThreadPool]:
        """Return the lanes by name. They are made at the first request and not at the import, because two of them
        connect to the database.
        """
        return {
            "halts": FairThreadPool("halts", threads=4, waiting=200, keeps_connections=True),
            "stops": FairThreadPool("stops", threads=6, waiting=1_000, keeps_connections=True),
            "logins": FairThreadPool("logins", threads=2, waiting=100),
            "reads": FairThreadPool("reads", threads=8, waiting=1_000, reuses_for=READS_AGAIN),
            "exports": FairThreadPool("exports", threads=2, waiting=50),
            "monitors": FairThreadPool("monitors", threads=2, waiting=20, reuses_for=READS_AGAIN),
            "files": FairThreadPool("files", threads=2, waiting=1_000),
        }

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        name = lane_of(scope["method"], scope["path"])
        lane, who = self.lanes[name], address_of(scope) if name == "logins" else asks(scope)
        try:
            async with lane.thread(who) as thread, ThreadSensitiveContext(executor=thread):
                await super().__call__(scope, receive, send)
        except LaneFull as full:
            log.warning("a request is refused", path=scope["path"][:200], reason=str(full))
            await self.send_response(busy_response(scope["path"]), send)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


def lane_of(method: str, path: str) -> str:
    """Return the name of the lane that answers the request."""
    if is_halt(method, path):
        return "halts"
    if is_stop(method, path):
        return "stops"
    if path.startswith(f"/{settings.STATIC_URL.strip('/')}/"):
        return "files"
    if path in MONITORS:
        return MONITORS[path]
    if method == "POST" and path in LOGINS:
        return "logins"
    return "exports" if path.endswith(".csv") else "reads"


def asks(scope: Any) -> int:
    """Return the key of a request's client: a hash of token and cookies, or without them of the address.

    By this key the clients of a lane take turns.
    """
    named = [value for name, value in scope["headers"] if name in (b"authorization", b"cookie")]
    return hash(tuple(named)) if named else address_of(scope)


def address_of(scope: Any) -> int:
    """Return the key of a client's address.

    Logins take turns by this key, because somebody who guesses passwords may send a new cookie with each guess.
    """
    return hash((scope.get("client") or ("",))[0])


def busy_response(path: str) -> HttpResponse:
    if path.startswith(PREFIX):
        response = problem_response(503, BUSY, code=Code.BUSY)
    else:
        response = HttpResponse(BUSY, status=503, content_type="text/plain; charset=utf-8")
    response.headers["Retry-After"] = str(AGAIN_AFTER)
    return with_bare_headers(response)
