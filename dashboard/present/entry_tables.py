"""Entries of the journal and the audit as a table and as CSV, with the same columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

from dashboard.present.exports import csv_text, words
from execution.payloads.journal import EntryRow

#: The names of the two values of a change.
PAIR = frozenset({"before", "after"})

#: Rights and other answers that are yes, no or not known.
YES_NO: dict[Any, str] = {True: "yes", False: "no", None: "–"}

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
    """Return an entry's data as "name value" pairs, as the order's page shows them. A change is "before → after"."""
    is_change = data.keys() >= PAIR
    parts = [
        f"{name.replace('_', ' ')} {_value(value)}"
        for name, value in data.items()
        if not is_change or name not in PAIR
    ]
    return " · ".join([*parts, _value({name: data[name] for name in PAIR})] if is_change else parts)


def _value(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value.keys() - {"name"} == PAIR:
        change = f"{_value(value['before'])} → {_value(value['after'])}"
        return f"{value['name']} {change}" if "name" in value else change
    if isinstance(value, list) and value and all(isinstance(one, str | dict) for one in value):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, dict) and value and all(isinstance(each, bool | None) for each in value.values()):
        return ", ".join(f"{name} {YES_NO[each]}" for name, each in value.items())
    return json.dumps(value, ensure_ascii=False)


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
