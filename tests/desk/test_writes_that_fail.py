"""A supervisor whose writes fail: it goes on, its processes come back, and it says what it could not keep."""

from __future__ import annotations

import asyncio
import io
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from execution.launcher.child import Child, ChildSpec
from execution.launcher.files import write_private
from execution.launcher.output import DeskLog


@contextmanager
def files_stay_short(size: int) -> Iterator[None]:
    """Make the kernel refuse to write beyond ``size`` bytes of any file, as a full disk refuses any byte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, former)


def test_a_log_on_a_full_disk_counts_what_it_loses_and_says_so_when_there_is_room_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "desk.log"
    with open(tmp_path / "console.txt", "w", encoding="utf-8") as console:
        log = DeskLog(path, console)
        log.line("web", "before")
        with files_stay_short(path.stat().st_size):
            for number in range(5):
                log.line("web", f"lost {number}")
        log.line("web", "after")
        log.close()
    text = path.read_text(encoding="utf-8")
    assert "before" in text
    assert "after" in text
    assert "5 lines could not be written here" in text
    assert "Traceback" not in capsys.readouterr().err


def test_a_log_whose_console_and_file_take_nothing_at_all_raises_nothing() -> None:
    with open("/dev/full", "w", encoding="utf-8") as console:
        log = DeskLog(Path("/dev/full"), console)
        for number in range(100):
            log.line("web", f"line {number}")
        log.close()
        with pytest.raises(OSError, match="No space left"):
            console.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), console.fileno())  # or its own close would raise


def test_a_console_that_nobody_reads_any_more_stops_nobody(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    console = os.fdopen(writing, "w", encoding="utf-8")
    log = DeskLog(tmp_path / "desk.log", console)
    for number in range(100):
        log.line("web", f"line {number}")
    log.close()
    with suppress(BrokenPipeError):
        console.close()
    assert "line 99" in (tmp_path / "desk.log").read_text(encoding="utf-8")


def test_a_private_file_that_cannot_be_replaced_stays_whole_and_leaves_nothing_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "children.json"
    write_private(path, "{}")
    with files_stay_short(2), pytest.raises(OSError, match="File too large"):
        write_private(path, '{"web": 1}')
    assert path.read_text(encoding="utf-8") == "{}"
    assert list(tmp_path.iterdir()) == [path]


def spec_of(folder: Path, before: Callable[[], None] | None = None) -> ChildSpec:
    return ChildSpec("sleeper", ["sleep", "60"], dict(os.environ), folder, before=before)


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid)]


async def test_a_process_whose_supervision_fails_comes_back_and_never_twice(tmp_path: Path) -> None:
    """The first two times the supervisor's own write fails when the process has just been started."""
    log = DeskLog(tmp_path / "desk.log", io.StringIO())
    failing = [OSError(28, "No space left on device"), OSError(28, "No space left on device")]
    pids: list[int] = []

    def changed() -> None:
        if child.pid is not None:
            pids.append(child.pid)
        if failing:
            raise failing.pop()

    child = Child(spec_of(tmp_path), log, changed)
    child.start()
    async with asyncio.timeout(20):
        while child.deaths < 2 or child.pid is None:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.02)
    assert alive(pids) == [child.pid]
    child.begin_stop()
    await child.ended(asyncio.get_running_loop().time() + 5)
    await child.kill()
    assert alive(pids) == []
    log.close()
    assert "No space left on device; restarting it in 1 s" in (tmp_path / "desk.log").read_text(
        encoding="utf-8"
    )
