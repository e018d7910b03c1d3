"""The rules of the house, each a test: whoever breaks one sees what and where."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.checks import REPOSITORY

pytestmark = pytest.mark.usefixtures("git_path")

TOP_LEVEL = {
    *("manage.py", "pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("LICENSE", "SECURITY.md", "mkdocs.yml"),
    *(".ci", ".dockerignore", ".gitignore", ".env.example", ".pre-commit-config.yaml", ".oxlintrc.json"),
    *("config", "execution", "dashboard", "templates", "static", "tests", "docs"),
}
#: A lock file carries a registry's address on every line.
FORBIDDEN_NAMES = {"uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock", ".env"}
#: Hosts of package registries, in two pieces each: this file is searched as well.
REGISTRIES = tuple(
    ".".join(pieces)
    for pieces in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("unpkg", "com"),
        ("jsdelivr", "net"),
        ("cdnjs", "cloudflare", "com"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
        ("rubygems", "org"),
    ]
)
MAX_FILE = 400


def tracked_files() -> list[Path]:
    """Return the existing files that git tracks, relative to the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    paths = [Path(name) for name in listed.stdout.split("\0") if name]
    assert paths, "git tracks nothing here"
    return [path for path in paths if (REPOSITORY / path).is_file()]


def text_of(path: Path) -> str | None:
    """Return the text of a tracked file; None when it is not text."""
    content = (REPOSITORY / path).read_bytes()
    return None if b"\0" in content else content.decode()


def test_only_known_names_stand_at_the_top() -> None:
    assert {path.parts[0] for path in tracked_files()} <= TOP_LEVEL


def test_no_lock_file_or_secret_is_tracked() -> None:
    assert [str(path) for path in tracked_files() if path.name in FORBIDDEN_NAMES] == []


def test_no_file_names_a_package_registry() -> None:
    found = [
        f"{path}: {registry}"
        for path in tracked_files()
        if (text := text_of(path)) is not None
        for registry in REGISTRIES
        if registry in text.lower()
    ]
    assert found == []


def test_no_file_has_the_marks_of_a_merge_that_nobody_finished() -> None:
    marks = ("<" * 7 + " ", ">" * 7 + " ")
    found = [
        f"{path}:{number}"
        for path in tracked_files()
        for number, line in enumerate((text_of(path) or "").splitlines(), 1)
        if line.startswith(marks)
    ]
    assert found == []


def test_python_files_stay_readable() -> None:
    lengths = {
        str(path): len((text_of(path) or "").splitlines())
        for path in tracked_files()
        if path.suffix == ".py" and "migrations" not in path.parts
    }
    assert {path: length for path, length in lengths.items() if length > MAX_FILE} == {}


def test_the_changelog_has_something_to_say() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## Unreleased" in changelog
    assert "\n- " in changelog


def test_the_test_command_of_ci_is_the_one_of_the_readme() -> None:
    script = REPOSITORY / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert os.access(REPOSITORY / ".ci" / "check", os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert "uv run pytest" in text
    assert "apt" not in text, "what the tests need they install themselves"
    assert "uv run pytest" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_what_is_typed_on_an_empty_machine_stands_in_the_readme() -> None:
    script = REPOSITORY / ".ci" / "fresh"
    assert os.access(script, os.X_OK)
    typed = re.findall(r"^[A-Z_]+='(.*\buv\b.*)'$", script.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(typed) == 5
    assert set(typed) <= set((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines())


def test_the_licence_is_whole_and_said_where_people_and_tools_look() -> None:
    text = (REPOSITORY / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "Copyright the Tranche authors" in text
    assert "[yyyy]" not in text
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "(LICENSE)" in readme
    assert "(SECURITY.md)" in readme


def test_every_variable_that_the_settings_read_is_in_the_example() -> None:
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    settings = (REPOSITORY / "config" / "settings.py").read_text(encoding="utf-8")
    names = {piece.split('"')[1] for piece in settings.split("env.")[1:] if piece[:12].count('("')}
    names |= {"TRANCHE_VAR", "REDIS_URL"}  # config/environment.py
    assert {name for name in names if name not in example} == set()


#: D401 asks functions for a verb, and knows only some of the words that are none.
QUESTIONS = ("What", "Where", "Who", "Whose", "Which", "When", "How", "Why", "Whether")


def test_no_docstring_begins_with_a_question_word() -> None:
    found = [
        f"{path}: {docstring.splitlines()[0]}"
        for path in tracked_files()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(text_of(path) or ""))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if (docstring := ast.get_docstring(node) or "").split(" ")[0] in QUESTIONS
    ]
    assert found == []


@pytest.mark.real_process
@pytest.mark.parametrize(
    "folder", sorted(path.parent.name for path in (REPOSITORY / "tests").glob("*/conftest.py"))
)
def test_a_folder_with_a_conftest_of_its_own_is_collected_alone(folder: str) -> None:
    """pytest reads the conftest of a named folder before Django is set up."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", f"tests/{folder}"]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    run = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
