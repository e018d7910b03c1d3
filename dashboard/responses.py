"""Answers that are not pages: files, and refusals as plain text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

from channels.db import database_sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect

from execution.core.problems import Problem, Refused, sentences


def csv_response(content: str | Iterable[str] | AsyncIterator[str], name: str) -> HttpResponseBase:
    """Return ``content`` as a CSV file, to be downloaded under ``name``."""
    kind = HttpResponse if isinstance(content, str) else StreamingHttpResponse
    return kind(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def refused_text(refused: Refused) -> HttpResponse:
    """Return a refusal as text, for the page's dialog."""
    return HttpResponse(str(refused), status=422, content_type="text/plain")


def action_done(request: HttpRequest, page: str, public_id: str) -> HttpResponse:
    """Return the answer to a finished action.

    A page's script gets an empty answer, because the page's websocket brings the change. A browser without scripts is
    redirected to ``page``.
    """
    return (
        HttpResponse(status=204) if getattr(request, "htmx", False) else redirect(page, public_id=public_id)
    )


def see_other(page: str, *arguments: str) -> HttpResponse:
    """Answer a POST with a redirect to a page, so that a reload of the browser does not post again."""
    response = redirect(page, *arguments)
    response.status_code = 303
    return response


def filter_refused(problems: Sequence[Problem]) -> HttpResponse:
    """Return the refusal of an export because of its filter."""
    return HttpResponse(sentences(problems), status=422, content_type="text/plain")


async def in_thread(lines: Iterator[str]) -> AsyncIterator[str]:
    """Yield lines one by one as they are read from the database, on a thread.

    Under ASGI, Django would collect all lines of a plain iterator before it sends the first.
    """

    def following() -> str | None:
        return next(lines, None)

    while (line := await database_sync_to_async(following)()) is not None:
        yield line
