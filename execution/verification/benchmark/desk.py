"""A real ``manage.py desk`` in a separate folder. This module starts it, and stops it by its process id."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from django.core.management import CommandError

from execution.launcher.parent_death import dies_with_parent
from execution.verification.benchmark.accounts import accounts_add

START_WITHIN = 120.0
STOP_WITHIN = 15.0
POLL = 0.02
#: The desk writes this when all of its processes are ready.
READY = b"  ready after"
#: Environment variables that are not passed on, because a shell may have set them for another desk.
NOT_PASSED_ON = (
    *("TRANCHE_VAR", "TRANCHE_KEYRING", "TRANCHE_ENVIRONMENT", "DATABASE_URL", "REDIS_URL"),
    *("SECRET_KEY", "ALLOWED_HOSTS", "SECURE_TLS", "DEBUG"),
)


@dataclass(frozen=True, slots=True)
class Start:
    """The seconds from the start command to the first page that answers, and to the line that says "ready"."""

    first_page: float
    ready: float


class MeasuredDesk:
    """One desk that can be started and stopped again and again on the same folder."""

    def __init__(
        self, base: Path, var: Path, port: int, *, workers: int = 2, database_url: str | None = None
    ) -> None:
        self._base = base
        self.var = var
        self.port = port
        self._workers = workers
        self._database_url = database_url
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Start:
        """Start the desk and wait until it is ready. Raises ``CommandError`` if it does not become ready."""
        command = [sys.executable, "manage.py", "desk", "--port", str(self.port), "--var", str(self.var)]
        command += ["--workers", str(self._workers)]
        begun = time.monotonic()
        with open(self._console, "wb") as console:
            self._process = subprocess.Popen(
                command,
                cwd=self._base,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dies_with_parent(),  # also when the benchmark itself is killed
            )
        return self._started(self._process, begun)

    def _environment(self) -> dict[str, str]:
        environment = {name: text for name, text in os.environ.items() if name not in NOT_PASSED_ON}
        return environment | ({"DATABASE_URL": self._database_url} if self._database_url else {})

    def token(self, person: str) -> str:
        """Return an API token of ``person``, as ``manage.py api_token`` prints it."""
        command = [sys.executable, "manage.py", "api_token", person, "--name", "benchmark", "--days", "1"]
        environment = self._environment() | {"TRANCHE_VAR": str(self.var)}
        done = subprocess.run(
            command, cwd=self._base, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise CommandError(f"no token for the API: {done.stderr[-500:]}")
        return done.stdout.strip()

    def add_accounts(self, each: int) -> list[str]:
        """Add accounts until every paper venue has ``each``, and return the labels of all of them."""
        environment = self._environment() | {"TRANCHE_VAR": str(self.var)}
        return accounts_add(self._base, self.var, environment, each)

    def _started(self, process: subprocess.Popen[bytes], begun: float) -> Start:
        first_page: float | None = None
        while (age := time.monotonic() - begun) < START_WITHIN:
            if process.poll() is not None:
                raise CommandError(f"the desk ended with code {process.returncode}:\n{self._last_lines()}")
            if first_page is None:
                first_page = time.monotonic() - begun if self._page_answers() else None
            elif READY in self._console.read_bytes():
                return Start(first_page, age)
            time.sleep(POLL)
        raise CommandError(f"the desk was not ready after {START_WITHIN:.0f} s:\n{self._last_lines()}")

    def pids(self) -> dict[str, int]:
        """Return the process ids by name. ``desk`` is the process that starts and supervises the others."""
        pids: dict[str, int] = json.loads((self.var / "run" / "children.json").read_text(encoding="utf-8"))
        return pids

    def stop(self) -> None:
        """End the desk as Ctrl-C does. Kill the processes that still run after ``STOP_WITHIN`` seconds."""
        if self._process is None:
            return
        noted = self.pids() if (self.var / "run" / "children.json").exists() else {}
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        for pid in noted.values():
            if self._is_ours(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _is_ours(self, pid: int) -> bool:
        """Return True if a process id still belongs to this desk. The kernel may have given it to another process."""
        try:
            words = [(Path("/proc") / str(pid) / name).read_bytes() for name in ("cmdline", "environ")]
        except OSError:
            return False
        return any(os.fsencode(self.var) in word for word in words)

    def _page_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/login/", timeout=30) as answer:  # noqa: S310  # our own
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def _last_lines(self) -> str:
        return "\n".join(self._console.read_text(errors="replace").splitlines()[-15:])

    @property
    def _console(self) -> Path:
        return self.var / "console.txt"
