"""``manage.py benchmark``: what a desk of this machine costs, measured on the real processes."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.numbers import NumberRefused, float_number, whole_number
from execution.verification.benchmark.capacity import CapacityWishes, measure_capacity
from execution.verification.benchmark.capacity_report import capacity_report
from execution.verification.benchmark.measure import Options, measure
from execution.verification.benchmark.report import report

LONGEST = 3600  # seconds of an order: the benchmark ends within a bounded time
MAX_PARENTS = 10_000


class Command(BaseCommand):
    help = "Measure a desk of its own in a temporary folder: starts, memory, processor, delays."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True, metavar="{desk,capacity}")
        desk = what.add_parser("desk", help="starts, an idle desk, and twenty orders")
        desk.add_argument("--starts", type=whole_number, default=3, help="warm starts (default 3)")
        desk.add_argument(
            "--orders", type=whole_number, default=20, help="TWAPs at the same time (default 20)"
        )
        desk.add_argument(
            "--seconds", type=whole_number, default=180, help="length of each TWAP (default 180)"
        )
        desk.add_argument("--slice", type=whole_number, default=10, help="seconds of a slice (default 10)")
        capacity = what.add_parser("capacity", help="hundreds and thousands of parents at once")
        capacity.add_argument(
            "--parents", default="100,1000,2000", help="numbers of parents, rising (default 100,1000,2000)"
        )
        capacity.add_argument(
            "--seconds", type=whole_number, default=120, help="measured at each (default 120)"
        )
        capacity.add_argument(
            "--slice", type=whole_number, default=60, help="seconds of a slice (default 60)"
        )
        capacity.add_argument(
            "--pages", type=whole_number, default=30, help="open pages of orders (default 30)"
        )
        capacity.add_argument("--rate", type=float_number, default=8, help="launches a second (default 8)")
        capacity.add_argument("--workers", type=whole_number, default=2, help="engine workers (default 2)")
        capacity.add_argument(
            "--accounts", type=whole_number, default=3, help="accounts at each venue (default 3)"
        )
        capacity.add_argument("--database-url", help="an empty PostgreSQL database (default: SQLite)")
        for parser in (desk, capacity):
            parser.add_argument(
                "--idle", type=whole_number, default=20, help="seconds of the idle desk (default 20)"
            )
            how = parser.add_mutually_exclusive_group()
            how.add_argument("--json", action="store_true", help="everything that was measured, as JSON")
            how.add_argument("--markdown", action="store_true", help="the tables of docs/benchmarks.md")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        measured, write = self._chosen(options)
        signal.signal(signal.SIGTERM, _leave)  # the desk is stopped then, too
        with tempfile.TemporaryDirectory(prefix="tranche-benchmark-") as folder:
            found = measured(Path(folder))
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=1, allow_nan=False))
        else:
            self.stdout.write(write(found, markdown=options["markdown"]))

    def _chosen(self, options: dict[str, Any]) -> tuple[Callable[[Path], dict[str, Any]], Callable[..., str]]:
        """What measures, and what writes it down. Raises ``CommandError`` for a wish out of bounds."""
        if options["what"] == "desk":
            wishes = _wishes(options)
            return lambda var: measure(settings.BASE_DIR, var, wishes, self._say), report
        capacity = _capacity_wishes(options)
        return lambda var: measure_capacity(settings.BASE_DIR, var, capacity, self._say), capacity_report

    def _say(self, text: str) -> None:
        """Progress goes beside the figures, so that these can be sent to a file."""
        self.stderr.write(text)


def _wishes(options: dict[str, Any]) -> Options:
    _check(options, {"starts": (1, 20), "idle": (1, 600), "orders": (1, 200), "slice": (1, 600)})
    _check(options, {"seconds": (30, LONGEST)})
    return Options(
        options["starts"], options["idle"], options["orders"], options["seconds"], options["slice"]
    )


def _capacity_wishes(options: dict[str, Any]) -> CapacityWishes:
    _check(options, {"seconds": (10, LONGEST), "slice": (5, 600), "pages": (0, 500), "rate": (0.1, 20)})
    _check(options, {"workers": (1, 16), "idle": (1, 600), "accounts": (1, 10)})
    words = options["parents"].split(",")
    parents = tuple(_parents(word) for word in words)
    if list(parents) != sorted(set(parents)) or not 1 <= parents[0] <= parents[-1] <= MAX_PARENTS:
        raise CommandError(
            f"--parents {options['parents']}: it must be rising numbers of 1 to {MAX_PARENTS}, with commas between"
        )
    names = ("seconds", "slice", "pages", "rate", "workers", "idle", "accounts", "database_url")
    return CapacityWishes(parents, *(options[name] for name in names))


def _parents(word: str) -> int:
    try:
        return whole_number(word.strip())
    except NumberRefused as refused:
        raise CommandError(f"--parents: {word.strip()[:40]!r}: {refused}") from None


def _check(options: Mapping[str, Any], bounds: Mapping[str, tuple[float, float]]) -> None:
    for name, (least, most) in bounds.items():
        if not least <= options[name] <= most:
            raise CommandError(f"--{name} {options[name]}: it must be {least} to {most}")


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(1)
