"""The static checks, by name: ``.ci/check`` runs them all, and the test command runs each as its first tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from execution.launcher.environments import keep_bytecode

REPOSITORY = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
#: What a shell may have set for a desk of its own.
_OTHERS = ("REDIS_URL", "DATABASE_URL", "TRANCHE_KEYRING", "TRANCHE_ENVIRONMENT", "SECRET_KEY")
#: Checks that run beside each other: the types take as long as all others.
LANES = 2


@dataclass(frozen=True)
class Check:
    """A command that ends with status 0 when all is well."""

    name: str
    command: tuple[str, ...]

    def run(self) -> Outcome:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="tranche-check-") as var:
            environment = {name: text for name, text in os.environ.items() if name not in _OTHERS}
            done = subprocess.run(
                self.command,
                cwd=REPOSITORY,
                env=environment | {"TRANCHE_VAR": var, "DJANGO_SETTINGS_MODULE": "config.settings"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        return Outcome(self.name, done.returncode == 0, time.monotonic() - begun, done.stdout)


@dataclass(frozen=True)
class Outcome:
    """The result of a check. ``output`` is all that the tool wrote."""

    name: str
    is_ok: bool
    seconds: float
    output: str

    def __str__(self) -> str:
        return f"{self.name:12} {'ok' if self.is_ok else 'FAILED':6} {self.seconds:5.1f} s"


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "manage.py", *arguments)


#: Its cache in the folder of the check, plain text, and no look for a newer version.
_FOR_DENO = 'DENO_DIR="$TRANCHE_VAR" NO_COLOR=1 DENO_NO_UPDATE_CHECK=1'

#: The longest first.
CHECKS = (
    Check("types", (sys.executable, "-m", "mypy")),
    Check("format", (str(TOOLS / "ruff"), "format", "--check", ".")),
    Check("lint", (str(TOOLS / "ruff"), "check", ".")),
    Check("scripts", (str(TOOLS / "oxlint"), "--deny-warnings", "static/js", "execution/management/reports")),
    Check(
        "layout",
        ("bash", "-c", f'{_FOR_DENO} "{TOOLS}/deno" fmt --check --no-config --line-width 200 static/js'),
    ),
    Check("imports", (str(TOOLS / "lint-imports"), "--no-cache")),
    Check("django", _manage("check", "--fail-level", "WARNING")),
    Check("migrations", _manage("makemigrations", "--check", "--dry-run")),
    # Into the folder of this check alone: a build empties what it writes to. With --quiet nothing would be strict.
    Check("docs", ("bash", "-c", f'"{TOOLS}/mkdocs" build --strict --site-dir "$TRANCHE_VAR/site"')),
    Check("shell", ("bash", "-c", 'for script in .ci/*; do bash -n "$script" || exit 1; done')),
)


def main(names: Sequence[str]) -> int:
    """Run the checks that are named, or all; say one line of each, and at the end what the failed ones wrote."""
    if unknown := set(names) - {check.name for check in CHECKS}:
        print(f"no such check: {', '.join(sorted(unknown))}; there are {', '.join(c.name for c in CHECKS)}")
        return 2
    begun, failed = time.monotonic(), []
    with ThreadPoolExecutor(LANES) as lanes:
        running = [lanes.submit(check.run) for check in CHECKS if not names or check.name in names]
        for future in running[1:] + running[:1]:
            outcome = future.result()
            print(outcome, flush=True)
            failed += [] if outcome.is_ok else [outcome]
    for outcome in failed:
        print(f"\n--- {outcome.name}\n{outcome.output}", end="")
    print(f"{len(running) - len(failed)} ok, {len(failed)} failed, {time.monotonic() - begun:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    keep_bytecode(REPOSITORY / ".pytest_cache" / "bytecode")
    sys.exit(main(sys.argv[1:]))
