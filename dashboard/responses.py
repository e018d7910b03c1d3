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
    """Return an empty answer to a page's script, because the page's websocket brings the change. Redirect a browser
    without scripts to ``page``.
    """
    return (
        HttpResponse(status=204) if getattr(request, "htmx", False) else redirect(page, public_id=public_id)
    )


def see_other(page: str, *arguments: str) -> HttpResponse:
    """Redirect the browser from a POST to a page, so that a reload does not post again."""
    response = redirect(page, *arguments)
    response.status_code = 303
    return response


def filter_refused(problems: Sequence[Problem]) -> HttpResponse:
    """Return the refusal of an export because of its filter."""
    return HttpResponse(sentences(problems), status=422, content_type="text/plain")


async def in_thread(lines: Iterator[str]) -> AsyncIterator[str]:
    """Yield lines as they are read from the database. Under ASGI, Django would first collect all lines of a plain
    iterator.
    """

    def following() -> str | None:
        return next(lines, None)

    while (line := await database_sync_to_async(following)()) is not None:
        yield line
