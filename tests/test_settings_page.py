"""docs/reference/settings.md has every environment variable of the code, with its default, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.checks import REPOSITORY
from tests.test_house import tracked_files

pytestmark = pytest.mark.usefixtures("git_path")

PAGE = REPOSITORY / "docs" / "reference" / "settings.md"
#: A row's variable, and its default where the table has that column.
_ROW = re.compile(r"^\| `([A-Z_]+)` \| ([^|]+) \|", re.MULTILINE)
_OURS = re.compile(r"(TRANCHE|DJANGO)_[A-Z_]*[A-Z]")
#: A reader of the environment: os.environ's and django-environ's.
_READER = re.compile(r"^env\.\w+$|environ\.(get|pop|setdefault)$|getenv$")
#: Set for a client that is not the desk's, or by pytest-xdist for its processes, or read to start uv.
_OF_OTHERS = frozenset({"NO_PROXY", "PATH", "PYTEST_XDIST_WORKER"})


def text_of_constant(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def read_in(tree: ast.AST) -> Iterator[str]:
    """Yield the variables that a module reads or writes in the process environment."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _READER.search(ast.unparse(node.func)):
            yield text_of_constant(node.args[0])
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ"):
            yield text_of_constant(node.slice)
        elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[-1]).endswith("environ"):
            yield text_of_constant(node.left)


def named_in(tree: ast.AST) -> Iterator[str]:
    """Yield texts that name a variable of ours, such as one in a table of variables."""
    for node in ast.walk(tree):
        if _OURS.fullmatch(text_of_constant(node)):
            yield text_of_constant(node)


def variables_of_the_code() -> set[str]:
    names = set[str]()
    for path in tracked_files():
        if path.suffix == ".py" and "migrations" not in path.parts:
            tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
            names.update(read_in(tree))
            if path.parts[0] != "tests":
                names.update(named_in(tree))
    return {name for name in names if name} - _OF_OTHERS


def literal_defaults() -> dict[str, object]:
    """Return the defaults that config/settings.py writes as numbers, words, truths and lists."""
    found: dict[str, object] = {}
    for node in ast.walk(ast.parse((REPOSITORY / "config" / "settings.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func).startswith("env."):
            for keyword in node.keywords:
                if keyword.arg == "default" and isinstance(keyword.value, ast.Constant | ast.List):
                    found[text_of_constant(node.args[0])] = ast.literal_eval(keyword.value)
    return found


def shown(default: object) -> str:
    """Return a default as the page shows it."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, list):
        return f"`{','.join(default)}`" if default else "none"
    return str(default) if isinstance(default, int) else f"`{default}`"


def rows() -> dict[str, str]:
    return {name: default.strip() for name, default in _ROW.findall(PAGE.read_text(encoding="utf-8"))}


def test_the_page_has_every_variable_of_the_code_and_no_other() -> None:
    assert set(rows()) == variables_of_the_code()


def test_the_page_has_the_defaults_of_the_settings() -> None:
    written = rows()
    wrong = {
        name: (written[name], shown(default))
        for name, default in literal_defaults().items()
        if default not in (None, "") and not written[name].startswith(shown(default))
        if not (default == [] and written[name].startswith("none"))
    }
    assert len(literal_defaults()) > 20
    assert wrong == {}


def test_each_way_to_read_a_variable_is_found() -> None:
    code = """
import os
env.int("A", default=1); os.environ.get("B"); os.environ["C"]; "D" in os.environ; os.getenv("E"); names["F"]
os.environ.pop("G", ""); PARTS = ("TRANCHE_H", "TRANCHE_API_")
"""
    assert sorted(name for name in read_in(ast.parse(code)) if name) == ["A", "B", "C", "D", "E", "G"]
    assert list(named_in(ast.parse(code))) == ["TRANCHE_H"]


def test_no_variable_stands_twice_on_the_page() -> None:
    names = [name for name, _ in _ROW.findall(PAGE.read_text(encoding="utf-8"))]
    assert sorted(names) == sorted(set(names))
