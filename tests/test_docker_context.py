"""The files that Docker would copy into the image: the program, and none of an installation's own files beside it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from tests.checks import REPOSITORY
from tests.desk.running import desk_environment
from tests.test_house import tracked_files

#: What the processes of the image are made of.
PARTS = {"manage.py", "pyproject.toml", "LICENSE", "config", "dashboard", "execution", "static", "templates"}
SECRET = (
    *("var/keyring", "var/tranche.sqlite3", "var/tranche.sqlite3-wal", "var/people.txt", "var/secret_key"),
    *("var/redis/appendonly.aof", "var/run/children.json", "desk2/keyring", "other-var/tranche.sqlite3"),
    *(".env", ".env.production", "docs/deploy/.env", "config/.env", "execution/.env", "static/.env.local"),
    *(".git/config", ".git/objects/00/11", "execution/.git", ".venv/bin/python", ".pytest_cache/x"),
    *("keyring", "keyring.old", "execution/keyring", "config/keyring-2026", "static/keyring.copy/key"),
    *(
        "tranche.dump",
        "backup/tranche.dump",
        "execution/tranche.dump",
        "config/backup.sql",
        "static/db.sql.gz",
    ),
    *("tranche.backup", "execution/tranche.sqlite3", "dashboard/test.sqlite3-journal", "static/desk.db"),
    *(
        "tls/key.pem",
        "config/tls/key.pem",
        "config/server.key",
        "execution/var/secret_key",
        "static/people.txt",
    ),
    *("config/secret_key", "templates/people.txt", "execution/core/var/keyring", "execution/web.log"),
    *("uv.lock", "tests/test_house.py", "docs/index.md", "manage.py.bak", "config/settings.py.bak"),
    *("config/__pycache__/settings.cpython-311.pyc", "screenshots/order.png", "Dockerfile", ".dockerignore"),
)


@cache
def rules() -> list[tuple[bool, re.Pattern[str]]]:
    """Return the lines of ``.dockerignore`` as Docker reads them: whether they take back, and what they match."""
    lines = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    written = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return [(line.startswith("!"), pattern(line.removeprefix("!").strip("/"))) for line in written]


def pattern(text: str) -> re.Pattern[str]:
    """Compile one of Docker's patterns: ``**`` is any folders, ``*`` and ``?`` stay within a name, all from the
    root.
    """
    translated = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    return re.compile("".join(translated.get(part) or re.escape(part) for part in parts))


def is_copied(path: str) -> bool:
    """Return whether Docker takes this file. The last line that matches it, or a folder that it is in, decides."""
    names = [path, *(str(folder) for folder in PurePosixPath(path).parents if str(folder) != ".")]
    copied = True
    for takes_back, rule in rules():
        if any(rule.fullmatch(name) for name in names):
            copied = takes_back
    return copied


def context() -> Iterator[str]:
    """Yield the files of this checkout that Docker would copy, tracked or not."""
    for folder, folders, names in os.walk(REPOSITORY):
        here = Path(folder).relative_to(REPOSITORY)
        folders[:] = [name for name in folders if here.parts or name in PARTS]
        yield from (path for name in names if is_copied(path := (here / name).as_posix()))


@pytest.mark.parametrize(
    ("text", "path", "is_matched"),
    [
        ("*", "var", True),
        ("*", "var/keyring", False),
        ("**/var", "var", True),
        ("**/var", "a/b/var", True),
        ("**/var", "a/variable", False),
        ("**/.*", "a/.env", True),
        ("**/.*", ".git", True),
        ("**/*.sqlite3*", "a/b.sqlite3-wal", True),
        ("config", "config", True),
        ("config", "a/config", False),
        ("a?.py", "ab.py", True),
        ("a?.py", "a/.py", False),
    ],
)
def test_patterns_match_as_dockers_do(text: str, path: str, is_matched: bool) -> None:
    assert (pattern(text).fullmatch(path) is not None) == is_matched


def test_the_image_gets_what_is_tracked_of_the_program_and_nothing_else() -> None:
    tracked = [path.as_posix() for path in tracked_files()]
    program = {path for path in tracked if path.split("/")[0] in PARTS}
    assert {path for path in tracked if is_copied(path)} == program
    assert len(program) > 300


@pytest.mark.parametrize("path", SECRET)
def test_what_an_installation_keeps_stays_outside(path: str) -> None:
    assert not is_copied(path)


def test_what_lies_about_in_this_checkout_stays_outside() -> None:
    sources = {".py", ".html", ".css", ".js", ".svg", ".txt", ".toml"}  # written just now, not tracked yet
    tracked = {path.as_posix() for path in tracked_files()}
    assert [path for path in context() if path not in tracked and Path(path).suffix not in sources] == []


@pytest.mark.real_process
def test_every_process_starts_from_what_the_image_gets(tmp_path: Path) -> None:
    for path in context():
        target = tmp_path / "image" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / path, target)
    environment = desk_environment(
        TRANCHE_VAR=str(tmp_path / "var"), TRANCHE_KEYRING=str(tmp_path / "keyring")
    )
    imports = "import config.web, config.celery, execution.tasks, execution.engine, execution.paper.cli"
    for command in (["manage.py", "install"], ["-c", imports]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path / "image",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    assert (tmp_path / "keyring").exists()
