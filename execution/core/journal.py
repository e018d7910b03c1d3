"""The journal's chain, and the folds that status and terms must equal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from execution.core.states import OrderStatus

T = TypeVar("T")

GENESIS = "0" * 64
#: Kinds of entries whose ``quantity`` is the order's; a child's or a fill's is its own.
SETS_QUANTITY = frozenset({"submitted", "replanned"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry without its hash. ``data`` holds JSON values only; numbers are texts."""

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


def broken_at(entries: Iterable[tuple[Entry, str]]) -> int | None:
    """Return the version of the first entry that does not follow from the one before; None when the chain holds."""
    previous, expected = GENESIS, 1
    for entry, stored in entries:
        if entry.version != expected or entry_hash(previous, entry) != stored:
            return entry.version
        previous, expected = stored, expected + 1
    return None


def fold_status(entries: Iterable[Entry]) -> OrderStatus | None:
    """Return the status that the journal leads to."""
    return _fold(entries, "status", OrderStatus)


def fold_terms_version(entries: Iterable[Entry]) -> int | None:
    """Return the version of the terms that the journal leads to."""
    return _fold(entries, "terms_version", int)


def fold_quantity(entries: Iterable[Entry]) -> Decimal | None:
    """Return the quantity that the journal leads to, in base units."""
    return _fold((entry for entry in entries if entry.kind in SETS_QUANTITY), "quantity", Decimal)


def _fold(entries: Iterable[Entry], name: str, read: Callable[[Any], T]) -> T | None:
    last = None
    for entry in entries:
        if name in entry.data:
            last = read(entry.data[name])
    return last
