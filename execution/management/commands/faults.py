"""``manage.py faults``: run the real engine under every fault, in virtual time, once for each seed."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandParser

from execution.core.numbers import float_number, whole_number
from execution.management.options import add_numbers, check_bounds
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

    def handle(self, *_arguments: Any, **options: Any) -> None:
        seeds = _seeds(options)
        if options["mild"] is not None:
            self._try_mild(seeds, options)
            return
        begun = time.monotonic()
        seconds = RANDOM_SECONDS if options["random"] and options["seconds"] is None else options["seconds"]
        until = None if seconds is None else begun + seconds
        processes = options["processes"]
        run = run_in_processes(seeds, processes, until) if processes > 1 else run_seeds(seeds, until)
        struck: Counter[tuple[str, str]] = Counter()
        bad: list[Verdict] = []
        digests: list[str] = []
        count, virtual = 0, 0.0
        for verdict in run:
            count, virtual = count + 1, virtual + verdict.seconds
            struck += verdict.struck
            digests.append(verdict.digest)
            if options["seed"] and not options["quiet"]:
                self.stdout.write("\n".join(verdict.log))
            if verdict.violation:
                bad.append(verdict)
                self._show(verdict, whole=bool(options["seed"]))
        took = time.monotonic() - begun
        if options["coverage"]:
            self.stdout.write(coverage_table(struck))
        figures: dict[str, Any] = {
            "first": seeds[0],
            "seeds": count,
            "violations": {verdict.seed: verdict.violation for verdict in bad},
            "seconds": round(took, 1),
            "virtual_seconds": round(virtual),
            "revision": revision(settings.BASE_DIR),
        }
        if options["seed"]:
            figures["digests"] = digests  # of the whole log: the same seed, the same digest
        self._conclude(figures, as_json=options["json"])

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
        for name in names:
            mild, orders, parts = Mild(mixes[name]), 0, list[Punctuality]()
            for verdict in run_in_processes(seeds, options["processes"], None, mild):
                orders += verdict.orders
                parts.append(verdict.punctuality.named(f"seed {verdict.seed}"))
                if verdict.violation:
                    violations[f"{name}, seed {verdict.seed}"] = verdict.violation
            found = together(parts)
            figures[name] = {
                "orders": orders,
                "completed": found.completed,
                "dust": found.dust,
                "late": found.late,
            }
            if not options["json"]:
                self.stdout.write(f"{name:14} {found.words(orders)} ({found.completed / max(orders, 1):.2%})")
                shown = (*found.late[:SHOWN_LATE], *found.dust[:SHOWN_LATE])
                self.stdout.write("".join(f"    {text}\n" for text in shown), ending="")
        figures["violations"] = violations
        if options["json"]:
            self.stdout.write(json.dumps(figures, allow_nan=False))
        for where, text in violations.items():
            self.stderr.write(f"{where}: {text}")
        if violations:
            raise SystemExit(1)

    def _show(self, verdict: Verdict, *, whole: bool) -> None:
        if not whole:
            self.stdout.write("\n".join(verdict.log[-SHOWN:]))
        self.stdout.write(f"seed {verdict.seed} at {revision(settings.BASE_DIR)}: {verdict.violation}")

    def _conclude(self, figures: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(figures, allow_nan=False))
        else:
            count, bad = figures["seeds"], len(figures["violations"])
            self.stdout.write(
                f"{count} seeds from {figures['first']} on, {bad} with a violation, {figures['seconds']} s,"
                f" {figures['virtual_seconds']} virtual seconds, revision {figures['revision']}"
            )
        if figures["violations"]:
            raise SystemExit(1)


def _seeds(options: dict[str, Any]) -> Sequence[int]:
    check_bounds(options, processes=(1, 64))
    if options["seed"]:
        return list(options["seed"])
    if options["random"]:
        first = RANDOM_FROM + secrets.randbits(32)
        return range(first, first + MAX_SEEDS)
    check_bounds(options, seeds=(1, MAX_SEEDS))
    return range(options["first"], options["first"] + options["seeds"])
