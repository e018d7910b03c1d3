"""The reading of lists that come in pages or by stretches of time.

Either the whole list is returned, or the read fails.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from execution.venues.protocol import VenueReadFailed
from execution.venues.spec import Paging

MAX_PAGES = 200
#: Milliseconds by which the last stretch ends after now, so that it covers events during its own request.
AHEAD = 5_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    ``entries`` are in ccxt's form, ``raw`` are all entries as the exchange sent them, and ``answer`` is its whole
    answer.
    """

    entries: Sequence[Any]
    raw: Sequence[Any]
    answer: Any


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The arguments of one request to ccxt for a page of a list.

    ``since`` is in milliseconds. ``limit`` is the maximum number of entries. ``params`` goes to the exchange.
    """

    since: int | None
    limit: int | None
    params: Mapping[str, Any]


Fetch = Callable[[PageRequest], Awaitable[Page]]


async def all_pages(
    fetch: Fetch,
    *,
    since: int | None,
    until: int,
    paging: Paging | None,
    stretch: timedelta | None,
    smallest: int,
) -> list[Any]:
    """Return every entry from ``since`` on, each once. Times are in milliseconds.

    Raise ``VenueReadFailed`` if more pages may exist and cannot be requested.
    """
    entries: list[Any] = []
    for first, last in stretches(since, until, stretch):
        bound = {} if last is None else {"until": last}
        entries += await _stretch(fetch, PageRequest(first, None, bound), paging, smallest)
    return once(entries)


def stretches(
    since: int | None, until: int, stretch: timedelta | None
) -> Iterator[tuple[int | None, int | None]]:
    """Yield the time from ``since`` to ``until`` in pieces that one request may cover.

    Each piece is its first and its last millisecond. If ``stretch`` or ``since`` is None, yield the one piece
    ``(since, None)``.
    """
    if since is None or stretch is None:
        yield since, None
        return
    length = stretch // timedelta(milliseconds=1)
    end = max(until + AHEAD, since + 1)
    for first in range(since, end, length):
        yield first, min(first + length, end)


async def _stretch(fetch: Fetch, request: PageRequest, paging: Paging | None, smallest: int) -> list[Any]:
    size = paging.size if paging is not None and paging.sends_size and paging.size else None
    request = PageRequest(request.since, size, request.params)
    page = await fetch(request)
    entries = list(page.entries)
    if paging is None:
        if max(len(page.raw), len(page.entries)) >= smallest:
            raise VenueReadFailed(f"{len(page.raw)} entries may be one page of more")
        return entries
    for number in range(1, MAX_PAGES):
        following = _next(paging, page, number)
        if following is None:
            return entries
        since = None if paging.way == "from_id" else request.since  # an id and a time exclude each other
        page = await fetch(PageRequest(since, size, {**request.params, **following}))
        entries += page.entries
    raise VenueReadFailed(f"no end after {MAX_PAGES} pages of {paging.size}")


def _next(paging: Paging, page: Page, number: int) -> dict[str, Any] | None:
    """Return the parameters that request the page after ``page``; None if it is the last. ``number`` counts from 1."""
    if paging.way == "whole" or not page.raw:
        return None
    if paging.way == "cursor":
        cursor = _at(page.answer, paging.at)
        return None if cursor in (None, "", 0, "0") else {paging.param: cursor}
    if len(page.raw) < paging.size:
        return None
    if paging.way == "offset":
        return {paging.param: number * paging.size}
    if paging.way == "page":
        return {paging.param: number + 1}
    if paging.way == "before_id":
        last = _at(page.raw[-1], paging.at)
        if last is None:
            raise VenueReadFailed("a page ends with an entry without an id")
        return {paging.param: last}
    return {paging.param: str(max(_number(entry) for entry in page.entries) + 1)}


def _at(tree: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _number(entry: Any) -> int:
    try:
        return int(entry["id"])
    except (KeyError, TypeError, ValueError):
        raise VenueReadFailed("a page holds an entry without a number as its id") from None


def once(entries: Sequence[Any]) -> list[Any]:
    """Return the entries without repeats. Of several entries with the same id the last is kept.

    An entry without an id is kept, so that a later step refuses it. On some exchanges (binance) ids are unique only
    within a symbol, so two entries are the same only if their symbols are the same too.
    """
    return list({(entry.get("symbol"), entry.get("id") or id(entry)): entry for entry in entries}.values())
