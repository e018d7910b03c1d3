"""The real ``manage.py desk`` in a folder of its own, for tests that need what a user has."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path

import psutil
import pytest

from execution.launcher.files import read_people
from execution.launcher.parent_death import dies_with_parent
from execution.verification.chaos.venue import ControlledVenue
from tests.checks import REPOSITORY
from tests.patience import PATIENCE

PAPER_LABELS = ("alpha", "beta", "gamma")
DATABASE = "tranche.sqlite3"
#: Seconds after which okx cancels what a desk has left: the shortest that it takes.
SWITCH_SECONDS = 10
START_WITHIN = 120.0
STOP_WITHIN = 15.0
READY = re.compile(r"^(desk +\|)? +ready after", re.MULTILINE)
FIRST_PAGE = re.compile(r"web +[0-9.]+ s  the first page answers", re.MULTILINE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def desk_environment(**changes: str) -> dict[str, str]:
    """Return the environment that a person's shell would give, without the variables that the tests set for
    themselves.
    """
    ours = ("TRANCHE_VAR", "DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE")
    return {name: text for name, text in os.environ.items() if name not in ours} | changes


def wait_until(condition: Callable[[], object], *, within: float, what: str) -> None:
    """Poll until ``condition`` holds, usually ``within`` seconds; fail after ``PATIENCE`` times as long, saying
    ``what`` was waited for.
    """
    deadline = time.monotonic() + within * PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {within * PATIENCE:.0f} s")
        time.sleep(0.05)


def processes_of(var: Path) -> list[psutil.Process]:
    """Return every process that has ``var`` in its command line or environment, but this one and its parents."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            words = [*process.cmdline(), *process.environ().values()]
            zombie = process.status() == psutil.STATUS_ZOMBIE
            if process.pid not in own and not zombie and any(str(var) in word for word in words):
                found.append(process)
    return found


@dataclass(frozen=True, slots=True)
class PaperVenue(ControlledVenue):
    """A paper venue of a running desk."""

    desk: RunningDesk

    def restart(self) -> None:
        """Kill -9, and wait until the supervisor has it running again."""
        self.desk.wait_restarted(self.name, self.desk.kill(self.name))
        wait_until(self.answers, within=30, what=f"{self.name} was to answer again")

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Kill the venue, and keep it unreachable within the block. On leaving, wait until it answers again."""
        self.hide()
        self.desk.kill(self.name)
        try:
            wait_until(lambda: not self.answers(), within=5, what=f"{self.name} was to be down")
            yield
        finally:
            self.show()
        wait_until(self.answers, within=30, what=f"{self.name} was to answer again")


@dataclass
class RunningDesk:
    """A started desk. ``process`` is what was started: the supervisor, or ``uv`` above it."""

    var: Path
    port: int
    process: subprocess.Popen[bytes]
    seen: dict[int, str] = field(default_factory=dict)
    #: Passwords of people whom a test has added.
    added: dict[str, str] = field(default_factory=dict)
    #: Cookies of people who have logged in.
    sessions: dict[str, CookieJar] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paper(self, label: str = "alpha") -> PaperVenue:
        """Return one of the paper venues: alpha, beta, gamma."""
        return PaperVenue(self.var / "paper" / label, self)

    @property
    def paper_url(self) -> str:
        """Return the base URL of the paper venue alpha."""
        return self.paper().url

    @property
    def paper_control(self) -> str:
        """Return the token of alpha's control interface (ledger, faults)."""
        return self.paper().token

    @property
    def passwords(self) -> dict[str, str]:
        """Return the passwords by user name: trader, supervisor, admin, and people whom a test has added."""
        return read_people(self.var / "people.txt") | self.added

    def pids(self) -> dict[str, int]:
        """Process ids by name: desk, redis, paper-alpha, ..., web, engine1, engine2, compute, beat."""
        path = self.var / "run" / "children.json"
        pids: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        self.seen |= {pid: name for name, pid in pids.items()}
        return pids

    def console(self) -> str:
        """Return the text that the desk has written to its terminal since this start."""
        return (self.var / "console.txt").read_text(errors="replace")

    def log(self) -> str:
        """Return the whole of desk.log, over all starts."""
        return (self.var / "desk.log").read_text(errors="replace")

    def wait(self, sign: re.Pattern[str] = READY, *, within: float = START_WITHIN) -> None:
        """Wait for a line of the console; fail with all of it when the desk ends before."""

        def seen_or_ended() -> bool:
            if self.process.poll() is not None:
                pytest.fail(
                    f"the desk ended with code {self.process.returncode}:\n{self.console()}\n{self.log()[-20_000:]}"
                )
            return sign.search(self.console()) is not None

        try:
            wait_until(seen_or_ended, within=within, what=f"{sign.pattern!r} on the desk's console")
        except pytest.fail.Exception:
            sys.stderr.write(f"{self.console()}\n{self.log()[-20_000:]}")
            raise

    def kill(self, name: str) -> int:
        """Kill -9 one process by its name and return the id that it had."""
        pid = self.pids()[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_restarted(self, name: str, former: int, *, within: float = 30.0) -> int:
        """Wait until the process runs again under another id than ``former``, and return it."""
        wait_until(
            lambda: self.pids().get(name, former) != former, within=within, what=f"{name} was to be restarted"
        )
        return self.pids()[name]

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        """Send the signal to the supervisor, wait until all has ended, and return the seconds it took."""
        self.pids()
        begun = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(STOP_WITHIN * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill_all()
        return time.monotonic() - begun

    def kill_all(self) -> None:
        """Kill -9 whatever this desk ever started, by its id; for the end of a test, whatever happened."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_WITHIN * PATIENCE)
        for process in processes_of(self.var):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def has_ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def expect_nothing_left(running: RunningDesk, *, within: float) -> None:
    """Wait until nothing is left, by the recorded ids, and by any process that still names the folder."""
    assert running.seen, "no process was recorded"
    wait_until(
        lambda: all(has_ended(pid) for pid in running.seen) and not processes_of(running.var),
        within=within,
        what=f"nothing of {running.var} was to be left, but {processes_of(running.var)}",
    )


def start_desk(
    var: Path,
    *,
    port: int | None = None,
    arguments: Sequence[str] = (),
    prefix: Sequence[str] = (),
    tables: Path | None = None,
) -> RunningDesk:
    """Start a desk and return at once. ``prefix`` comes before the interpreter, such as ``uv run``.

    With ``tables``, a new desk begins with a copy of that database, and has nothing to migrate.
    """
    var.mkdir(parents=True, exist_ok=True)
    if tables is not None and tables.exists() and not (var / DATABASE).exists():
        shutil.copy(tables, var / DATABASE)
        (var / DATABASE).chmod(0o600)
    port = port or free_port()
    command = [
        *prefix,
        sys.executable,
        "manage.py",
        "desk",
        "--port",
        str(port),
        "--var",
        str(var),
        *arguments,
    ]
    with open(var / "console.txt", "wb") as console:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=desk_environment(TRANCHE_SWITCH_SECONDS=str(SWITCH_SECONDS)),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=dies_with_parent(),  # also when the test run itself is killed
        )
    return RunningDesk(var, port, process)
