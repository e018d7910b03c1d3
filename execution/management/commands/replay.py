"""``manage.py replay``: measure how close an algorithm's schedule comes to its benchmark on recorded candles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.algorithms.vwap_replay import TrackingErrors, replay, window_starts
from execution.core.problems import Refused
from execution.management.options import add_numbers, check_bounds
from execution.management.progress import Bar, CountGauge
from execution.management.reports.page import add_report_option, check_report, write_report
from execution.management.reports.replay import replay_report
from execution.verification.benchmark.figures import DASH, table
from execution.verification.candle_files import read_bars

#: The longest replay. After a day, the volume profile learnt at its first midnight would be outdated.
MAX_HOURS = 24


class Command(BaseCommand):
    help = "Walk recorded one-minute candles forward and print tracking errors against the market's VWAP."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--algorithm", choices=["vwap"], default="vwap", help="default vwap")
        parser.add_argument(
            "--candles",
            type=Path,
            required=True,
            metavar="FILE.csv.gz",
            help="columns timestamp (ms), open, high, low, close, volume",
        )
        add_numbers(parser, hours=(8, "length of the windows"))
        parser.add_argument("--json", action="store_true", help="the figures as JSON")
        add_report_option(parser)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        hours, path = options["hours"], options["candles"]
        check_report(options["report"])
        check_bounds(options, hours=(1, MAX_HOURS))
        try:
            with Bar(self.stderr, CountGauge(f"reading {path.name}", 1, "files")):
                bars = read_bars(path)
            windows = CountGauge(f"replaying {path.name}", len(window_starts(bars, hours)), "windows")
            with Bar(self.stderr, windows):
                found = replay(bars, hours, windows.add)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        printed = _text(path, hours, found)
        self.stdout.write(_json(path, hours, found) if options["json"] else printed)
        if options["report"] is not None:
            write_report(options["report"], replay_report(path.name, hours, found, printed))


def _errors(tracking_errors: TrackingErrors) -> dict[str, float]:
    return {
        "even": tracking_errors.even,
        "hourly_profile": tracking_errors.hourly_profile,
        "adaptive": tracking_errors.adaptive,
    }


def _json(path: Path, hours: int, tracking_errors: TrackingErrors) -> str:
    errors = {name: round(error, 3) for name, error in _errors(tracking_errors).items()}
    return json.dumps(
        {"file": path.name, "hours": hours, "windows": tracking_errors.windows, "tracking_error_bp": errors},
        allow_nan=False,
    )


def _text(path: Path, hours: int, tracking_errors: TrackingErrors) -> str:
    rows = []
    for name, error in _errors(tracking_errors).items():
        profile = tracking_errors.hourly_profile
        rows.append([name, f"{error:.2f} bp", f"{error / profile:.3f}" if profile > 0 else DASH])
    heads = ("schedule", "tracking error", "of the hourly profile")
    return f"{path.name}: {tracking_errors.windows} windows of {hours} h\n{table(heads, rows)}"
