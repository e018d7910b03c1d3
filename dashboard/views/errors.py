"""The page of an error in our own code."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from dashboard.middleware import request_id


def server_error(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django calls it so
    """Show that the page failed, with the id of its log lines.

    Read nothing from the database, because the database may be what failed.
    """
    return HttpResponse(render_to_string("500.html", {"request_id": request_id()}), status=500)
