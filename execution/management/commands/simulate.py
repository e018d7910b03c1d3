"""``manage.py simulate``: run an algorithm and the baseline *plain* in the same seeded or recorded markets."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.numbers import float_number
from execution.core.problems import Refused
from execution.core.simulation.baseline import PLAIN
from execution.core.simulation.kinds import KINDS
from execution.core.simulation.measures import Cost, compare, summary
from execution.core.simulation.recorded import seconds_of, windows
from execution.core.simulation.setting import MINUTES, check_wishes
from execution.core.simulation.trials import paired_trial, recorded_trial
from execution.management.options import add_numbers, check_bounds
from execution.management.progress import Bar, CountGauge
from execution.management.reports.page import add_report_option, check_report, write_report
from execution.management.reports.simulate import simulation_report
from execution.recordings.folder import Recording
from execution.verification.benchmark.figures import table

SEEDS = 200
MIN_SECONDS = 30  #: of an order in a recording
CHUNK = 10  #: seeds that a process does in one go
Job = tuple[str, str, tuple[int, ...]]
Pair = tuple[Cost, Cost]


class Command(BaseCommand):
    help = (
        "Work an order by an algorithm and by the baseline plain in seeded markets, or in the stretches of a "
        "recording, in virtual time."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--algorithm", required=True, help="a registered algorithm, such as twap")
        add_numbers(parser, seeds=(SEEDS, "markets of each kind"), first_seed=(0, "the first of them"))
        parser.add_argument(
            "--kind", action="append", help="only this kind of market; more than once is fine"
        )
        add_numbers(parser, processes=(1, "at the same time"))
        parser.add_argument(
            "--recording",
            type=Path,
            metavar="FOLDER",
            help="each symbol of a recording instead of seeded markets",
        )
        parser.add_argument(
            "--minutes", type=float_number, help=f"with --recording: of an order (default {MINUTES})"
        )
        parser.add_argument("--json", action="store_true", help="the figures as JSON")
        add_report_option(parser)

    def handle(self, *_arguments: Any, **options: Any) -> None:
        algorithm, seeds, first = options["algorithm"], options["seeds"], options["first_seed"]
        kinds = list(dict.fromkeys(options["kind"] or KINDS))
        check_report(options["report"])
        check_bounds(options, processes=(1, max(os.cpu_count() or 1, 2)))
        if first < 0:
            raise CommandError(f"--first-seed {first}: it must be 0 or above")
        try:
            check_wishes(algorithm, kinds, seeds)
            if options["recording"] is not None:
                _refuse_seeded(options)
                pairs = self._recorded_pairs(algorithm, options["recording"], options["minutes"])
            else:
                if options["minutes"] is not None:
                    raise CommandError("--minutes needs --recording: a seeded order has its own length")
                pairs = self._pairs(algorithm, kinds, range(first, first + seeds), options["processes"])
        except Refused as refused:
            raise CommandError(str(refused)) from None
        what = "kind" if options["recording"] is None else "symbol"
        printed = _table(algorithm, pairs, what)
        as_json = json.dumps(_figures(algorithm, pairs), indent=1, allow_nan=False)
        self.stdout.write(as_json if options["json"] else printed)
        if options["report"] is not None:
            write_report(options["report"], simulation_report(algorithm, pairs, what, printed))

    def _recorded_pairs(self, algorithm: str, folder: Path, minutes: float | None) -> dict[str, list[Pair]]:
        """Return the costs of the algorithm and of *plain*, by symbol, for each complete window of the recording."""
        recording = Recording(folder)
        lengths = {symbol: _length(recording, symbol, minutes) for symbol in sorted(recording.rules.markets)}
        total = sum(int(whole // seconds) for whole, seconds in lengths.values())
        found: dict[str, list[Pair]] = {}
        with Bar(self.stderr, CountGauge(f"simulating {algorithm}", total, "stretches")) as bar:
            for symbol, (_, seconds) in lengths.items():
                market, found[symbol] = recording.rules.markets[symbol], []
                stretches = windows(
                    recording.events(symbol), market, levels=recording.rules.levels, seconds=seconds
                )
                for place, each in enumerate(stretches):
                    found[symbol].append(recorded_trial(each, place, algorithm))
                    bar.gauge.add()
        return found

    def _pairs(self, algorithm: str, kinds: list[str], seeds: range, processes: int) -> dict[str, list[Pair]]:
        jobs = [
            (algorithm, kind, tuple(seeds[start : start + CHUNK]))
            for kind in kinds
            for start in range(0, len(seeds), CHUNK)
        ]
        found: dict[str, list[Pair]] = {kind: [] for kind in kinds}
        total = len(seeds) * len(kinds)
        with Bar(self.stderr, CountGauge(f"simulating {algorithm}", total, "markets")) as bar:
            for job, pairs in zip(jobs, _worked(jobs, processes), strict=True):
                found[job[1]] += pairs
                bar.gauge.add(len(pairs))
        return found


def _length(recording: Recording, symbol: str, minutes: float | None) -> tuple[float, float]:
    """Return the seconds of a symbol's recording and of an order in it. Raise ``CommandError`` if they do not fit."""
    whole = seconds_of(recording.events(symbol))
    seconds = min(MINUTES * 60, int(whole)) if minutes is None else minutes * 60
    if not MIN_SECONDS <= seconds <= whole:
        raise CommandError(
            f"{symbol}: {whole:.0f} s with a book are recorded, and {seconds:g} s are wanted: "
            f"an order works {MIN_SECONDS} s or longer, and no longer than the recording"
        )
    return whole, seconds


def _refuse_seeded(options: dict[str, Any]) -> None:
    """Refuse the options that draw markets by seed. A recorded market is not drawn."""
    given = [name for name in ("kind", "first_seed") if options[name]]
    if given or options["seeds"] != SEEDS or options["processes"] != 1:
        raise CommandError("--recording takes no --kind, --seeds, --first-seed or --processes")


def _worked(jobs: list[Job], processes: int) -> Iterator[list[Pair]]:
    if processes == 1:
        yield from map(_work, jobs)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(_work, jobs)


def _work(job: Job) -> list[Pair]:
    algorithm, kind, seeds = job
    return [paired_trial(KINDS[kind], algorithm, seed) for seed in seeds]


def _columns(pairs: Iterable[Pair]) -> tuple[list[Cost], list[Cost]]:
    ours, plain = zip(*pairs, strict=True)
    return list(ours), list(plain)


def _figures(algorithm: str, pairs: dict[str, list[Pair]]) -> dict[str, dict[str, dict[str, float]]]:
    figures = {}
    for kind, found in pairs.items():
        ours, plain = _columns(found)
        figures[kind] = {algorithm: summary(ours).to_json(), PLAIN: summary(plain).to_json()}
    return figures


def _table(algorithm: str, pairs: dict[str, list[Pair]], what: str) -> str:
    """Return the table of results as text. ``what`` names the markets: kinds, or a recording's symbols."""
    heads = (what, "who", "cost bp", "± SE", "spread", "drift", "fee", "maker", "done")
    rows: list[list[str]] = []
    ratios: list[str] = []
    means = {algorithm: 0.0, PLAIN: 0.0}
    for kind, found in pairs.items():
        columns = _columns(found)
        for who, costs in zip(means, columns, strict=True):
            mean = summary(costs)
            means[who] += mean.cost_bp / len(pairs)
            figures = (mean.cost_bp, mean.standard_error_bp, mean.spread_bp, mean.drift_bp, mean.fee_bp)
            shares = (f"{share:.1%}" for share in (mean.maker_share, mean.completed))
            rows.append([kind, who, *(f"{figure:.3f}" for figure in figures), *shares])
        paired = compare(*columns)
        ratios.append(
            f"{kind}: ratio {paired.ratio:.3f}; {paired.saved_bp:.3f} bp cheaper than {PLAIN} "
            f"(paired, SE {paired.standard_error_bp:.3f}: {paired.standard_errors:.1f} standard errors)"
        )
    last = f"mean over {what}s: {means[algorithm]:.3f} bp against {means[PLAIN]:.3f} bp"
    if means[PLAIN]:
        last += f", ratio {means[algorithm] / means[PLAIN]:.3f}"
    return "\n".join((table(heads, rows, texts=2), "", *ratios, last))
