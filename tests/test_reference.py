"""The reference pages define what the repository speaks of: invariants by their codes, and the desk's words."""

from __future__ import annotations

import re

import pytest

from tests.checks import REPOSITORY
from tests.test_house import text_of, tracked_files

pytestmark = pytest.mark.usefixtures("git_path")

REFERENCE = REPOSITORY / "docs" / "reference"
_CODE = re.compile(r"\bI(?:1[0-9]|[1-9])\b")
_ROW = re.compile(r"^\| ([^|]+) \|", re.MULTILINE)
#: Words that mean something of their own here. Whoever uses one finds it in the glossary.
HOUSE_WORDS = (
    *(
        "absent",
        "blotter",
        "chaos",
        "collar",
        "doorbell",
        "driver",
        "fact",
        "fence",
        "flat",
        "gate",
        "journal",
    ),
    *(
        "keyring",
        "lease",
        "mark",
        "mutant",
        "orphan",
        "reported",
        "seal",
        "session",
        "settled",
        "slice",
        "sweep",
        "tape",
    ),
    *("ticket", "time to flat", "touch", "urgency", "wall"),
)


def rows_of(page: str) -> list[str]:
    return [
        cell
        for cell in _ROW.findall((REFERENCE / page).read_text(encoding="utf-8"))
        if cell not in ("code", "word", "---")
    ]


def texts() -> dict[str, str]:
    """Return all tracked texts but the reference itself, by path."""
    here = {"docs/reference/invariants.md", "docs/reference/glossary.md", "tests/test_reference.py"}
    return {
        str(path): text
        for path in tracked_files()
        if str(path) not in here
        and path.suffix in {".py", ".md", ".html", ".js"}
        and (text := text_of(path)) is not None
    }


def glossary_words() -> set[str]:
    words = set()
    for row in rows_of("glossary.md"):
        words |= {word.strip() for word in re.sub(r"\(.*?\)", "", row).split(",")}
    return words


def test_every_invariant_that_is_cited_is_defined_and_every_one_defined_is_cited() -> None:
    defined = set(rows_of("invariants.md"))
    cited = {code for text in texts().values() for code in _CODE.findall(text)}
    assert defined == {f"I{number}" for number in range(1, 20)}
    assert cited == defined


def test_the_words_of_the_house_are_in_the_glossary() -> None:
    assert set(HOUSE_WORDS) - glossary_words() == set()


def test_the_glossary_defines_nothing_that_nobody_says() -> None:
    everything = "\n".join(texts().values()).lower().replace("_", " ")
    assert {word for word in glossary_words() if word.lower() not in everything} == set()


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    words = [word.lower() for word in rows_of("glossary.md")]
    assert words == sorted(words)


def test_words_that_the_glossary_refers_to_are_in_it() -> None:
    text = (REFERENCE / "glossary.md").read_text(encoding="utf-8")
    referred = set(re.findall(r"(?<!\*)\*([a-z ]+)\*(?!\*)", text))
    assert referred - glossary_words() == set()


_CITED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_the_page_of_security_has_every_code_once_and_cites_tests_that_there_are() -> None:
    text = (REFERENCE / "security.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if re.match(r"\| S\d+ \|", line)]
    assert [row[0] for row in rows] == [f"S{number}" for number in range(1, 39)]
    for row in rows:
        state, proof = row[2], row[-1]
        assert state in {"holds", "part", "no"}, row[0]
        assert bool(_CITED.search(proof)) == (state in {"holds", "part"}), row[0]
        assert ("Missing: " in proof) == (state == "part"), row[0]
    cited = _CITED.findall(text)
    assert len(cited) > 50
    for path, name in cited:
        file = REPOSITORY / path
        assert file.is_file(), path
        assert not name or f"def {name}(" in file.read_text(encoding="utf-8"), f"{path}::{name}"
