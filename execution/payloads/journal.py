"""Breaks of the chains, and the rows of the search in journal and audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from typing_extensions import TypedDict


class BreakRow(TypedDict):
    """A break in a chain. ``order`` is empty in the audit's; ``row`` is None where the row is missing."""

    table: str
    order: str
    sequence: int
    row: int | None
    kind: str
    words: str


class EntryRow(TypedDict):
    """An entry of journal or audit as the search shows it."""

    row: int
    at: datetime
    actor: str
    kind: str
    #: The order's id, or what the audit's entry is about.
    subject: str
    accounts: str
    sequence: int
    reason: str
    data: dict[str, Any]
    hash: str
    #: Why its chain does not hold at this row; empty while nothing is known against it.
    broken: str


class CheckRow(TypedDict):
    """A check of all chains. ``ended_at`` is None while it is under way."""

    started_at: datetime
    ended_at: datetime | None
    orders: int
    entries: int
    broken: int
    breaks: list[BreakRow]
