"""A session of pytest on PostgreSQL, and the services' tests that it runs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import IO

#: What SQLite's single writer, its loose types or its float arithmetic could hide.
SERVICES = (
    *("children", "driving", "fills", "fields", "halt_races", "invariants", "random_facts"),
    *(
        "submit",
        "workers",
        "account_orders",
        "statements",
        "migration_submitted",
        "markets",
        "reservation",
        "limits",
        "baskets",
        "alerts",
    ),
    *("chains", "why"),
)


@dataclass
class Session:
    """A session of pytest under way."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]

    def wait(self, seconds: float) -> tuple[int, str]:
        """Return its exit code and its output."""
        code = self.process.wait(seconds)
        self.output.seek(0)
        return code, self.output.read().decode()
