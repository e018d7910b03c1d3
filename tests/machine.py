"""What the tests need of a machine: found or installed once, before the first test and before any second process.

A test says what it needs by a fixture of this file. Root on Debian installs what is missing; anywhere else the run
ends at once with the command to run. No test is skipped for it.
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from execution.launcher.postgres_server import programs_folder
from tests.desk.browser import find_chromium, find_driver, find_fonts
from tests.packages import InstallError, Say, has_apt, install, install_command, is_root, only_installer


@dataclass(frozen=True)
class Need:
    """What a machine has or lacks: ``find`` says where it is, ``packages`` are Debian's."""

    name: str
    find: Callable[[], object]
    packages: tuple[str, ...]


CHROMIUM = Need("Chromium", find_chromium, ("chromium",))
DRIVER = Need("Playwright's Node.js", find_driver, ("libatomic1",))
FONTS = Need("fonts", find_fonts, ("fonts-dejavu-core",))
CURL = Need("curl", lambda: shutil.which("curl"), ("curl",))
GIT = Need("git", lambda: shutil.which("git"), ("git",))
POSTGRESQL = Need("PostgreSQL", programs_folder, ("postgresql",))

#: By fixture: what a test needs that uses it.
NEEDS: dict[str, tuple[Need, ...]] = {
    "chromium_path": (CHROMIUM, DRIVER, FONTS),
    "curl_path": (CURL,),
    "git_path": (GIT,),
    "postgresql_programs": (POSTGRESQL,),
}


def provide(needs: Sequence[Need], say: Say) -> None:
    """Find all of them, or install what is missing. Raises ``pytest.UsageError`` with the command to run."""
    places = {need: need.find() for need in needs}
    if missing := _without_place(places):
        if not has_apt():
            raise pytest.UsageError(refusal(missing, "only apt-get is known to them, and it is not here"))
        if not is_root():
            raise pytest.UsageError(refusal(missing, "only root may"))
        with only_installer(say):
            # Another session may have installed it meanwhile.
            if missing := _without_place({need: need.find() for need in missing}):
                _install(missing, say)
        places = {need: need.find() for need in needs}
    say("the tests use " + ", ".join(f"{need.name} ({place})" for need, place in places.items()))


def _without_place(places: dict[Need, object]) -> list[Need]:
    return [need for need, place in places.items() if place is None]


def _install(missing: Sequence[Need], say: Say) -> None:
    packages = packages_of(missing)
    say(f"installing with apt-get: {' '.join(packages)}")
    begun = time.monotonic()
    try:
        install(packages, say)
    except InstallError as error:
        raise pytest.UsageError(refusal(missing, f"apt-get failed:\n{error}")) from error
    if not_found := _without_place({need: need.find() for need in missing}):
        raise pytest.UsageError(refusal(not_found, "apt-get succeeded, and yet it is not found"))
    say(f"installed in {time.monotonic() - begun:.0f} s: {' '.join(packages)}")


def packages_of(needs: Iterable[Need]) -> list[str]:
    return list(itertools.chain.from_iterable(need.packages for need in needs))


def refusal(missing: Sequence[Need], reason: str) -> str:
    """What is missing, the command that installs it, and why the tests did not."""
    lines = [f"the tests need what this machine lacks: {', '.join(need.name for need in missing)}."]
    if has_apt():
        lines += [
            "Run this as root, then start the tests again:",
            f"    {install_command(packages_of(missing))}",
        ]
    else:
        lines += ["Put their programs on the PATH, then start the tests again."]
        if CHROMIUM in missing:
            lines += ["Playwright can bring a Chromium:", "    uv run playwright install chromium"]
    return "\n".join([*lines, f"The tests did not install it themselves: {reason}"])


# --- pytest --------------------------------------------------------------------------------------


def pytest_sessionstart(session: pytest.Session) -> None:
    """A run of everything needs everything, and has it before its processes start."""
    config = session.config
    starts_processes = bool(config.getoption("tx", default=None)) and not _is_started(config)
    if starts_processes and config.args == config.getini("testpaths") and not _is_a_part(config):
        provide(list(itertools.chain.from_iterable(NEEDS.values())), _say_for(config))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """The process that has collected the tests knows what they need, and none begins before it is there."""
    if session.config.option.collectonly:
        return
    used = set(itertools.chain.from_iterable(getattr(item, "fixturenames", ()) for item in session.items))
    needs = [need for fixture, needs in NEEDS.items() if fixture in used for need in needs]
    if not needs:
        return
    try:
        provide(needs, _say_for(session.config))
    except pytest.UsageError as error:
        if not _is_started(session.config):
            raise
        # Of one of its processes' ends pytest-xdist shows only this kind with its text.
        session.shouldfail = str(error)
        raise session.Failed(session.shouldfail) from error


def _is_started(config: pytest.Config) -> bool:
    """This is one of pytest-xdist's processes."""
    return hasattr(config, "workerinput")


def _is_a_part(config: pytest.Config) -> bool:
    """Only some of the tests run, or none: which ones is known when they are collected."""
    options = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "collectonly")
    return any(config.getoption(name, default=None) for name in options)


def _say_for(config: pytest.Config) -> Say:
    """Write lines where somebody follows the run: xdist's processes write nowhere."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")

    def say(line: str) -> None:
        if reporter is not None and not _is_started(config):
            reporter.ensure_newline()
            reporter.write_line(line)
            reporter.flush()

    return say


def _place_of(need: Need) -> str:
    place = need.find()
    if place is None:
        pytest.fail(refusal([need], "it was there when the run began"), pytrace=False)
    return str(place)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The program to give Playwright as ``executable_path``."""
    return _place_of(CHROMIUM)


@pytest.fixture(scope="session")
def curl_path() -> str:
    return _place_of(CURL)


@pytest.fixture(scope="session")
def git_path() -> str:
    return _place_of(GIT)


@pytest.fixture(scope="session")
def postgresql_programs() -> Path:
    """The folder of ``postgres``, ``initdb`` and ``pg_dump``."""
    return Path(_place_of(POSTGRESQL))
