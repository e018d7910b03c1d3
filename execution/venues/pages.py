"""Lists that come in pages: all of them, or a failed look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from execution.venues.convert import milliseconds_of
from execution.venues.protocol import LookFailed
from execution.venues.quirks import Quirks

#: One page: from a time (milliseconds) or from an id on, at most so many entries.
Fetch = Callable[[int | None, str | None, int | None], Awaitable[list[Any]]]

MOST_PAGES = 200


def trade_page(client: Any, symbol: str) -> Fetch:
    async def fetch(since: int | None, cursor: str | None, limit: int | None) -> list[Any]:
        params = {} if cursor is None else {"fromId": cursor}
        listed: list[Any] = await client.fetch_my_trades(symbol, since, limit, params)
        return listed

    return fetch


def order_page(client: Any, symbol: str) -> Fetch:
    """Orders of any state, in one list where the exchange has one, else put together from its parts."""

    async def fetch(since: int | None, cursor: str | None, limit: int | None) -> list[Any]:
        if client.has.get("fetchOrders"):
            params = {} if cursor is None else {"orderId": cursor}
            listed: list[Any] = await client.fetch_orders(symbol, since, limit, params)
            return listed
        # Open ones first: an order that closes meanwhile is then in both lists, and the later one counts.
        parts = [
            await client.fetch_open_orders(symbol, since, limit),
            await client.fetch_closed_orders(symbol, since, limit),
        ]
        if client.has.get("fetchCanceledOrders"):
            parts.append(await client.fetch_canceled_orders(symbol, since, limit))
        return [entry for part in parts for entry in part]

    return fetch


async def all_pages(fetch: Fetch, *, since: datetime, quirks: Quirks) -> list[Any]:
    """Every entry from ``since`` on, once each. ``LookFailed`` when a page may not be the last and the
    exchange's way to the next is not known."""
    start = milliseconds_of(since)
    if quirks.paging is None:
        page = await fetch(start, None, None)
        if len(page) >= quirks.page:
            raise LookFailed(f"{len(page)} entries may be one page of more")
        return _once(page)
    page = await fetch(start, None, quirks.page)
    entries = list(page)
    for _ in range(MOST_PAGES):
        if len(page) < quirks.page:
            return _once(entries)
        page = await fetch(None, str(max(_number(entry) for entry in entries) + 1), quirks.page)
        entries += page
    raise LookFailed(f"no end after {MOST_PAGES} pages of {quirks.page}")


def _number(entry: Any) -> int:
    try:
        return int(entry["id"])
    except (KeyError, TypeError, ValueError):
        raise LookFailed("a page holds an entry without a number as its id") from None


def _once(entries: list[Any]) -> list[Any]:
    """Without repeats. One entry without an id stays, for the reading to refuse."""
    return list({entry.get("id") or id(entry): entry for entry in entries}.values())
