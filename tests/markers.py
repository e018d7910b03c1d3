"""Markers of what a test costs, and the times of each.

A test has its markers by the fixtures that it uses or by its folder. One that starts a process in another way is
marked by hand; without the marker it fails.
"""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

MARKERS = ("browser", "real_process", "postgresql", "seeds")
BY_FIXTURE = {
    "chromium_path": "browser",
    "postgresql_programs": "postgresql",
    **dict.fromkeys(("desk", "desk_factory", "exchange", "paper_server"), "real_process"),
}
BY_FOLDER = {"postgresql": "postgresql"}
#: By program: a test that starts it has one of these.
_BY_PROGRAM = {
    "python": MARKERS,
    "postgres": ("postgresql",),
    "initdb": ("postgresql",),
    "playwright": ("browser",),
}
_started: list[str] = []


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        program, words = os.fsdecode(arguments[0]), arguments[1]
        _started.append("playwright" if "run-driver" in words else Path(program).name)


sys.addaudithook(_listen)


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what -m does not name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        parameters = (
            item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        )
        used = set(getattr(item, "fixturenames", ())) - set(parameters)
        names = {marker for fixture, marker in BY_FIXTURE.items() if fixture in used}
        names |= {marker for folder, marker in BY_FOLDER.items() if item.path.parent.name == folder}
        for name in sorted(names):
            item.add_marker(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    _started.clear()
    yield
    _check(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    yield
    _check(item)


def _check(item: pytest.Item) -> None:
    """Fail a test that has started a program without one of the markers for it."""
    for started in _started:
        for program, markers in _BY_PROGRAM.items():
            if started.startswith(program) and not any(item.get_closest_marker(name) for name in markers):
                pytest.fail(f"it starts {started} and has no marker {' or '.join(markers)}", pytrace=False)


# --- the times -----------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--times", action="store_true", help="at the end: tests and seconds by folder and marker"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--times"):
        return
    reports = [
        report
        for category in ("passed", "failed", "error", "")
        for report in terminalreporter.stats.get(category, [])
        if isinstance(report, pytest.TestReport)
    ]
    for line in times_table(reports):
        terminalreporter.write_line(line)


def times_table(reports: Sequence[pytest.TestReport]) -> list[str]:
    """Return tests and seconds, fixtures included, by folder and by marker. A test counts with each of its
    markers.
    """
    tests: Counter[tuple[str, str]] = Counter()
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    for report in reports:
        parts = Path(report.nodeid.split("::")[0]).parts
        marks = [name for name in MARKERS if name in report.keywords] or ["none"]
        for row in [
            ("", parts[1] if len(parts) > 2 else "the others"),
            *(("marker ", name) for name in marks),
        ]:
            seconds[row] += report.duration
            tests[row] += report.when == "call"
    rows = sorted(seconds, key=lambda row: (row[0], -seconds[row]))
    lines = [f"| {kind}{name} | {tests[kind, name]} | {seconds[kind, name]:.0f} |" for kind, name in rows]
    return ["| | tests | seconds |", "| --- | ---: | ---: |", *lines]
