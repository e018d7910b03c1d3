"""Breaks of the hash chains, and the rows of the search in the journals and the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from typing_extensions import TypedDict


class BreakRow(TypedDict):
    """A break in a hash chain. ``order`` is empty for the audit's chain. ``row`` is None if the row is missing."""

    table: str
    order: str
    sequence: int
    row: int | None
    kind: str
    words: str


class EntryRow(TypedDict):
    """An entry of a journal or of the audit, as the search shows it."""

    row: int
    at: datetime
    actor: str
    kind: str
    #: The order's id, or the subject of the audit's entry.
    subject: str
    accounts: str
    sequence: int
    reason: str
    data: dict[str, Any]
    hash: str
    #: The way in which the chain is broken at this row; empty while no break is known.
    broken: str


class CheckRow(TypedDict):
    """A check of all hash chains. ``ended_at`` is None while the check is in progress."""

    started_at: datetime
    ended_at: datetime | None
    orders: int
    entries: int
    broken: int
    breaks: list[BreakRow]
