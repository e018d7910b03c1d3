"""The way in which the processes share the tests: many of them wait, and another process computes meanwhile.

A queue is a group of tests. It runs in one process, so that a desk is started once.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.groups import group_of, is_last
from tests.patience import slowness

PROCESSES = 3
#: Below this slowness there is one process more. With that, tests that wait ran out of time on a slower machine.
QUICK = 1.05
#: Queues that start whole desks, engines or databases, and mostly wait. The processes begin with the first of them.
#: Each takes a further queue when two tests of its last are left.
LONG = (
    *("browser", "tests/test_checks.py", "postgresql", "desk", "faults"),
    *("tests/acceptance", "tests/engine", "tests/recordings"),
)
#: Queues of the others, which mostly compute, after each long one but the first.
BETWEEN = 4


class QueueScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a process one queue after another."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> QueueScheduling:
    """Schedule queues by their names, because the marker ``xdist_group`` has no effect under this pytest."""
    return QueueScheduling(config, log)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Share all tests among the processes. Named tests run in the foreground, where they print."""
    everything = config.args == config.getini("testpaths")
    if not everything or config.option.usepdb:
        return 0
    return PROCESSES + 1 if slowness() < QUICK else PROCESSES


def pytest_xdist_setupnodes() -> None:
    """Give the processes the environment of this one. With the settings named they would load them before
    tests/conftest.py gives each its own folder.
    """
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long queues first, and others between them, so that computing tests use the time in which the long ones
    wait.
    """
    queues: dict[str, list[pytest.Item]] = {}
    for item in items:
        queues.setdefault(group_of(item.nodeid), []).append(item)
    for queue in queues.values():
        queue.sort(key=lambda item: is_last(item.nodeid))
    items[:] = [item for name in _mixed(list(queues)) for item in queues[name]]


def _mixed(names: list[str]) -> list[str]:
    """Return the queues in the order in which they are taken."""
    long = sorted((name for name in names if _rank(name) < len(LONG)), key=_rank)
    others = iter([name for name in names if _rank(name) == len(LONG)])
    mixed = long[:PROCESSES]
    for name in long[PROCESSES:]:
        mixed += [name, *islice(others, BETWEEN)]
    return [*mixed, *others]


def _rank(name: str) -> int:
    return next((number for number, long in enumerate(LONG) if f"{name}/".startswith(f"{long}/")), len(LONG))
