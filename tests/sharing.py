"""How two processes share the tests: most of them wait for real processes, and waiting is done side by side.

Tests of one group run in one process, so that a desk is started once and no two groups that load the machine run
longer beside each other than they must.
"""

from __future__ import annotations

import os

import pytest

PROCESSES = 2
#: Folders whose tests start whole desks, engines or databases: one group each. The first two processes begin with the
#: first two; each takes a further one beforehand, so that the engines' long tests follow the shorter of them.
LONG = ("browser", "desk", "test_house.py", "engine", "postgresql", "faults", "acceptance")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """All tests share two processes; those that somebody names run in the foreground, where they print."""
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
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=_rank)


def _group(item: pytest.Item) -> str:
    path = item.path.relative_to(item.config.rootpath / "tests")
    return path.parts[0] if path.parts[0] in LONG else str(path)


def _rank(item: pytest.Item) -> int:
    group = _group(item)
    return LONG.index(group) if group in LONG else len(LONG)
