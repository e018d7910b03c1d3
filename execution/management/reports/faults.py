"""The reports of ``manage.py faults``: of faults by state, and of orders under mild faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from execution.management.reports.page import Chart, Report
from execution.management.reports.traces import axes, bars, rows
from execution.verification.faults.coverage import covered

ROW = 17  # pixels


def faults_report(figures: Mapping[str, Any], struck: Counter[tuple[str, str]], printed: str) -> Report:
    """Return the report of seeds. ``struck`` counts faults by their kind and the state in which they struck."""
    table = covered(struck)
    names = [name for name in table if sum(table[name].values())][::-1]
    never = [name for name in table if name not in names]
    columns = list(next(iter(table.values()), {}))
    totals = [sum(table[name].values()) for name in names]
    words = f"{sum(totals):,} faults of {len(names)} kinds struck. "
    words += f"These never did: {', '.join(never)}." if never else "Every kind struck."
    cells = [[table[name][column] or None for column in columns] for name in names]
    texts = [["" if cell is None else f"{cell:,}" for cell in row] for row in cells]
    map_ = {
        "type": "heatmap", "x": columns, "y": names, "z": cells, "hoverongaps": False, "showscale": False,
        "colorscale": [[0, "--raised"], [1, "--buy"]], "text": texts, "texttemplate": "%{text}",
        "hovertemplate": "%{y}, %{x}: %{z:,}<extra></extra>",
        "xgap": 1, "ygap": 1,
    }  # fmt: skip
    height = 140 + ROW * len(names)
    bad = len(figures["violations"])
    title = f"Fault simulation: {figures['seeds']:,} seeds, {bad or 'no'} {'violation' if bad == 1 else 'violations'}"
    return Report(
        title,
        [
            Chart(
                "Faults that struck",
                words,
                [rows("times", names, totals, "--buy")],
                axes(x="times", height=height),
            ),
            Chart(
                "Faults by state",
                "The state of the child or order that a fault met. An empty cell never happened.",
                [map_],
                axes(height=height) | {"xaxis": {"tickangle": -40}},
            ),
        ],
        printed,
    )


def mild_faults_report(figures: Mapping[str, Mapping[str, Any]], seeds: int, printed: str) -> Report:
    """Return the report of orders under mild faults. ``figures`` has the counts of each mix."""
    names = list(figures)
    parts = {
        "completed on time": ([each["completed"] for each in figures.values()], "--good"),
        "but for a rest under the minimum": ([len(each["dust"]) for each in figures.values()], "--warn"),
        "late": ([len(each["late"]) for each in figures.values()], "--bad"),
    }
    traces = [bars(name, names, counts, colour) for name, (counts, colour) in parts.items()]
    orders = sum(each["orders"] for each in figures.values())
    done = sum(each["completed"] for each in figures.values())
    words = f"{done:,} of {orders:,} orders completed on time."
    return Report(
        f"Orders under mild faults, {seeds:,} seeds",
        [Chart("Orders by mix of faults", words, traces, axes("orders", barmode="stack"))],
        printed,
    )
