"""The documents hang together: every link and anchor exists, and every page is reached from the first one."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.checks import REPOSITORY
from tests.test_house import text_of, tracked_files

pytestmark = pytest.mark.usefixtures("git_path")

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE_SPAN = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
_NAMED = re.compile(r"(?<![\w/.-])docs/[\w./-]+\.(?:md|yaml|conf|png|json|service)\b")


def pages() -> dict[str, str]:
    """Return the text of every tracked page in Markdown, by path."""
    return {str(path): text_of(path) or "" for path in tracked_files() if path.suffix == ".md"}


def links_of(text: str) -> list[str]:
    """Return the targets of a page's links within the repository."""
    prose = _CODE_SPAN.sub("", _FENCE.sub("", text))
    return [target for target in _LINK.findall(prose) if "://" not in target and "mailto:" not in target]


def anchors_of(text: str) -> set[str]:
    """Return the anchors that GitHub gives a page's headings; the second of a name ends in -1."""
    anchors: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = base = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number = 0
        while anchor in anchors:
            number += 1
            anchor = f"{base}-{number}"
        anchors.add(anchor)
    return anchors


def target_of(page: str, link: str) -> tuple[str, str]:
    """Return the path that a link leads to, from the repository's root, and its anchor."""
    path, _, anchor = link.partition("#")
    return (os.path.normpath(Path(page).parent / path) if path else page), anchor


def broken(page: str, link: str, texts: dict[str, str]) -> bool:
    path, anchor = target_of(page, link)
    if not (REPOSITORY / path).exists():
        return True
    return bool(anchor) and anchor not in anchors_of(texts.get(path, ""))


def test_every_link_and_anchor_in_the_documents_exists() -> None:
    texts = pages()
    found = [(page, link) for page, text in texts.items() for link in links_of(text)]
    assert len(found) > 150
    assert [f"{page}: {link}" for page, link in found if broken(page, link, texts)] == []


def test_every_document_that_code_and_texts_name_exists() -> None:
    named = {
        (str(path), name)
        for path in tracked_files()
        for name in _NAMED.findall(text_of(path) or "")
        if not str(path).startswith("tests/test_do")
    }
    assert len(named) > 50
    assert {(path, name) for path, name in named if not (REPOSITORY / name).is_file()} == set()


def test_every_page_is_reached_from_the_first_one() -> None:
    texts = pages()
    reached, waiting = set[str](), {"docs/index.md"}
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = {target_of(page, link)[0] for link in links_of(texts[page])}
        waiting |= {path for path in targets if path in texts} - reached
    assert {page for page in texts if page.startswith("docs/")} - reached == set()


def test_a_missing_page_and_a_missing_anchor_are_found() -> None:
    texts = {
        "docs/a.md": "# A page\n",
        "docs/index.md": "```\n# No heading\n```\n## A part: *one*\n## A part: one\n",
    }
    assert broken("docs/index.md", "nowhere.md", texts)
    assert broken("docs/index.md", "#no-heading", texts)
    assert broken("docs/index.md", "../README.md#nowhere", texts)
    assert not broken("docs/index.md", "#a-part-one", texts)
    assert not broken("docs/index.md", "#a-part-one-1", texts)
    assert links_of("`[x](y.md)` [a](b.md#c) [w](https://example.org)") == ["b.md#c"]


def test_every_decision_has_its_number_its_parts_and_one_page() -> None:
    records = sorted((path, text) for path, text in pages().items() if path.startswith("docs/adr/"))
    assert [Path(path).name[:4] for path, _ in records] == [f"{n:04}" for n in range(1, len(records) + 1)]
    for path, text in records:
        assert text.startswith(f"# {int(Path(path).name[:4])}. "), path
        headings = _HEADING.findall(text)
        assert [*headings[1:4], headings[-1]] == [
            "Context",
            "Decision",
            "What was tried",
            "What it costs",
        ], path
        assert len(text.splitlines()) <= 60, path
