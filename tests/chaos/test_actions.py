"""The actions of the chaos command, on processes of the test's own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from execution.verification.chaos import actions
from execution.verification.chaos.actions import Actions
from execution.verification.chaos.schedule import Event


@dataclass
class Processes:
    """Stands where the desk does: knows its processes by name."""

    var: Path
    by_name: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self.by_name.items()}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Processes]:
    found = Processes(tmp_path)
    for name in ("engine1", "engine2"):
        found.by_name[name] = subprocess.Popen(["sleep", "60"])
    try:
        yield found
    finally:
        for process in found.by_name.values():
            process.kill()
            process.wait()


def acting(desk: Processes) -> Actions:
    nothing: Any = None
    known: Any = desk
    return Actions(known, nothing, lambda _text: None)


def test_an_engine_that_goes_on_without_its_lease_is_told(
    desk: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "engines_alive", lambda: set(desk.pids().values()))
    monkeypatch.setattr(actions, "ENDS_WITHIN", 0.2)
    chaos = acting(desk)
    chaos.plan([Event(0.0, "stop engine", "engine1", 0.1)])
    chaos.run_until(time.monotonic() + 5, lambda: bool(chaos.problems))
    assert "went on" in chaos.problems[0]


def test_an_engine_that_ends_itself_is_well(desk: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "engines_alive", lambda: set(desk.pids().values()))
    chaos = acting(desk)
    desk.by_name["engine1"].kill()
    desk.by_name["engine1"].wait()
    ends_when_continued = "trap 'exit 70' CONT; echo; while :; do sleep 0.05; done"
    desk.by_name["engine1"] = shell = subprocess.Popen(
        ["sh", "-c", ends_when_continued], stdout=subprocess.PIPE
    )
    assert shell.stdout is not None
    assert shell.stdout.readline() == b"\n"
    chaos.plan([Event(0.0, "stop engine", "engine1", 0.1)])
    chaos.run_until(
        time.monotonic() + 5, lambda: any("has ended itself" in each.what for each in chaos.happened)
    )
    assert "has ended itself" in chaos.happened[-1].what
    assert not chaos.problems


def test_one_of_two_engines_is_taken_only_while_both_live_and_never_after_healing(
    desk: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "engines_alive", lambda: {desk.by_name["engine2"].pid})
    monkeypatch.setattr(actions, "VENUES_WITHIN", 0.1)
    chaos = acting(desk)
    kinds = ("kill engine", "stop engine", "kill both engines")
    chaos.plan([Event(0.0, kind, "engine2") for kind in kinds])
    chaos.run_until(time.monotonic() + 0.2)
    chaos.heal()
    monkeypatch.setattr(actions, "engines_alive", lambda: set(desk.pids().values()))
    chaos.run_until(time.monotonic() + 0.8)
    assert all(process.poll() is None for process in desk.by_name.values())
    assert [each.what for each in chaos.happened] == ["all faults are over"]
