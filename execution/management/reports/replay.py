"""The report of ``manage.py replay``."""

from __future__ import annotations

from datetime import UTC, datetime

from execution.core.algorithms.vwap_replay import TrackingErrors
from execution.management.reports.page import Chart, Report
from execution.management.reports.traces import axes, bars, points

SCHEDULES = {"even": "--book-1", "hourly_profile": "--benchmark", "adaptive": "--buy"}


def replay_report(file: str, hours: int, errors: TrackingErrors, printed: str) -> Report:
    names = list(SCHEDULES)
    squares = [getattr(errors, name) for name in names]
    means = [errors.mean_absolute[name] for name in names]
    both = [
        bars("root mean square", names, squares, "--buy"),
        bars("mean absolute", names, means, "--book-1"),
    ]
    words = f"Over {errors.windows:,} windows of {hours} h, the root mean square of the adaptive schedule is "
    words += f"{errors.adaptive:.2f} bp. That of the hourly profile is {errors.hourly_profile:.2f} bp."
    times = [datetime.fromtimestamp(begin, UTC).isoformat() for begin in errors.begins]
    windows = [
        points(
            name, times, errors.by_window[name], colour, marker={"color": colour, "size": 5, "opacity": 0.8}
        )
        for name, colour in SCHEDULES.items()
    ]
    charts = [
        Chart("Tracking error of each schedule", words, both, axes("bp", barmode="group")),
        Chart(
            "Error in each window",
            "The average price of each schedule against the market's VWAP. Zero is the VWAP itself.",
            windows,
            axes("bp", "start of the window, UTC"),
        ),
    ]
    return Report(f"VWAP schedules on {file}", charts, printed)
