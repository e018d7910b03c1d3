"""The report of a measurement as text, for the terminal or in Markdown for docs/results/benchmarks.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from execution.verification.benchmark.figures import shown, table, total

COLUMNS = (("idle", "pss"), ("idle", "rss"), ("live", "pss"), ("idle", "cpu"), ("live", "cpu"))
#: Not summed: each process's RSS includes the memory that it shares with others.
NOT_SUMMED = "rss"


def report(measured: Mapping[str, Any], *, markdown: bool = False) -> str:
    """Return a line about the machine, the figures of the whole desk, and those of each process."""
    options = measured["options"]
    head = f"Machine: {measured['machine']}; load {measured['load_before']} before it began."
    orders = f"{options['orders']} TWAPs"
    heads = [
        "process",
        "PSS idle, MB",
        "RSS idle, MB",
        f"PSS {orders}, MB",
        "CPU idle, %",
        f"CPU {orders}, %",
    ]
    note = "CPU is percent of one core."
    parts = [head, table(["figure", "value"], _whole(measured), markdown=markdown)]
    parts += [table(heads, _processes(measured["processes"]), markdown=markdown), note]
    return "\n\n".join(parts) + "\n"


def _whole(measured: Mapping[str, Any]) -> list[list[str]]:
    first, warm, options = measured["first_start"], measured["warm_start"], measured["options"]
    fills, late, share = (
        measured[name] for name in ("fill_delay_ms", "slice_delay_ms", "slice_delay_percent")
    )
    count = len(measured["warm_starts"])
    ended = ", ".join(f"{number} {status}" for status, number in measured["outcomes"].items())
    return [
        [f"warm start to the first page (median of {count})", shown(warm["first_page"], 1, "s")],
        [f"warm start to ready (median of {count})", shown(warm["ready"], 1, "s")],
        ["first start, which creates everything, to the first page", shown(first["first_page"], 1, "s")],
        ["first start to ready", shown(first["ready"], 1, "s")],
        [f"orders: {options['orders']} TWAPs, {options['seconds']} s in {options['slices']} slices", ended],
        [f"exchange's trade to recorded fill, p50 ({fills['count']} fills)", shown(fills["p50"], 0, "ms")],
        ["exchange's trade to recorded fill, p99", shown(fills["p99"], 0, "ms")],
        [f"slice's start to its first child, p50 ({late['count']} slices)", _late(late["p50"], share["p50"])],
        ["slice's start to its first child, p99", _late(late["p99"], share["p99"])],
    ]


def _late(milliseconds: float | None, percent: float | None) -> str:
    return f"{shown(milliseconds, 0, 'ms')} ({shown(percent, 2, '% of the slice')})"


def _processes(processes: Mapping[str, Any]) -> list[list[str]]:
    rows = [
        [name, *(_cell(kind, use[state][kind]) for state, kind in COLUMNS)] for name, use in processes.items()
    ]
    sums = [
        _cell(kind, None if kind == NOT_SUMMED else total([use[state][kind] for use in processes.values()]))
        for state, kind in COLUMNS
    ]
    return [*rows, ["all", *sums]]


def _cell(kind: str, value: float | None) -> str:
    return shown(value, 1 if kind == "cpu" else 0)
