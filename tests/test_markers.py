"""Markers come by fixture and folder, and a test that starts a process without one fails."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import subprocess, sys
import pytest

@pytest.fixture
def chromium_path(): pass

@pytest.fixture
def desk(): pass

def test_of_pages(chromium_path): pass
def test_of_processes(desk): pass
def test_pure(): pass
@pytest.mark.parametrize("desk", [1])
def test_of_a_parameter(desk): pass

def starts(): subprocess.run([sys.executable, "-c", ""])
def test_unmarked(): starts()
@pytest.mark.real_process
def test_marked(): starts()
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(test_some=TESTS)
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    absent = ("no:django", "no:asyncio", "no:cacheprovider")
    plugins = [word for plugin in ("tests.markers", *absent) for word in ("-p", plugin)]
    return project.runpytest_inprocess(*plugins, "-q", *arguments)


@pytest.mark.real_process
def test_a_process_needs_a_marker(project: pytest.Pytester) -> None:
    result = run(project)
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["it starts python* and has no marker browser or real_process or *"])


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ("browser", {"test_of_pages"}),
        ("real_process", {"test_of_processes", "test_marked"}),
        ("not browser and not real_process", {"test_pure", "test_of_a_parameter[1]", "test_unmarked"}),
    ],
)
def test_fixtures_give_markers(project: pytest.Pytester, expression: str, selected: set[str]) -> None:
    result = run(project, "--collect-only", "-m", expression)
    assert {line.split("::")[1] for line in result.outlines if "::" in line} == selected
