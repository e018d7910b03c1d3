"""The reports of ``manage.py chaos``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from execution.management.reports.page import Chart, Report
from execution.management.reports.traces import COLOURS, axes, bars, counted, points, rows
from execution.verification.chaos.report import verdict
from execution.verification.chaos.schedule import ENGINES, VENUES

OUTCOMES = {"completed": "--good", "expired": "--warn", "failed": "--bad"}
PLACES = ("all", *VENUES, "redis", "postgresql", "web", *ENGINES[::-1])


def chaos_report(result: Mapping[str, Any], printed: str) -> Report:
    children = result["children"]
    figures = {
        "intended": "children",
        "sent": "sent",
        "unknown for a time": "unknown",
        "proven absent": "absent",
    }
    names = [*figures, "fills"][::-1]
    counts = [children[figures.get(name, name)] for name in names]
    charts = [
        _events(result),
        Chart(
            "Parents by outcome",
            f"{result['parents']} parents were launched. {len(result['not_completed'])} did not complete.",
            counted(result["outcomes"], OUTCOMES),
            axes("parents", barmode="stack"),
        ),
        Chart(
            "Children and fills",
            f"{children['unknown']} children were unknown for a time, and {children['absent']} were proven absent.",
            [rows("count", names, counts, "--buy", texttemplate="%{x:,}")],
            axes(x="count"),
        ),
    ]
    return Report(f"Chaos, seed {result['seed']}: {verdict(result).splitlines()[0]}", charts, printed)


def _events(result: Mapping[str, Any]) -> Chart:
    events = result["events"]
    places = [next((place for place in PLACES[1:] if place in event["what"]), "all") for event in events]
    trace = points(
        "events",
        [event["at"] for event in events],
        places,
        "--warn",
        text=[event["what"] for event in events],
        hovertemplate="%{x:.1f} s<br>%{text}<extra></extra>",
    )
    words = (
        f"{len(events)} events in {result['seconds']:g} s. The longest time that any order had no owner is "
    )
    words += f"{result['longest_without_owner']:.1f} s."
    layout = axes(x="seconds after the faults began")
    layout["yaxis"] |= {"type": "category", "categoryorder": "array", "categoryarray": list(PLACES)}
    return Chart("Events", words, [trace], layout)


def mild_chaos_report(result: Mapping[str, Any], printed: str) -> Report:
    counts = {
        "completed on time": result["completed"],
        "but for a rest under the minimum": len(result["dust"]),
        "late": len(result["late"]),
    }
    traces = [
        bars(name, [result["dialect"]], [count], colour)
        for (name, count), colour in zip(counts.items(), ("--good", "--warn", "--bad"), strict=True)
    ]
    words = f"{result['completed']} of {result['orders']} orders completed on time."
    children = result["children"]
    figures = [bars("count", list(children), list(children.values()), COLOURS[0])]
    charts = [
        Chart("Orders", words, traces, axes("orders", barmode="stack")),
        Chart(
            "Children",
            f"{children['children']} children had {children['fills']} fills.",
            figures,
            axes("count"),
        ),
    ]
    kinds = ", ".join(result["kinds"]) or "no fault"
    return Report(f"Mild faults on {result['dialect']}: {kinds}", charts, printed)
