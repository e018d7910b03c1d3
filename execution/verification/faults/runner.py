"""The running of simulations for many seeds, in one process or several."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from execution.verification.faults.memory import template
from execution.verification.faults.mild import Mild
from execution.verification.faults.rows import fill
from execution.verification.faults.verdict import Verdict
from execution.verification.faults.world import World

BATCH = 25
COLLECT_EVERY = 5


def run_seeds(
    seeds: Iterable[int],
    until: float | None = None,
    source: bytes | None = None,
    mild: Mild | None = None,
) -> Iterator[Verdict]:
    """Run the seeds in this process, and yield the verdict on each.

    No seed begins after ``until``, a time of ``time.monotonic``.
    """
    source = source or prepared()
    # Nothing of a seed outlives it but by accident: collecting its rows while it runs costs a tenth of the time.
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for number, seed in enumerate(seeds):
            if number % COLLECT_EVERY == 0:
                gc.collect()
            if until is not None and time.monotonic() >= until:
                return
            yield World(seed, source, mild).run()
    finally:
        gc.enable()


def prepared() -> bytes:
    """Return, as bytes, the database with which every seed begins."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # the loop is ours, and nothing in it may wait
    return template(fill)


def run_in_processes(
    seeds: Sequence[int], processes: int, until: float | None, mild: Mild | None = None
) -> Iterator[Verdict]:
    """Run the seeds in several processes, and yield verdicts in any order.

    Verdicts without a violation have no log.
    """
    source = prepared()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        batches = [seeds[first : first + BATCH] for first in range(0, len(seeds), BATCH)]
        for done in as_completed([pool.submit(_batch, batch, until, source, mild) for batch in batches]):
            yield from done.result()


def _batch(seeds: Sequence[int], until: float | None, source: bytes, mild: Mild | None) -> list[Verdict]:
    verdicts = []
    for verdict in run_seeds(seeds, until, source, mild):
        if not verdict.violation:
            verdict.log = []
        verdicts.append(verdict)
    return verdicts


def revision(folder: Path) -> str:
    """Return git's name of the present code, or "unknown" outside a repository."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.strip()
