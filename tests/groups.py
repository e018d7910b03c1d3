"""The group of a test: tests of one group run in one process, one after the other."""

from __future__ import annotations

from pathlib import PurePosixPath

#: Folders whose tests share a desk, a database or a page. Of all others each file is a group.
FOLDERS = frozenset({"browser", "desk", "postgresql", "faults", "scripts"})
#: The last files of a group, because their tests end the shared desk, or leave an account on it.
LAST = frozenset({"test_dead_mans_switch.py", "test_keys.py"})


def group_of(nodeid: str) -> str:
    """Return the group of a test, by its name as pytest writes it: tests/desk/test_kills.py::test_one."""
    path = PurePosixPath(nodeid.partition("::")[0])
    folder = path.parts[1] if len(path.parts) > 2 else ""
    return folder if folder in FOLDERS else str(path)


def is_last(nodeid: str) -> bool:
    """Return whether the test is one of the last of its group."""
    path = PurePosixPath(nodeid.partition("::")[0])
    return group_of(nodeid) in FOLDERS and path.name in LAST
