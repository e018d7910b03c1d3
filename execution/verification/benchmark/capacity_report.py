"""The report of a capacity measurement as text, for the terminal or in Markdown for docs/results/benchmarks.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from execution.verification.benchmark.capacity import memory_of_all, processor_of
from execution.verification.benchmark.figures import DASH, shown, table

Count = Mapping[str, Any]


def capacity_report(measured: Mapping[str, Any], *, markdown: bool = False) -> str:
    """Return a line about the machine, and a table with a column for each number of parents."""
    options, counts = measured["options"], measured["counts"]
    head = (
        f"Machine: {measured['machine']}; load {measured['load_before']} before it began. {measured['database']}, "
        f"{options['workers']} engine workers, three paper venues with "
        f"{options['accounts']} accounts each. "
        f"TWAPs with a slice every {options['slice_seconds']} s. "
        f"Each count measured for {options['seconds']} s with {options['pages']} pages open."
    )
    heads = ["figure", *(f"{count['parents']:,} parents" for count in counts)]
    rows = [[name, *(figure(count) for count in counts)] for name, figure in _rows(measured["idle"])]
    first = processor_of(counts[0]["processes"]) if counts else None
    if first is not None and len(counts) > 1:
        rows.append([f"CPU per parent, of that at {counts[0]['parents']:,}", *_growth(counts)])
    return f"{head}\n\n{table(heads, rows, markdown=markdown)}\n\nCPU is percent of one core.\n"


def _rows(idle: Mapping[str, Any]) -> list[tuple[str, Callable[[Count], str]]]:
    return [
        ("lateness of a slice, p50", lambda count: shown(count["lateness_ms"]["p50"], 1, "ms")),
        ("lateness of a slice, p99", lambda count: shown(count["lateness_ms"]["p99"], 1, "ms")),
        (
            "slice's start to its child's sending, p50",
            lambda count: shown(count["start_to_submit_ms"]["p50"], 1, "ms"),
        ),
        (
            "slice's start to its child's sending, p99",
            lambda count: shown(count["start_to_submit_ms"]["p99"], 1, "ms"),
        ),
        ("slices begun", lambda count: shown(count["lateness_ms"]["count"])),
        (
            "of them without a child (the schedule was ahead)",
            lambda count: shown(count["slices_without_child"]),
        ),
        ("children a second", lambda count: shown(count["children_a_second"], 1)),
        ("trade to recorded fill, p50", lambda count: shown(count["fill_to_record_ms"]["p50"], 1, "ms")),
        ("trade to recorded fill, p99", lambda count: shown(count["fill_to_record_ms"]["p99"], 1, "ms")),
        ("trade to page, p50", lambda count: shown(count["fill_to_page_ms"]["p50"], 1, "ms")),
        ("trade to page, p99", lambda count: shown(count["fill_to_page_ms"]["p99"], 1, "ms")),
        ("fills on open pages", lambda count: shown(count["fill_to_page_ms"]["count"])),
        *[
            (f"CPU {label}", lambda count, prefix=prefix: shown(processor_of(count["processes"], prefix), 1))
            for label, prefix in _PROCESSES
        ],
        ("CPU of the benchmark itself", lambda count: shown(count["benchmark_cpu"], 1)),
        ("CPU per parent and minute", _processor_per_parent),
        ("CPU per parent and minute, engines", lambda count: _processor_per_parent(count, "engine")),
        ("PSS of all", lambda count: shown(memory_of_all(count["processes"]), 0, "MB")),
        ("PSS per parent above idle", lambda count: _memory_per_parent(count, idle)),
        ("PSS per parent above idle, engines", lambda count: _memory_per_parent(count, idle, "engine")),
        ("parents that need a person", lambda count: shown(count["in_trouble"])),
    ]


_PROCESSES = (
    *(("all", ""), ("engines", "engine"), ("web", "web"), ("paper venues", "paper"), ("Redis", "redis")),
    *(("compute", "compute"), ("beat", "beat")),
)


def _per_parent(count: Count, prefix: str = "") -> float | None:
    percent = processor_of(count["processes"], prefix)
    return None if percent is None else percent / 100 * 60_000 / count["parents"]


def _processor_per_parent(count: Count, prefix: str = "") -> str:
    return shown(_per_parent(count, prefix), 1, "ms")


def _memory_per_parent(count: Count, idle: Mapping[str, Any], prefix: str = "") -> str:
    now, before = memory_of_all(count["processes"], prefix), memory_of_all(idle, prefix)
    return DASH if now is None or before is None else shown((now - before) * 1000 / count["parents"], 0, "kB")


def _growth(counts: list[Count]) -> list[str]:
    first = _per_parent(counts[0])
    found = [_per_parent(count) for count in counts]
    return [shown(value / first, 2) if value is not None and first else DASH for value in found]
