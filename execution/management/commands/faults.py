"""``manage.py faults``: run the real engine under every fault, in virtual time, once for each seed."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandParser

from execution.core.numbers import float_number, whole_number
from execution.management.options import add_numbers, check_bounds
from execution.management.progress import Bar, CountGauge, StageGauge
from execution.management.reports.faults import faults_report, mild_faults_report
from execution.management.reports.page import add_report_option, check_report, write_report
from execution.verification.faults.coverage import coverage_table
from execution.verification.faults.mild import KINDS, Mild
from execution.verification.faults.runner import revision, run_in_processes, run_seeds
from execution.verification.faults.verdict import Verdict
from execution.verification.late_orders import Punctuality, together

SHOWN = 60  #: lines of the log before a violation
SHOWN_LATE = 10  #: orders that were late, of each mix
MAX_SEEDS = 1_000_000
RANDOM_SECONDS = 60.0  #: of a random search that is given no time
RANDOM_FROM = 1_000_000  #: below it are the seeds of docs/results/reliability.md


class Command(BaseCommand):
    help = "Simulate the desk under faults: the real engine, services and core in virtual time, one seed for all."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--seeds", type=whole_number, help="how many seeds to run")
        what.add_argument(
            "--random",
            action="store_true",
            help=f"search from a first seed drawn at random ({RANDOM_SECONDS:g} s)",
        )
        what.add_argument(
            "--seed", type=whole_number, action="append", help="replay this one with its whole log"
        )
        parser.add_argument(
            "--mild",
            choices=["all", "each", "none", *KINDS],
            help="faults of an ordinary day instead of a storm: how many orders complete on time",
        )
        add_numbers(parser, first=(1, "the first of the seeds"), processes=(1, "processes at the same time"))
        parser.add_argument("--seconds", type=float_number, help="begin no seed after this much time")
        parser.add_argument("--quiet", action="store_true", help="with --seed: the verdicts only")
        parser.add_argument(
            "--coverage", action="store_true", help="the table of faults by state, as Markdown"
        )
        parser.add_argument("--json", action="store_true", help="the figures as JSON")
        add_report_option(parser)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        check_report(options["report"])
        seeds = _seeds(options)
        if options["mild"] is not None:
            self._try_mild(seeds, options)
            return
        begun = time.monotonic()
        seconds = RANDOM_SECONDS if options["random"] and options["seconds"] is None else options["seconds"]
        struck: Counter[tuple[str, str]] = Counter()
        bad: list[Verdict] = []
        digests: list[str] = []
        virtual = 0.0
        for verdict in self._run(seeds, seconds, options):
            virtual += verdict.seconds
            struck += verdict.struck
            digests.append(verdict.digest)
            if verdict.violation:
                bad.append(verdict)
        took = time.monotonic() - begun
        if options["coverage"]:
            self.stdout.write(coverage_table(struck))
        figures = {
            "first": seeds[0],
            "seeds": len(digests),
            "violations": {verdict.seed: verdict.violation for verdict in bad},
            "seconds": round(took, 1),
            "virtual_seconds": round(virtual),
            "revision": revision(settings.BASE_DIR),
        }
        if options["seed"]:
            figures["digests"] = digests  # of the whole log: the same seed, the same digest
        printed = _conclusion(figures)
        self.stdout.write(json.dumps(figures, allow_nan=False) if options["json"] else printed)
        if options["report"] is not None:
            said = (*(_violation(verdict, whole=False) for verdict in bad), printed)
            write_report(options["report"], faults_report(figures, struck, "\n".join(said)))
        if bad:
            raise SystemExit(1)

    def _try_mild(self, seeds: Sequence[int], options: dict[str, Any]) -> None:
        """Run the seeds under each requested mix of mild faults, and print how many orders completed on time."""
        mixes = {"none": (), **{name: (name,) for name in KINDS}, "all": tuple(KINDS)}
        names = list(mixes) if options["mild"] == "each" else [options["mild"]]
        figures: dict[str, Any] = {
            "first": seeds[0],
            "seeds": len(seeds),
            "revision": revision(settings.BASE_DIR),
        }
        violations: dict[str, str] = {}
        mixed: dict[str, dict[str, Any]] = {}
        lines: list[str] = []
        for name in names:
            orders, found = self._mix(name, Mild(mixes[name]), seeds, options, violations)
            mixed[name] = {
                "orders": orders,
                "completed": found.completed,
                "dust": found.dust,
                "late": found.late,
            }
            share = found.completed / max(orders, 1)
            said = [f"{name:14} {found.words(orders)} ({share:.2%})"]
            said += [f"    {text}" for text in (*found.late[:SHOWN_LATE], *found.dust[:SHOWN_LATE])]
            lines += said
            if not options["json"]:
                self.stdout.write("\n".join(said))
        figures |= mixed | {"violations": violations}
        if options["json"]:
            self.stdout.write(json.dumps(figures, allow_nan=False))
        problems = [f"{where}: {text}" for where, text in violations.items()]
        for text in problems:
            self.stderr.write(text)
        if options["report"] is not None:
            printed = "\n".join((*lines, *problems))
            write_report(options["report"], mild_faults_report(mixed, len(seeds), printed))
        if violations:
            raise SystemExit(1)

    def _mix(
        self, name: str, mild: Mild, seeds: Sequence[int], options: dict[str, Any], violations: dict[str, str]
    ) -> tuple[int, Punctuality]:
        """Run the seeds under one mix of mild faults. Return the number of orders and their punctuality."""
        orders, parts = 0, list[Punctuality]()
        with Bar(self.stderr, CountGauge(f"mild faults, {name}", len(seeds), "seeds")) as bar:
            for verdict in self._verdicts(bar, seeds, None, options, mild):
                bar.gauge.add()
                orders += verdict.orders
                parts.append(verdict.punctuality.named(f"seed {verdict.seed}"))
                if verdict.violation:
                    violations[f"{name}, seed {verdict.seed}"] = verdict.violation
        return orders, together(parts)

    def _run(self, seeds: Sequence[int], seconds: float | None, options: dict[str, Any]) -> Iterator[Verdict]:
        """Run the seeds and yield their verdicts. Show the progress, and print logs and violations as they come."""
        until = None if seconds is None else time.monotonic() + seconds
        count = 0
        # By the seeds, or by the time where that ends the search.
        gauge = (
            CountGauge("running seeds", len(seeds), "seeds")
            if seconds is None
            else StageGauge({"running seeds": seconds}, more=lambda: f"{count:,} done")
        )
        with Bar(self.stderr, gauge) as bar:
            for verdict in self._verdicts(bar, seeds, until, options):
                count += 1
                if isinstance(gauge, CountGauge):
                    gauge.add()
                if verdict.violation:
                    bar.write(self.stdout, _violation(verdict, whole=bool(options["seed"])))
                yield verdict

    def _verdicts(
        self,
        bar: Bar[Any],
        seeds: Sequence[int],
        until: float | None,
        options: dict[str, Any],
        mild: Mild | None = None,
    ) -> Iterator[Verdict]:
        """Run the seeds in one process or several, and yield their verdicts. Print each log of a replay."""
        processes = options["processes"]
        run = (
            run_in_processes(seeds, processes, until, mild)
            if processes > 1
            else run_seeds(seeds, until, mild=mild)
        )
        for verdict in run:
            if options["seed"] and not options["quiet"]:
                bar.write(self.stdout, "\n".join(verdict.log))
            yield verdict


def _conclusion(figures: dict[str, Any]) -> str:
    return (
        f"{figures['seeds']} seeds from {figures['first']} on, {len(figures['violations'])} with a violation, "
        f"{figures['seconds']} s, {figures['virtual_seconds']} virtual seconds, revision {figures['revision']}"
    )


def _violation(verdict: Verdict, *, whole: bool) -> str:
    """Return the last lines of a seed's log, unless the whole is printed, and the violation."""
    lines = [] if whole else verdict.log[-SHOWN:]
    said = f"seed {verdict.seed} at {revision(settings.BASE_DIR)}: {verdict.violation}"
    return "\n".join((*lines, said))


def _seeds(options: dict[str, Any]) -> Sequence[int]:
    check_bounds(options, processes=(1, 64))
    if options["seed"]:
        return list(options["seed"])
    if options["random"]:
        first = RANDOM_FROM + secrets.randbits(32)
        return range(first, first + MAX_SEEDS)
    check_bounds(options, seeds=(1, MAX_SEEDS))
    return range(options["first"], options["first"] + options["seeds"])
