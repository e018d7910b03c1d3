"""The report of ``manage.py soak``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from execution.management.reports.page import Chart, Report
from execution.management.reports.traces import COLOURS, axes, line
from execution.verification.soak.report import KINDS, UNITS, grown, verdict


def soak_page(result: Mapping[str, Any], printed: str) -> Report:
    series = {name: rows for name, rows in result["series"].items() if rows}
    charts = [
        _lines(
            kind.capitalize(),
            kind,
            {
                name.rpartition(" ")[0]: rows
                for name, rows in series.items()
                if name.rpartition(" ")[2] == kind
            },
        )
        for kind in KINDS
    ]
    stored = {name: rows for name, rows in series.items() if name.rpartition(" ")[2] not in KINDS}
    charts += [_lines(name.capitalize(), name, {name: rows}) for name, rows in stored.items()]
    wrong = grown(result)
    first = Chart(
        charts[0].title,
        "; ".join(wrong) + "." if wrong else "No process grew.",
        charts[0].traces,
        charts[0].layout,
    )
    title = f"Soak of {result['hours']:g} hours: {verdict(result).splitlines()[0]}"
    return Report(title, [first, *charts[1:]], printed)


def _lines(title: str, kind: str, series: Mapping[str, Any]) -> Chart:
    traces = [
        line(name, [at / 60 for at, _ in rows], [value for _, value in rows], colour)
        for (name, rows), colour in zip(series.items(), COLOURS * 3, strict=False)
    ]
    return Chart(title, "After the warm-up.", traces, axes(UNITS.get(kind, "count"), "minutes"))
