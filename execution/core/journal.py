"""The hash chains of the journal and the audit, and the values that follow from an order's journal.

An order's status and terms must be those that follow from its journal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from execution.core.states import OrderStatus

T = TypeVar("T")

GENESIS = "0" * 64
#: Kinds of entries whose ``quantity`` is that of the order. Elsewhere it is that of a child or a fill.
SETS_QUANTITY = frozenset({"submitted", "replanned"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry without its hash. ``data`` holds JSON values only, with numbers as text."""

    version: int
    kind: str
    actor: str
    reason: str
    data: Mapping[str, Any]
    at: datetime


def entry_hash(previous: str, entry: Entry) -> str:
    """Return SHA-256 over the previous entry's hash and this entry's canonical JSON."""
    body = json.dumps(
        [entry.version, entry.kind, entry.actor, entry.reason, entry.data, entry.at.isoformat()],
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(f"{previous}{body}".encode()).hexdigest()


def actor_name(actor: str) -> str:
    """Return an actor's name for texts.

    For ``trader:jane`` it is ``jane``. The desk and venues have no role in their names, so these are returned
    unchanged.
    """
    return actor.rpartition(":")[2]


def audit_entry(
    sequence: int, kind: str, actor: str, subject: str, reason: str, data: Mapping[str, Any], at: datetime
) -> Entry:
    """Return an entry of the audit in the form that the hash chain of the audit uses."""
    return Entry(sequence, kind, actor, reason, {"subject": subject, "data": data}, at)


class BreakKind(StrEnum):
    CHANGED = "changed"  #: it does not follow from the entry before it
    MISSING = "missing"
    REORDERED = "reordered"  #: it was written before an entry that stands before it
    EXTRA = "extra"  #: it stands after the last entry that the ``Head`` knows


@dataclass(frozen=True, slots=True)
class Break:
    """A break in a chain: its kind, the entry's number and row, and a text. A missing entry has no ``row``."""

    kind: BreakKind
    version: int
    row: int | None
    words: str


@dataclass(frozen=True, slots=True)
class Link:
    """A stored entry: its row, and the hash that is stored with it."""

    row: int
    entry: Entry
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain, stored apart from it: the number of entries and the hash of the last one."""

    version: int
    hash: str


def chain_breaks(links: Iterable[Link], head: Head | None = None) -> Iterator[Break]:
    """Yield the breaks of a chain. ``links`` must come in the order of their numbers, and are read one at a time.

    After a break the check goes on from the hash that is stored with the broken entry, so each break is reported once.
    """
    previous: str | None = GENESIS
    expected, newest_row = 1, 0
    for link in links:
        version = link.entry.version
        if version > expected:
            yield _missing(expected, version - 1)
            previous = None  # what it follows from is gone
        if link.row < newest_row:
            words = f"entry {version} was written before the entries that it follows"
            yield Break(BreakKind.REORDERED, version, link.row, words)
        elif previous is not None and entry_hash(previous, link.entry) != link.hash:
            words = f"entry {version} does not follow from the one before it: one of the two was changed"
            yield Break(BreakKind.CHANGED, version, link.row, words)
        elif head is not None and version == head.version and link.hash != head.hash:
            words = f"entry {version} has another hash than the one that was kept apart from the chain"
            yield Break(BreakKind.CHANGED, version, link.row, words)
        elif head is not None and version > head.version:
            words = f"entry {version} follows the last one that is known, {head.version}"
            yield Break(BreakKind.EXTRA, version, link.row, words)
        previous, expected, newest_row = link.hash, version + 1, max(newest_row, link.row)
    if head is not None and expected <= head.version:
        yield _missing(expected, head.version)


def _missing(first: int, last: int) -> Break:
    words = f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"
    return Break(BreakKind.MISSING, first, None, words)


def broken_at(entries: Iterable[tuple[Entry, str]]) -> int | None:
    """Return the version of the first entry whose number or hash does not follow from the entry before; None without
    one.

    Each pair in ``entries`` is an entry and the hash that is stored with it.
    """
    previous, expected = GENESIS, 1
    for entry, stored in entries:
        if entry.version != expected or entry_hash(previous, entry) != stored:
            return entry.version
        previous, expected = stored, expected + 1
    return None


def fold_status(entries: Iterable[Entry]) -> OrderStatus | None:
    """Return the order's status according to its journal."""
    return _fold(entries, "status", OrderStatus)


def fold_terms_version(entries: Iterable[Entry]) -> int | None:
    """Return the version of the order's terms according to its journal."""
    return _fold(entries, "terms_version", int)


def fold_quantity(entries: Iterable[Entry]) -> Decimal | None:
    """Return the order's quantity according to its journal, in base units."""
    return _fold((entry for entry in entries if entry.kind in SETS_QUANTITY), "quantity", Decimal)


def _fold(entries: Iterable[Entry], name: str, read: Callable[[Any], T]) -> T | None:
    last = None
    for entry in entries:
        if name in entry.data:
            last = read(entry.data[name])
    return last
