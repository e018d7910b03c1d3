"""The documents keep to one idea a sentence: short sentences, and few that a colon or semicolon joins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from tests.checks import REPOSITORY

MEDIAN, LONG, JOINED = 13, 26, 0.25  # words, words of the longest tenth, share of the sentences


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs and list items of a Markdown text, without code, headings, tables and HTML."""
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = ["" if line.strip()[:1] in {"#", "|", "<"} else line.strip() for line in prose.splitlines()]
    for part in re.split(r"\n{2,}|\n(?=(?:[-*+]|\d+\.) )", "\n".join(lines)):
        yield re.sub(r"^(?:[-*+]|\d+\.) ", "", part.strip()).replace("\n", " ")


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of two words and more. A link counts as its words, a piece of code as one."""
    for paragraph in paragraphs(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"`[^`]*`", "CODE", paragraph))
        yield from (each for each in re.split(r"(?<=[.!?])\s+", plain) if len(each.split()) > 1)


def test_the_parts_of_a_text() -> None:
    text = "# Title here\n\nOne `a b`; two.\nThree [four five](six).\n\n```\nno text here.\n```\n"
    text += "- an item: yes\n- one more\n| a | b |\n"
    assert list(sentences(text)) == ["One CODE; two.", "Three four five.", "an item: yes", "one more"]


def test_sentences_are_short_and_say_one_thing() -> None:
    pages = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
    found = [each for page in pages for each in sentences(Path(page).read_text())]
    words = [len(each.split()) for each in found]
    joined = sum(1 for each in found if re.search(r"[;:](\s|$)", each)) / len(found)
    print(f"{len(found)} sentences, median {median(words)} words, {joined:.1%} with a colon or semicolon")
    assert median(words) <= MEDIAN
    assert quantiles(words, n=10)[-1] <= LONG
    assert joined < JOINED
