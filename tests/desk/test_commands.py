"""The commands of the tutorials and how-to guides, as they stand there, against the real desk."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import load_command_class
from django.core.management.base import BaseCommand

from tests.checks import REPOSITORY
from tests.desk.running import RunningDesk, desk_environment
from tests.desk.visitor import Visitor

FOLDERS = (REPOSITORY / "docs" / "tutorials", REPOSITORY / "docs" / "how-to")
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"manage\.py (\w+)((?:[^\n]|\\\n)*)")
OPTION = re.compile(r"(?<![\w-])--[a-z-]+")
#: sh is executed here, and bash, which needs root and a machine, by tests/postgresql/test_deployment.py. The others
#: are read. ``text`` has forms of commands, with names in capitals.
LANGUAGES = {"sh", "bash", "text", "python", "json", "yaml", "http"}
#: An account of the paper exchange that no desk begins with.
KEY, SECRET = "second-key", "second-secret"


def blocks() -> list[tuple[str, str, str]]:
    """Return every block of the guides: the page, the language and the text."""
    pages = [page for folder in FOLDERS for page in sorted(folder.glob("*.md"))]
    return [
        (page.stem, *found) for page in pages for found in BLOCK.findall(page.read_text(encoding="utf-8"))
    ]


def scripts() -> dict[str, str]:
    """Return the blocks to execute, by page: those of a page share a shell."""
    found: dict[str, list[str]] = {}
    for page, language, text in blocks():
        if language == "sh":
            found.setdefault(page, []).append(text)
    return {page: "\n".join(texts) for page, texts in found.items()}


def execute(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in the repository's folder, as its reader does, without a look at the dependencies."""
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv, "uv is needed to run the tests: pip install uv"
    path = os.pathsep.join((str(Path(uv).parent), os.environ["PATH"]))
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=REPOSITORY,
        env=desk_environment(UV_NO_SYNC="1", PATH=path, **variables),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def register(desk: RunningDesk) -> None:
    """Give the paper exchange another account. It reads the file again when the key comes."""
    file = desk.var / "paper" / "alpha" / "accounts.json"
    entries = json.loads(file.read_text())
    file.write_text(json.dumps([*entries, {"key": KEY, "secret": SECRET, "balances": {"USDT": "1000"}}]))


def close(desk: RunningDesk, label: str) -> None:
    """Close the account that a guide has added."""
    admin = Visitor(desk, "admin")
    page = admin.get("/accounts/")
    found = re.search(rf'href="/accounts/([0-9a-z]+)/">{label}<', page)
    assert found is not None
    admin.post(f"/accounts/{found[1]}/close/", {"reason": "of a test"}, page)


@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("curl_path")
def test_the_commands_of_the_guides_do_what_the_guides_say(desk: RunningDesk, tmp_path: Path) -> None:
    register(desk)
    order = Visitor(desk, "trader").launch(quantity="0.05")
    given = {
        "keys": {"TRANCHE_API_KEY": KEY, "TRANCHE_API_SECRET": SECRET},
        "monitoring": {"ORDER": order},
        "recording": {"FOLDER": str(tmp_path / "recording")},
        "api": {"DESK": desk.url},
    }
    assert given.keys() == scripts().keys()
    # At the same time, because a recording only waits.
    with ThreadPoolExecutor(len(given)) as threads:
        running = {
            page: threads.submit(execute, scripts()[page], TRANCHE_VAR=str(desk.var), **variables)
            for page, variables in given.items()
        }
        done = {page: future.result() for page, future in running.items()}
    close(desk, "second")
    for page, each in done.items():
        assert each.returncode == 0, f"{page}: {each.stdout}{each.stderr}"
    assert re.search(r"second +alpha +binance +paper .* active", done["keys"].stdout)
    assert f"{order} buy 0.05 BTC/USDT" in done["monitoring"].stdout
    assert "books and" in done["recording"].stdout
    assert re.search(r"BTC/USDT .*\d", done["recording"].stdout)
    assert "paper exchange ready on" in done["recording"].stdout
    assert re.search(r"order [a-z0-9]+$", done["api"].stdout, re.MULTILINE)
    assert '"status": "closing"' in done["api"].stdout or '"status": "cancelled"' in done["api"].stdout


def test_every_block_of_the_guides_has_a_language() -> None:
    assert {(page, language) for page, language, _ in blocks() if language not in LANGUAGES} == set()
    assert {language for _, language, _ in blocks()} == LANGUAGES


def command_of(name: str) -> BaseCommand:
    return load_command_class("execution", name)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        found
        for _, language, text in blocks()
        if language in {"sh", "text"}
        for found in COMMAND.findall(text)
    ],
)
def test_every_command_of_the_guides_exists_with_its_options(name: str, given: str) -> None:
    parser: Any = command_of(name).create_parser("manage.py", name)
    known = set(parser.format_help().split())
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            known.update(word for verb in action.choices.values() for word in verb.format_help().split())
    words = {re.sub(r"[\[\],]", "", word) for word in known}
    assert {option for option in OPTION.findall(given) if option not in words} == set()


def test_the_tutorial_starts_the_desk_as_the_readme_does() -> None:
    typed = [text for page, _, text in blocks() if page == "first-order"]
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "manage.py desk" in typed[0]
    assert [text for text in typed if f"```\n{text}```" not in readme] == []
