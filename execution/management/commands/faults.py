"""``manage.py faults``: the real engine under every fault, in virtual time, a seed at a time."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.numbers import float_number, whole_number
from execution.verification.faults.coverage import coverage_table
from execution.verification.faults.runner import revision, run_in_processes, run_seeds
from execution.verification.faults.world import Verdict

SHOWN = 60  #: lines of the log before a violation
MOST_SEEDS = 1_000_000


class Command(BaseCommand):
    help = "Simulate the desk under faults: the real engine, services and core in virtual time, one seed for all."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--seeds", type=whole_number, help="how many seeds to run")
        what.add_argument(
            "--seed", type=whole_number, action="append", help="replay this one with its whole log"
        )
        parser.add_argument(
            "--first", type=whole_number, default=1, help="the first of the seeds (default 1)"
        )
        parser.add_argument(
            "--processes", type=whole_number, default=1, help="processes at the same time (default 1)"
        )
        parser.add_argument("--seconds", type=float_number, help="begin no seed after this much time")
        parser.add_argument("--quiet", action="store_true", help="with --seed: the verdicts only")
        parser.add_argument(
            "--coverage", action="store_true", help="the table of faults by state, as Markdown"
        )
        parser.add_argument("--json", action="store_true", help="the figures as JSON")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        seeds = _seeds(options)
        begun = time.monotonic()
        until = None if options["seconds"] is None else begun + options["seconds"]
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
            "seeds": count,
            "violations": {verdict.seed: verdict.violation for verdict in bad},
            "seconds": round(took, 1),
            "virtual_seconds": round(virtual),
            "revision": revision(settings.BASE_DIR),
        }
        if options["seed"]:
            figures["digests"] = digests  # of the whole log: the same seed, the same digest
        self._conclude(figures, as_json=options["json"])

    def _show(self, verdict: Verdict, *, whole: bool) -> None:
        if not whole:
            self.stdout.write("\n".join(verdict.log[-SHOWN:]))
        self.stdout.write(f"seed {verdict.seed} at {revision(settings.BASE_DIR)}: {verdict.violation}")

    def _conclude(self, figures: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(figures, allow_nan=False))
        else:
            self.stdout.write(
                f"{figures['seeds']} seeds, {len(figures['violations'])} with a violation, {figures['seconds']} s,"
                f" {figures['virtual_seconds']} virtual seconds, revision {figures['revision']}"
            )
        if figures["violations"]:
            raise SystemExit(1)


def _seeds(options: dict[str, Any]) -> list[int]:
    if not 1 <= options["processes"] <= 64:
        raise CommandError(f"--processes {options['processes']}: it must be 1 to 64")
    if options["seed"]:
        return list(options["seed"])
    if not 1 <= options["seeds"] <= MOST_SEEDS:
        raise CommandError(f"--seeds {options['seeds']}: it must be 1 to {MOST_SEEDS}")
    return list(range(options["first"], options["first"] + options["seeds"]))
