"""How the processes share the tests: many of them wait, and another process computes meanwhile.

Tests of one group run in one process, so that a desk is started once and no two groups that load the machine run
longer beside each other than they must. Tests that mostly wait, such as for the end of an outage, are a group of
their own: ``pytest.mark.xdist_group(WAITING)``.
"""

from __future__ import annotations

import os
from itertools import islice

import pytest

PROCESSES = 4
WAITING = "waiting"
#: The static checks, then groups that start whole desks, engines or databases. They mostly wait. The processes begin
#: with the first of them. Each takes a further group when two tests of its last are left.
LONG = ("test_checks.py", "browser", WAITING, "desk", "engine", "acceptance", "postgresql", "faults")
#: Of these each file is a group: they start no desk that could be shared, and together would keep one process longer
#: than all others.
BY_FILE = frozenset({"engine", "acceptance"})
#: Groups of the others, which mostly compute, after each long one but the first three.
BETWEEN = 6


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
    """Long groups first, and others between them, so that what computes uses the time in which the long ones wait.

    Otherwise a file is a group.
    """
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        if not group_of(item):
            path = item.path.relative_to(item.config.rootpath / "tests")
            is_one = path.parts[0] in LONG and path.parts[0] not in BY_FILE
            item.add_marker(pytest.mark.xdist_group(path.parts[0] if is_one else str(path)))
        groups.setdefault(group_of(item), []).append(item)
    items[:] = [item for name in _mixed(list(groups)) for item in groups[name]]


def group_of(item: pytest.Item) -> str:
    """Return the name of the group that a collected test is in."""
    marker = item.get_closest_marker("xdist_group")
    return "" if marker is None else str(marker.args[0])


def _mixed(names: list[str]) -> list[str]:
    """Return the groups in the order in which they are taken."""
    long = sorted((name for name in names if _rank(name) < len(LONG)), key=_rank)
    others = iter([name for name in names if _rank(name) == len(LONG)])
    mixed = long[:3]
    for name in long[3:]:
        mixed += [name, *islice(others, BETWEEN)]
    return [*mixed, *others]


def _rank(name: str) -> int:
    first = name.split("/")[0]
    return LONG.index(first) if first in LONG else len(LONG)
