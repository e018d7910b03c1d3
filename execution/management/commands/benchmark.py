"""``manage.py benchmark``: measure the costs of a desk on this machine, with the real processes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.numbers import NumberRefused, float_number, whole_number
from execution.management.options import add_numbers, check_bounds, end_on_sigterm
from execution.management.progress import StageBar
from execution.management.reports.benchmark import capacity_page, desk_report
from execution.management.reports.page import Report, add_report_option, check_report, write_report
from execution.verification.benchmark import capacity, measure
from execution.verification.benchmark.capacity import CapacityOptions
from execution.verification.benchmark.capacity_report import capacity_report
from execution.verification.benchmark.measure import Options
from execution.verification.benchmark.report import report
from execution.verification.watcher import Watcher

MAX_SECONDS = 3600  # seconds of an order: the benchmark ends within a bounded time
MAX_PARENTS = 10_000


class Command(BaseCommand):
    help = "Measure a desk of its own in a temporary folder: starts, memory, processor, delays."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True, metavar="{desk,capacity}")
        desk = what.add_parser("desk", help="starts, an idle desk, and twenty orders")
        add_numbers(desk, starts=(3, "warm starts"), orders=(20, "TWAPs at the same time"))
        add_numbers(desk, seconds=(180, "length of each TWAP"), slice=(10, "seconds of a slice"))
        capacity = what.add_parser("capacity", help="hundreds and thousands of parents at once")
        capacity.add_argument(
            "--parents", default="100,1000,2000", help="numbers of parents, rising (default 100,1000,2000)"
        )
        add_numbers(capacity, seconds=(120, "measured at each"), slice=(60, "seconds of a slice"))
        add_numbers(capacity, pages=(30, "open pages of orders"), workers=(2, "engine workers"))
        add_numbers(capacity, accounts=(3, "accounts at each venue"))
        capacity.add_argument("--rate", type=float_number, default=8, help="launches a second (default 8)")
        capacity.add_argument("--database-url", help="an empty PostgreSQL database (default: SQLite)")
        for parser in (desk, capacity):
            add_numbers(parser, idle=(20, "seconds of the idle desk"))
            add_report_option(parser)
            how = parser.add_mutually_exclusive_group()
            how.add_argument("--json", action="store_true", help="everything that was measured, as JSON")
            how.add_argument(
                "--markdown", action="store_true", help="the tables of docs/results/benchmarks.md"
            )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        check_report(options["report"])
        stages, measured, write, page = _chosen(options)
        end_on_sigterm()
        prefix = "tranche-benchmark-"
        with tempfile.TemporaryDirectory(prefix=prefix) as folder, StageBar(self.stderr, stages) as bar:
            found = measured(Path(folder), bar)
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=1, allow_nan=False))
        else:
            self.stdout.write(write(found, markdown=options["markdown"]))
        if options["report"] is not None:
            write_report(options["report"], page(found, write(found)))


class Chosen(NamedTuple):
    """A measurement: its stages, the function that measures, its text, and its page."""

    stages: Mapping[str, float]
    measure: Callable[[Path, Watcher], dict[str, Any]]
    text: Callable[..., str]
    page: Callable[[Mapping[str, Any], str], Report]


def _chosen(options: dict[str, Any]) -> Chosen:
    base = settings.BASE_DIR
    if options["what"] == "desk":
        sizes = _run_options(options)
        stages = measure.stages(sizes)
        return Chosen(stages, lambda var, bar: measure.measure(base, var, sizes, bar), report, desk_report)
    counts = _capacity_options(options)
    stages = capacity.stages(counts)
    return Chosen(
        stages,
        lambda var, bar: capacity.measure_capacity(base, var, counts, bar),
        capacity_report,
        capacity_page,
    )


def _run_options(options: dict[str, Any]) -> Options:
    check_bounds(options, starts=(1, 20), idle=(1, 600), orders=(1, 200), slice=(1, 600))
    check_bounds(options, seconds=(30, MAX_SECONDS))
    return Options(
        options["starts"], options["idle"], options["orders"], options["seconds"], options["slice"]
    )


def _capacity_options(options: dict[str, Any]) -> CapacityOptions:
    check_bounds(options, seconds=(10, MAX_SECONDS), slice=(5, 600), pages=(0, 500), rate=(0.1, 20))
    check_bounds(options, workers=(1, 16), idle=(1, 600), accounts=(1, 10))
    words = options["parents"].split(",")
    parents = tuple(_parents(word) for word in words)
    if list(parents) != sorted(set(parents)) or not 1 <= parents[0] <= parents[-1] <= MAX_PARENTS:
        raise CommandError(
            f"--parents {options['parents']}: it must be rising numbers of 1 to {MAX_PARENTS}, with commas between"
        )
    names = ("seconds", "slice", "pages", "rate", "workers", "idle", "accounts", "database_url")
    return CapacityOptions(parents, *(options[name] for name in names))


def _parents(word: str) -> int:
    try:
        return whole_number(word.strip())
    except NumberRefused as refused:
        raise CommandError(f"--parents: {word.strip()[:40]!r}: {refused}") from None
