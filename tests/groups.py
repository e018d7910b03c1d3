"""The group of a test: tests of one group run in one process."""

from __future__ import annotations

from pathlib import PurePosixPath

#: Folders whose tests share a desk or a database. Of all others each file is a group.
FOLDERS = frozenset({"browser", "desk", "postgresql", "faults"})
#: The browser's tests with desks of their own, and the longest: as long as all others together.
SECOND = frozenset({"test_algorithms.py", "test_failing.py", "test_keys.py"})


def group_of(nodeid: str) -> str:
    """Return the group of a test, by its name as pytest writes it: tests/desk/test_kills.py::test_one."""
    path = PurePosixPath(nodeid.partition("::")[0])
    folder = path.parts[1] if len(path.parts) > 2 else ""
    if folder not in FOLDERS:
        return str(path)
    return "browser 2" if folder == "browser" and path.name in SECOND else folder
