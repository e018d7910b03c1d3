"""How the processes share the tests: many of them wait, and another process computes meanwhile.

Tests of one group run in one process, so that a desk is started once and no two groups that load the machine run
longer beside each other than they must. Tests that mostly wait, such as for the end of an outage, are a group of
their own: ``pytest.mark.xdist_group(WAITING)``.
"""

from __future__ import annotations

import os

import pytest

PROCESSES = 3
WAITING = "waiting"
#: The static checks, then groups that start whole desks, engines or databases. The processes begin with the first
#: of them, with ``-n 3`` the waiting ones among them. Each takes a further group when two tests of its last are left.
LONG = ("test_checks.py", "browser", WAITING, "desk", "engine", "acceptance", "postgresql", "faults")
#: Of these each file is a group: they start no desk that could be shared, and together would keep one process longer
#: than all others.
BY_FILE = frozenset({"engine", "acceptance"})


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """All tests share the processes; those that somebody names run in the foreground, where they print."""
    everything = config.args == config.getini("testpaths")
    return PROCESSES if everything and not config.option.usepdb else 0


def pytest_xdist_setupnodes() -> None:
    """The processes find the environment as this one did: with the settings named they would load them before
    tests/conftest.py gives each its own folder."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long groups first; otherwise a file is a group."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            path = item.path.relative_to(item.config.rootpath / "tests")
            is_one = path.parts[0] in LONG and path.parts[0] not in BY_FILE
            item.add_marker(pytest.mark.xdist_group(path.parts[0] if is_one else str(path)))
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    marker = item.get_closest_marker("xdist_group")
    group = None if marker is None else marker.args[0]
    if group is not None:
        group = group.split("/")[0]
    return LONG.index(group) if group in LONG else len(LONG)
