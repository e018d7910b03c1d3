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
from execution.recordings.folder import Recording

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

    def handle(self, *_arguments: Any, **options: Any) -> None:
        algorithm, seeds, first = options["algorithm"], options["seeds"], options["first_seed"]
        kinds = list(dict.fromkeys(options["kind"] or KINDS))
        check_bounds(options, processes=(1, max(os.cpu_count() or 1, 2)))
        if first < 0:
            raise CommandError(f"--first-seed {first}: it must be 0 or above")
        try:
            check_wishes(algorithm, kinds, seeds)
            if options["recording"] is not None:
                _refuse_seeded(options)
                pairs = _recorded_pairs(algorithm, options["recording"], options["minutes"])
            else:
                if options["minutes"] is not None:
                    raise CommandError("--minutes needs --recording: a seeded order has its own length")
                pairs = _pairs(algorithm, kinds, range(first, first + seeds), options["processes"])
        except Refused as refused:
            raise CommandError(str(refused)) from None
        if options["json"]:
            self.stdout.write(json.dumps(_figures(algorithm, pairs), indent=1, allow_nan=False))
        else:
            what = "kind" if options["recording"] is None else "symbol"
            self.stdout.write(_table(algorithm, pairs, what))


def _refuse_seeded(options: dict[str, Any]) -> None:
    """Refuse the options that draw markets by seed. A recorded market is not drawn."""
    given = [name for name in ("kind", "first_seed") if options[name]]
    if given or options["seeds"] != SEEDS or options["processes"] != 1:
        raise CommandError("--recording takes no --kind, --seeds, --first-seed or --processes")


def _recorded_pairs(algorithm: str, folder: Path, minutes: float | None) -> dict[str, list[Pair]]:
    """Return the costs of the algorithm and of *plain*, by symbol, for each complete window of the recording."""
    recording = Recording(folder)
    found: dict[str, list[Pair]] = {}
    for symbol, market in sorted(recording.rules.markets.items()):
        whole = seconds_of(recording.events(symbol))
        seconds = min(MINUTES * 60, int(whole)) if minutes is None else minutes * 60
        if not MIN_SECONDS <= seconds <= whole:
            raise CommandError(
                f"{symbol}: {whole:.0f} s with a book are recorded, and {seconds:g} s are wanted: "
                f"an order works {MIN_SECONDS} s or longer, and no longer than the recording"
            )
        stretches = windows(recording.events(symbol), market, levels=recording.rules.levels, seconds=seconds)
        found[symbol] = [recorded_trial(each, place, algorithm) for place, each in enumerate(stretches)]
    return found


def _pairs(algorithm: str, kinds: list[str], seeds: range, processes: int) -> dict[str, list[Pair]]:
    jobs = [
        (algorithm, kind, tuple(seeds[start : start + CHUNK]))
        for kind in kinds
        for start in range(0, len(seeds), CHUNK)
    ]
    found: dict[str, list[Pair]] = {kind: [] for kind in kinds}
    for job, pairs in zip(jobs, _worked(jobs, processes), strict=True):
        found[job[1]] += pairs
    return found


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
    lines = [f"{heads[0]:<12} {heads[1]:<9}" + "".join(f"{head:>9}" for head in heads[2:])]
    means = {algorithm: 0.0, PLAIN: 0.0}
    for kind, found in pairs.items():
        columns = _columns(found)
        for who, costs in zip(means, columns, strict=True):
            mean = summary(costs)
            means[who] += mean.cost_bp / len(pairs)
            figures = (mean.cost_bp, mean.standard_error_bp, mean.spread_bp, mean.drift_bp, mean.fee_bp)
            shares = f"{mean.maker_share:>9.1%}{mean.completed:>9.1%}"
            lines.append(f"{kind:<12} {who:<9}" + "".join(f"{figure:>9.3f}" for figure in figures) + shares)
        paired = compare(*columns)
        lines.append(
            f"{'':<12} ratio {paired.ratio:.3f}; {paired.saved_bp:.3f} bp cheaper than {PLAIN} "
            f"(paired, SE {paired.standard_error_bp:.3f}: {paired.standard_errors:.1f} standard errors)"
        )
    lines.append(f"mean over {what}s: {means[algorithm]:.3f} bp against {means[PLAIN]:.3f} bp")
    if means[PLAIN]:
        lines[-1] += f", ratio {means[algorithm] / means[PLAIN]:.3f}"
    return "\n".join(lines)
