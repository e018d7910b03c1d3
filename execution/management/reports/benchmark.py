"""The reports of ``manage.py benchmark``: of a desk, and of its capacity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from execution.management.reports.page import Chart, Report
from execution.management.reports.traces import COLOURS, Trace, axes, bars, line
from execution.verification.benchmark.capacity import memory_of_all, processor_of
from execution.verification.benchmark.figures import shown

CPU = "percent of one core"
QUANTILES = (("p50", "--buy"), ("p99", "--sell"))
PROCESSES = (
    ("all", ""),
    ("engines", "engine"),
    ("web", "web"),
    ("paper venues", "paper"),
    ("Redis", "redis"),
)


def desk_report(measured: Mapping[str, Any], printed: str) -> Report:
    options = measured["options"]
    orders = f"{options['orders']} TWAPs"
    charts = [
        _starts(measured),
        _delays(measured),
        _processes(measured, "Memory", "pss", "MB (PSS)", orders),
        _processes(measured, "Processor", "cpu", CPU, orders),
    ]
    return Report(f"A desk with {orders} on {measured['machine']}", charts, printed)


def _starts(measured: Mapping[str, Any]) -> Chart:
    starts = [measured["first_start"], *measured["warm_starts"]]
    names = ["first", *(f"warm {number}" for number in range(1, len(starts)))]
    traces = [
        bars("first page", names, [start.get("first_page") for start in starts], "--buy"),
        bars("ready", names, [start.get("ready") for start in starts], "--book-1"),
    ]
    warm = measured["warm_start"]
    words = f"The median warm start shows its first page after {shown(warm['first_page'], 1, 's')} "
    words += f"and is ready after {shown(warm['ready'], 1, 's')}."
    return Chart("Starts", words, traces, axes("seconds", barmode="group"))


def _delays(measured: Mapping[str, Any]) -> Chart:
    found = {"trade to recorded fill": "fill_delay_ms", "slice's start to its child": "slice_delay_ms"}
    traces = [
        bars(name, list(found), [measured[key][name] for key in found.values()], colour)
        for name, colour in QUANTILES
    ]
    fills, slices = (measured[key]["count"] for key in found.values())
    words = f"Of {fills:,} fills and {slices:,} slices."
    return Chart("Delays", words, traces, axes("ms", barmode="group"))


def _processes(measured: Mapping[str, Any], title: str, kind: str, unit: str, orders: str) -> Chart:
    processes = measured["processes"]
    traces = [
        bars(name, list(processes), [use[state][kind] for use in processes.values()], colour)
        for name, state, colour in (("idle", "idle", "--book-1"), (orders, "live", "--buy"))
    ]
    return Chart(title, "Each process idle, and with live orders.", traces, axes(unit, barmode="group"))


def capacity_page(measured: Mapping[str, Any], printed: str) -> Report:
    counts = measured["counts"]
    parents = [count["parents"] for count in counts]

    def delays(title: str, key: str, words: str) -> Chart:
        traces = [
            _by(parents, name, [count[key][name] for count in counts], colour) for name, colour in QUANTILES
        ]
        return Chart(title, words, traces, axes("ms", "parents"))

    processor = [
        _by(parents, name, [processor_of(count["processes"], prefix) for count in counts], colour)
        for (name, prefix), colour in zip(PROCESSES, COLOURS, strict=False)
    ]
    memory = [
        _by(parents, name, [memory_of_all(count["processes"], prefix) for count in counts], colour)
        for (name, prefix), colour in zip(PROCESSES, COLOURS, strict=False)
    ]
    charts = [
        delays(
            "Lateness of a slice", "lateness_ms", "From a slice's start to the decision of its first child."
        ),
        delays("Slice's start to its child's sending", "start_to_submit_ms", "It includes the lateness."),
        delays("Trade to recorded fill", "fill_to_record_ms", "From the exchange's trade to the desk's row."),
        delays(
            "Trade to page", "fill_to_page_ms", "From the exchange's trade to the open page of its order."
        ),
        Chart("Processor", "The sum over the processes of each kind.", processor, axes(CPU, "parents")),
        Chart("Memory", "The sum over the processes of each kind.", memory, axes("MB (PSS)", "parents")),
    ]
    return Report(f"Capacity of a desk on {measured['machine']}", charts, printed)


def _by(parents: list[int], name: str, values: list[float | None], colour: str) -> Trace:
    return line(name, parents, values, colour, mode="lines+markers")
