"""The seeds that the test command tries beside the known ones: new ones with each commit, the same for one commit."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

#: Half a minute of one quiet core.
COUNT = 12
#: Below it are the seeds of docs/results/reliability.md and of the mutants.
FIRST = 1_000_000


@dataclass(frozen=True)
class Seeds:
    """``count`` seeds from ``first`` on, and what they were derived from."""

    first: int
    count: int
    origin: str

    def __str__(self) -> str:
        return f"fault seeds: {self.count} from {self.first} on ({self.origin})"


def seeds_of_commit(repository: Path) -> Seeds:
    """Return the seeds of the commit that is checked out; always the same ones where git does not say which it is."""
    command = ["git", "-C", str(repository), "rev-parse", "HEAD"]
    try:
        commit = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return Seeds(FIRST, COUNT, "no commit")
    return Seeds(FIRST + int(commit[:8], 16), COUNT, f"commit {commit[:12]}")
