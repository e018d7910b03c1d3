"""The report of a soak run as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from execution.verification.benchmark.figures import shown, table
from execution.verification.late_orders import Punctuality
from execution.verification.soak.growth import Growth, Sample, growth_of

#: The kinds of figures that must not grow. Rows and the database grow with the orders; retention bounds them.
KINDS = ("memory", "handles", "threads")
UNITS = {"memory": "MB", "database": "MB", "write-ahead log": "MB", "logs": "MB"}


def growths(series: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, Growth]:
    """Return the growth of each figure that has enough samples."""
    found = {name: growth_of([Sample(at, value) for at, value in rows]) for name, rows in series.items()}
    return {name: growth for name, growth in found.items() if growth is not None}


def grown(result: Mapping[str, Any]) -> list[str]:
    """Return a line for each process figure that has grown."""
    found = growths(result["series"])
    return [
        f"{name} went from {growth.first:,.0f} to {growth.last:,.0f}"
        for name, growth in found.items()
        if name.rpartition(" ")[2] in KINDS and not growth.is_flat
    ]


def soak_report(result: Mapping[str, Any], *, markdown: bool = False) -> str:
    """Return the growth of each process and of the database, the orders' ends, and PASS or the problems."""
    found = growths(result["series"])
    processes = sorted({name.rpartition(" ")[0] for name in found if name.rpartition(" ")[2] in KINDS})
    heads = ["process", "memory, MB", "MB an hour", "handles", "threads"]
    stored = [name for name in found if name.rpartition(" ")[2] not in KINDS]
    parts = [
        f"{result['hours']:g} hours, {result['live']} live orders, seed {result['seed']}; {result['machine']}",
        table(heads, [_process(name, found) for name in processes], markdown=markdown),
        table(
            ["stored", "first quarter", "last quarter", "an hour"],
            [_stored(name, found[name]) for name in stored],
            markdown=markdown,
        ),
        _outcome(result),
    ]
    return "\n\n".join((*parts, verdict(result))) + "\n"


def verdict(result: Mapping[str, Any]) -> str:
    wrong = [*result["problems"], *grown(result)]
    if not wrong:
        return "PASS: the books equal the venues' ledgers, and no process grew"
    return "\n".join((f"FAIL: {len(wrong)} problems", *(f"  {text}" for text in wrong)))


def _process(name: str, found: Mapping[str, Growth]) -> list[str]:
    memory = found.get(f"{name} memory")
    return [
        name,
        _from_to(memory),
        shown(None if memory is None else memory.by_hour, 1),
        _from_to(found.get(f"{name} handles")),
        _from_to(found.get(f"{name} threads")),
    ]


def _from_to(growth: Growth | None) -> str:
    return shown(None) if growth is None else f"{shown(growth.first)} → {shown(growth.last)}"


def _stored(name: str, growth: Growth) -> list[str]:
    unit = UNITS.get(name, "")
    return [
        f"{name}, {unit}" if unit else name,
        *(shown(value, 1 if unit else 0) for value in (growth.first, growth.last, growth.by_hour)),
    ]


def _outcome(result: Mapping[str, Any]) -> str:
    found = Punctuality(result["completed"], result["dust"], result["late"])
    figures = ", ".join(f"{name} {count}" for name, count in result["children"].items())
    lines = [found.words(result["launched"]), *(f"  {text}" for text in found.late[:20]), figures]
    if result["refused"]:
        lines.append(f"{len(result['refused'])} launches were refused, the first: {result['refused'][0]}")
    return "\n".join(lines)
