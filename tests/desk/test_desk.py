"""The supervisor on real processes: it starts, mends, refuses, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from execution import tasks
from execution.launcher.files import read_people
from tests.checks import REPOSITORY
from tests.desk.running import (
    DATABASE,
    FIRST_PAGE,
    PAPER_LABELS,
    RunningDesk,
    desk_environment,
    expect_nothing_left,
    free_port,
    wait_until,
)
from tests.patience import slowness

Factory = Callable[..., RunningDesk]
PAPERS = {f"paper-{label}" for label in PAPER_LABELS}
CHILDREN = {"redis", *PAPERS, "web", "engine1", "engine2", "compute", "beat"}


def status_of(url: str) -> int:
    """Return the status of a GET, of any value."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def run_desk(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "desk", *arguments],
        cwd=REPOSITORY,
        env=desk_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_no_process_that_writes_waits_for_the_processor_longer_than_the_others(desk: RunningDesk) -> None:
    pids = desk.pids()
    names = ("engine1", "engine2", "web", "compute")
    own = psutil.Process(pids["desk"]).nice()  # 0, unless the tests themselves are started with less
    assert {psutil.Process(pids[name]).nice() for name in names} == {own}


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux knows threads that step back")
def test_who_only_computes_steps_back_for_those_who_trade() -> None:
    assert tasks._aside.submit(os.sched_getscheduler, 0).result() == os.SCHED_IDLE
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_desk_starts_every_process_and_answers(desk: RunningDesk) -> None:
    assert set(desk.pids()) == CHILDREN | {"desk"}
    assert all(psutil.pid_exists(pid) for pid in desk.pids().values())
    assert status_of(f"{desk.url}/admin/login/") == 200
    assert all(desk.paper(label).answers() for label in PAPER_LABELS)


def test_each_process_writes_under_its_name(desk: RunningDesk) -> None:
    assert re.search(r" paper-beta +\| paper exchange ready on http://", desk.log())
    assert re.search(r"web +\| ", desk.log())


def test_the_console_shows_each_step_of_the_start_and_then_how_to_log_in(desk: RunningDesk) -> None:
    console = desk.console()
    steps = re.findall(r"^  ✓ (\S+) +([0-9.]+) s", console, re.MULTILINE)
    assert {name for name, _ in steps} == CHILDREN | {"database"}
    assert [name for name, _ in steps].index("web") < [name for name, _ in steps].index("engine1")
    assert [float(age) for _, age in steps] == sorted(float(age) for _, age in steps)
    assert re.search(rf"web +[0-9.]+ s  the first page answers at {desk.url}$", console, re.MULTILINE)
    assert console.index("ready after") < console.index(f"Tranche is at  {desk.url}")
    assert "paper exchange ready on" not in console, "the log is in its file"
    assert "\x1b" not in console, "no colours where no terminal is"


def test_the_passwords_are_random_printed_and_private(desk: RunningDesk) -> None:
    passwords = read_people(desk.var / "people.txt")
    assert set(passwords) == {"trader", "supervisor", "admin"}
    assert len(set(passwords.values())) == 3
    assert all(len(password) >= 20 for password in passwords.values())
    for password in passwords.values():
        assert password in desk.console()
        assert password not in desk.log()


@pytest.mark.parametrize(
    "name",
    [
        "people.txt",
        "keyring",
        "secret_key",
        "paper/gamma/accounts.json",
        "desk.log",
        "redis.url",
    ],
)
def test_files_are_readable_by_their_owner_only(desk: RunningDesk, name: str) -> None:
    assert stat.S_IMODE((desk.var / name).stat().st_mode) == 0o600


def test_web_knows_neither_the_keyring_nor_the_rest_of_the_environment(desk: RunningDesk) -> None:
    environment = psutil.Process(desk.pids()["web"]).environ()
    assert environment["TRANCHE_KEYRING"] == os.devnull
    assert "UV" not in environment
    assert psutil.Process(desk.pids()["engine1"]).environ()["TRANCHE_KEYRING"] == str(desk.var / "keyring")


@pytest.mark.parametrize("name", ["engine2", "redis", "web", "beat"])
def test_a_process_that_is_killed_is_started_again(desk: RunningDesk, name: str) -> None:
    former = desk.kill(name)
    assert desk.wait_restarted(name, former) != former
    assert f"{name} ended by signal SIGKILL; restarting it" in desk.log()
    wait_until(lambda: answers(desk.url), within=30, what="the page was to answer again")


def test_a_paper_venue_can_be_down_alone_and_forgets_nothing(desk: RunningDesk) -> None:
    gamma = desk.paper("gamma")
    before = gamma.ledger()
    with gamma.down():
        assert not gamma.answers()
        assert all(desk.paper(label).answers() for label in ("alpha", "beta"))
        assert answers(desk.url)
    assert gamma.ledger() == before
    assert "paper-gamma ended by signal SIGKILL; restarting it" in desk.log()


def answers(url: str) -> bool:
    try:
        return status_of(f"{url}/admin/login/") == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def test_a_second_desk_on_the_same_folder_is_refused(desk: RunningDesk) -> None:
    done = run_desk("--port", str(free_port()), "--var", str(desk.var))
    assert done.returncode == 1
    assert f"a desk is already running on {desk.var} (process {desk.pids()['desk']})" in done.stderr
    assert answers(desk.url)


def test_a_taken_port_is_named(desk: RunningDesk, tmp_path: Path) -> None:
    done = run_desk("--port", str(desk.port), "--var", str(tmp_path))
    assert done.returncode == 1
    assert f"port {desk.port} on 127.0.0.1 cannot be used" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "0"], "--workers 0: a desk has 1 to 16 engine workers"),
        (["--port", "70000"], "--port 70000: a port is 0 to 65535"),
    ],
)
@pytest.mark.real_process
def test_bad_options_are_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = run_desk("--var", str(tmp_path), *arguments)
    assert done.returncode == 1
    assert message in done.stderr


def test_a_second_desk_works_beside_the_first_and_nothing_outlives_its_end(
    desk: RunningDesk, desk_factory: Factory, tmp_path: Path
) -> None:
    second = desk_factory(tmp_path / "other", tables=None, arguments=["--log"])
    second.wait()
    assert re.search(r"^paper-beta +\| paper exchange ready on http://", second.console(), re.MULTILINE)
    assert stat.S_IMODE((second.var / DATABASE).stat().st_mode) == 0o600, "readable by its owner only"
    assert answers(second.url)
    assert answers(desk.url)
    assert not set(second.pids().values()) & set(desk.pids().values())
    assert second.passwords != desk.passwords

    seconds = second.stop(signal.SIGINT)
    assert second.process.returncode == 0
    assert seconds < 6 * slowness(), "a stop takes at most 5 s"  # and the interpreter's own end
    assert second.log().count('event="engine stopped"') == 2, "a worker ends after its engine"
    expect_nothing_left(second, within=1)
    assert answers(desk.url)


def test_nothing_is_left_when_uv_is_killed(desk_factory: Factory, tmp_path: Path) -> None:
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv, "uv is needed to run the tests: pip install uv"
    running = desk_factory(tmp_path / "under-uv", prefix=[uv, "run", "--no-sync"])
    running.wait(FIRST_PAGE)  # in the middle of the start
    assert psutil.Process(running.pids()["desk"]).ppid() == running.process.pid
    running.process.kill()
    running.process.wait(5)
    expect_nothing_left(running, within=10)
    assert "stopped after" in running.log()
