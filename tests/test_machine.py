"""The reaction of the tests to a machine that lacks a program. The machine is simulated: PATH, user and apt-get."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.checks import REPOSITORY
from tests.desk.running import desk_environment
from tests.fixtures.machine import CHROMIUM, CURL, GIT, provide
from tests.packages import install_command

pytestmark = pytest.mark.real_process

#: Writes down how it was called; an install brings a program for each package into its own folder.
APT_GET = """#!/bin/sh
here="${0%/*}"
PATH=/usr/bin:/bin
echo "$*" >> "$here/../apt.log"
set -- $(echo "$*" | sed 's/-o [^ ]*//g')
. "$here/../behaviour"
[ "$1" = install ] || exit 0
for package in "$@"; do
    case "$package" in
        postgresql) names="postgres initdb" ;;
        fonts-*) mkdir -p "$HOME/.fonts"; : > "$HOME/.fonts/some.ttf"; continue ;;
        install|-*) continue ;;
        *) names="$package" ;;
    esac
    for name in $names; do printf '#!/bin/sh\\n' > "$here/$name"; chmod +x "$here/$name"; done
done
"""
CONFTEST = """
import os, pathlib, pytest
os.geteuid = lambda: {user}

@pytest.fixture(autouse=True)
def _written_down(request):
    with open(pathlib.Path(__file__).with_name("ran"), "a") as ran:
        ran.write(request.node.name + "\\n")
"""
INI = """[pytest]
testpaths = checks
addopts = -p xdist -p tests.fixtures.machine -p no:cacheprovider
"""
WITH_NEEDS = "def test_with_{number}(chromium_path, curl_path, git_path, postgresql_programs): pass\n"


@dataclass(frozen=True)
class Machine:
    """A machine with Python and a browser, and a small project whose tests need more."""

    folder: Path

    def set_up(self, *, user: int, behaviour: str = "", has_apt: bool = True) -> None:
        (self.folder / "behaviour").write_text(behaviour, encoding="utf-8")
        self.programs.mkdir()
        (self.programs / "chromium").touch(0o755)  # to look for Playwright's takes seconds
        if has_apt:
            (self.programs / "apt-get").write_text(APT_GET, encoding="utf-8")
            (self.programs / "apt-get").chmod(0o755)
        (self.folder / "pytest.ini").write_text(INI, encoding="utf-8")
        (self.folder / "conftest.py").write_text(CONFTEST.format(user=user), encoding="utf-8")
        checks = self.folder / "checks"
        checks.mkdir()
        for number in (1, 2):
            (checks / f"test_{number}.py").write_text(WITH_NEEDS.format(number=number), encoding="utf-8")
        (checks / "test_pure.py").write_text("def test_pure(): pass\n", encoding="utf-8")

    @property
    def programs(self) -> Path:
        return self.folder / "programs"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a session of pytest on this machine."""
        environment = desk_environment(
            PATH=str(self.programs),
            HOME=str(self.folder / "home"),
            PYTHONPATH=str(REPOSITORY),
            PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
        )
        for name in ("PLAYWRIGHT_BROWSERS_PATH", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
            environment.pop(name, None)
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Return the exit code of a session and its output."""
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=120)
        return process.returncode, said

    def installs(self) -> list[str]:
        """Return the calls of apt-get that install something."""
        log = self.folder / "apt.log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [line for line in lines if " install " in line]

    def ran(self) -> set[str]:
        """Return the tests that have run."""
        path = self.folder / "ran"
        return set(path.read_text(encoding="utf-8").split()) if path.exists() else set()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def here(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Put this very process on that machine."""
    monkeypatch.setenv("PATH", str(machine.programs))
    monkeypatch.setenv("HOME", str(machine.folder / "home"))
    return machine


def become(monkeypatch: pytest.MonkeyPatch, user: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)


@pytest.mark.usefixtures("chromium_path")  # a made-up apt-get brings no library
def test_two_sessions_of_two_processes_each_install_once_and_before_they_start(machine: Machine) -> None:
    machine.set_up(user=0, behaviour='[ "$1" = install ] && sleep 2')
    sessions = [machine.start("-n", "2") for _ in range(2)]
    said = [session.communicate(timeout=120)[0] for session in sessions]
    assert [session.returncode for session in sessions] == [0, 0], said
    (call,) = machine.installs()
    assert "DPkg::Lock::Timeout=" in call
    assert {"curl", "git"} <= set(call.split())
    assert all("3 passed" in text and "the tests use Chromium (" in text for text in said)
    (installer,) = [text for text in said if "installing with apt-get: " in text]
    assert installer.index("installed in ") < installer.index("2 workers")


def test_without_root_a_run_of_everything_ends_at_once_with_the_command_to_run(machine: Machine) -> None:
    machine.set_up(user=1000)
    code, said = machine.run("-n", "2")
    assert code == pytest.ExitCode.USAGE_ERROR, said
    assert "the tests need what this machine lacks: curl, git" in said
    assert f"    {install_command(['curl', 'git'])}" in said
    assert "workers" not in said
    assert machine.ran() == set()
    assert not (machine.folder / "apt.log").exists()


@pytest.mark.parametrize("arguments", [["-n", "2", "-k", "with"], ["checks/test_1.py"]])
def test_a_part_that_needs_something_ends_before_its_first_test(
    machine: Machine, arguments: list[str]
) -> None:
    machine.set_up(user=1000)
    code, said = machine.run(*arguments)
    assert code != 0
    assert "apt-get update && apt-get install -y" in said
    assert machine.ran() == set()


@pytest.mark.parametrize("arguments", [["-n", "2", "-k", "pure"], ["checks/test_pure.py"]])
def test_a_part_that_needs_nothing_runs_on_a_bare_machine(machine: Machine, arguments: list[str]) -> None:
    machine.set_up(user=1000)
    code, said = machine.run(*arguments)
    assert code == 0, said
    assert machine.ran() == {"test_pure"}
    assert "the tests use" not in said


def test_a_list_of_the_tests_installs_nothing(machine: Machine) -> None:
    machine.set_up(user=0)
    code, said = machine.run("-n", "2", "--collect-only", "-q")
    assert code == 0, said
    assert machine.installs() == []


def test_what_apt_says_when_it_fails_is_shown_with_the_command(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = "Temporary failure resolving the mirror"
    here.set_up(user=0, behaviour=f'[ "$1" = install ] && {{ echo "E: {trouble}" >&2; exit 100; }}')
    become(monkeypatch, 0)
    with pytest.raises(pytest.UsageError) as refused:
        provide([CURL, GIT], print)
    assert trouble in str(refused.value)
    assert f"    {install_command(['curl', 'git'])}\n" in str(refused.value)


def test_an_apt_that_succeeds_without_bringing_the_program_is_a_refusal(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.set_up(user=0, behaviour="exit 0")
    become(monkeypatch, 0)
    with pytest.raises(pytest.UsageError, match=r"lacks: curl\.(.|\n)*not found"):
        provide([CURL], print)


def test_a_held_lock_of_another_apt_is_waited_for(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = 'echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)" >&2'
    once = f'[ -e "$here/../met" ] || {{ : > "$here/../met"; {held}; exit 100; }}'
    here.set_up(user=0, behaviour=once)
    become(monkeypatch, 0)
    provide([CURL], print)
    said = capsys.readouterr().out
    assert "another apt-get is at work" in said
    assert f"the tests use curl ({here.programs / 'curl'})" in said


def test_a_machine_without_apt_is_told_what_to_put_on_the_path(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.set_up(user=0, has_apt=False)
    become(monkeypatch, 0)
    with pytest.raises(pytest.UsageError) as refused:
        provide([CURL], print)
    assert "lacks: curl" in str(refused.value)
    assert "on the PATH" in str(refused.value)
    assert "apt-get install" not in str(refused.value)
    (here.programs / "chromium").unlink()
    monkeypatch.setattr("tests.desk.browser._playwrights_own", lambda: None)
    with pytest.raises(pytest.UsageError, match="uv run playwright install chromium"):
        provide([CHROMIUM, CURL], print)
