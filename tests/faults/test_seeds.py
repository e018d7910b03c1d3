"""Seeds of the fault simulation: as many as fit, and for ever those that found something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.desk.running import REPOSITORY

#: How long the test command looks for something new, in seconds of this machine; the known seeds take some more.
SECONDS = float(os.environ.get("TRANCHE_FAULT_SECONDS", "60"))

#: Each of these once violated something, and must not again. What it was:
FOUND: dict[int, str] = {
    10: "the simulation itself: tasks of dead engines were collected, and their clean-up ran in the living loop",
    21: "the same, in a session that was being opened",
    427: "an engine that was told to stop gave its accounts away while an order that it had sent was under way",
    2000002: "a quote that is not a number ended the session that brought it",
    2000164: "a book whose price is not a number ended the ticket that asked for a split",
    333897965: "the same, of a ticket with a limit price",
}


def faults(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, in a process of its own: it replaces the database and time."""
    return subprocess.run(
        [sys.executable, "manage.py", "faults", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def figures(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said


def test_as_many_new_seeds_as_fit_find_nothing() -> None:
    first = int.from_bytes(os.urandom(4)) + 1_000_000
    done = faults("--seeds", "100000", "--first", str(first), "--seconds", str(SECONDS), "--json")
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    said = figures(done)
    print(f"\n{said['seeds']} seeds from {first} on, {said['virtual_seconds']} virtual seconds, no violation")
    assert said["seeds"] > 0


def test_what_was_found_stays_mended_and_a_seed_replays_exactly_in_any_process() -> None:
    seeds = [word for seed in (7, 7, *FOUND) for word in ("--seed", str(seed))]
    done = faults(*seeds, "--quiet", "--json")
    assert done.returncode == 0, "\n".join(FOUND.values()) + done.stdout[-8000:] + done.stderr[-2000:]
    said = figures(done)
    assert said["seeds"] == 2 + len(FOUND)
    digests = [*said["digests"][:2], *figures(faults("--seed", "7", "--json"))["digests"]]
    assert len(digests) == 3
    assert len(set(digests)) == 1
