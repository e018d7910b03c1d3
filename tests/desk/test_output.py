"""The console of a desk: its steps, its last line, and the log only where somebody asks for it."""

from __future__ import annotations

import asyncio
import io
import os
import re
from pathlib import Path

import pytest

from execution.launcher.child import DEATHS_AT_START, Child, ChildSpec, StartFailedError
from execution.launcher.output import DeskLog
from tests.desk.running import wait_until
from tests.terminal import Terminal


def test_without_the_log_the_console_has_the_desks_own_lines_and_the_file_has_all(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = DeskLog(tmp_path / "desk.log", stream, shows_all=False)
    log.step("web", 2.94, "the first page answers")
    log.line("web", "a line of its own")
    log.wait_for("waiting for engine1")
    log.line("desk", "engine1 ended by signal SIGKILL; restarting it in 0.5 s")
    log.close()
    first, second = stream.getvalue().splitlines()
    assert first == "  ✓ web           2.9 s  the first page answers"
    assert re.fullmatch(r"  \d\d:\d\d:\d\d  engine1 ended by signal SIGKILL; restarting it in 0.5 s", second)
    kept = [
        line.split(" ", 2)[2] for line in (tmp_path / "desk.log").read_text(encoding="utf-8").splitlines()
    ]
    assert kept == [
        "desk        | web is ready after 2.9 s: the first page answers",
        "web         | a line of its own",
        "desk        | engine1 ended by signal SIGKILL; restarting it in 0.5 s",
    ]


def test_with_the_log_the_console_has_every_line(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = DeskLog(tmp_path / "desk.log", stream)
    log.step("web", 2.94)
    log.line("web", "a line of its own")
    log.close()
    assert stream.getvalue() == "desk        | web is ready after 2.9 s\nweb         | a line of its own\n"


def test_a_terminal_says_what_is_waited_for_in_a_last_line_that_makes_way(tmp_path: Path) -> None:
    with Terminal(columns=40) as terminal:
        log = DeskLog(tmp_path / "desk.log", terminal.stream, shows_all=False)
        log.wait_for("waiting for redis, paper-alpha, paper-beta, paper-gamma")
        wait_until(lambda: "⠸" in terminal.text(), within=10, what="the last line to move")
        assert terminal.screen()[-1][4:] == "waiting for redis, paper-alpha, pap", "cut to the width"
        log.step("redis", 0.31)
        log.wait_for("waiting for web")
        wait_until(lambda: "waiting for web" in terminal.text(), within=10, what="the next wait")
        assert terminal.screen()[0].startswith("  ✓ redis")
        assert terminal.screen()[1][4:] == "waiting for web"
        log.wait_for("")
        log.close()
        step = ["  ✓ redis         0.3 s"]
        wait_until(lambda: terminal.screen() == step, within=10, what="the last line to go")


def test_a_console_that_has_not_every_character_goes_on(tmp_path: Path) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1")
    log = DeskLog(tmp_path / "desk.log", stream, shows_all=False)
    log.step("redis", 0.3)
    log.step("web", 0.5)
    log.close()
    stream.flush()
    assert raw.getvalue().decode("latin-1").splitlines() == [
        "  ? redis         0.3 s",
        "  ? web           0.5 s",
    ]


async def test_a_start_that_fails_shows_the_last_lines_of_the_process(tmp_path: Path) -> None:
    log = DeskLog(tmp_path / "desk.log", io.StringIO(), shows_all=False)
    command = ["sh", "-c", "echo no such table; exit 3"]
    child = Child(ChildSpec("engine1", command, dict(os.environ), tmp_path, _never), log, lambda: None)
    child.start()
    with pytest.raises(StartFailedError, match=r"engine1 died \d times; its last lines:\n    no such table"):
        await child.wait_ready(60)
    assert child.deaths >= DEATHS_AT_START
    child.begin_stop()
    await child.kill()
    log.close()


async def _never() -> bool:
    await asyncio.sleep(0)
    return False
