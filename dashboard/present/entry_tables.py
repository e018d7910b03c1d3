"""Entries of the journal and the audit as a table and as CSV, with the same columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

from dashboard.present.exports import csv_text, words
from execution.payloads.journal import EntryRow

HEADS = (
    "Time (UTC)",
    "Who",
    "What",
    "Order",
    "Accounts",
    "No.",
    "Reason",
    "Details",
    "Row",
    "Hash",
    "Chain",
)


def details_of(data: dict[str, Any]) -> str:
    """Return an entry's data as "name value" pairs, as the order's page shows them."""
    return " · ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in data.items())


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def entry_lines(parts: Iterable[list[EntryRow]], subject: str) -> Iterator[str]:
    """Yield the lines of the entries' CSV file, heads first. ``subject`` is the head of the column with the entries'
    subject.
    """
    yield csv_text([[subject if head == "Order" else head for head in HEADS]])
    for rows in parts:
        yield csv_text([_cells(row) for row in rows])


def _cells(row: EntryRow) -> list[str]:
    return [
        row["at"].astimezone(UTC).isoformat(timespec="microseconds"),
        words(row["actor"]),
        words(row["kind"]),
        words(row["subject"]),
        words(row["accounts"]),
        str(row["sequence"]),
        words(row["reason"]),
        words(details_of(row["data"])),
        str(row["row"]),
        row["hash"],
        words(row["broken"]),
    ]
