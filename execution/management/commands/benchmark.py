"""``manage.py benchmark desk``: what a desk of this machine costs, measured on the real processes."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from execution.management.benchmark.measure import Wishes, measure
from execution.management.benchmark.report import report

LONGEST = 3600  # seconds of an order: the benchmark ends within a bounded time


class Command(BaseCommand):
    help = "Measure a desk of its own in a temporary folder: starts, memory, processor, delays."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["desk"], help="what to measure")
        parser.add_argument("--starts", type=int, default=3, help="warm starts (default 3)")
        parser.add_argument("--idle", type=int, default=20, help="seconds of the idle desk (default 20)")
        parser.add_argument("--orders", type=int, default=20, help="TWAPs at the same time (default 20)")
        parser.add_argument("--seconds", type=int, default=180, help="length of each TWAP (default 180)")
        parser.add_argument("--slice", type=int, default=10, help="seconds of a slice (default 10)")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--json", action="store_true", help="everything that was measured, as JSON")
        how.add_argument("--markdown", action="store_true", help="the tables of docs/benchmarks.md")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        wishes = _wishes(options)
        signal.signal(signal.SIGTERM, _leave)  # the desk is stopped then, too
        with tempfile.TemporaryDirectory(prefix="tranche-benchmark-") as folder:
            measured = measure(settings.BASE_DIR, Path(folder), wishes, self._say)
        if options["json"]:
            self.stdout.write(json.dumps(measured, indent=1))
        else:
            self.stdout.write(report(measured, markdown=options["markdown"]))

    def _say(self, text: str) -> None:
        """Progress goes beside the figures, so that these can be sent to a file."""
        self.stderr.write(text)


def _wishes(options: dict[str, Any]) -> Wishes:
    for name, least, most in (("starts", 1, 20), ("idle", 1, 600), ("orders", 1, 200), ("slice", 1, 600)):
        if not least <= options[name] <= most:
            raise CommandError(f"--{name} {options[name]}: it must be {least} to {most}")
    if not 30 <= options["seconds"] <= LONGEST:
        raise CommandError(f"--seconds {options['seconds']}: it must be 30 to {LONGEST}")
    return Wishes(options["starts"], options["idle"], options["orders"], options["seconds"], options["slice"])


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)
