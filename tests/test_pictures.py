"""The pictures of README.md and the tutorials: each that is shown is taken, in both themes, and no other is kept."""

from __future__ import annotations

import re
from pathlib import Path

from tests.checks import REPOSITORY
from tests.pictures import NAMES, THEMES

IMAGES = REPOSITORY / "docs" / "images"
PAGES = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs" / "tutorials").glob("*.md")))
_SHOWN = re.compile(r'(?:src|srcset)="([^"]+)"')
_PNG_SIZE = slice(16, 24)


def shown() -> dict[Path, Path]:
    """Return the pictures that pages show, and the page of each."""
    return {
        (page.parent / name).resolve(): page
        for page in PAGES
        for name in _SHOWN.findall(page.read_text(encoding="utf-8"))
    }


def test_every_picture_is_taken_by_the_command_and_shown_in_both_themes() -> None:
    taken = {IMAGES / f"{name}-{theme}.png" for name in NAMES for theme in THEMES}
    assert set(shown()) == taken
    assert set(IMAGES.iterdir()) == taken


def test_every_picture_is_wide_and_has_words_for_who_cannot_see_it() -> None:
    for picture, page in shown().items():
        head = picture.read_bytes()[_PNG_SIZE]
        assert int.from_bytes(head[:4], "big") == 1440, picture
        assert 150 < int.from_bytes(head[4:], "big") <= 900, picture
        text = page.read_text(encoding="utf-8")
        assert text.count('<img alt="') == text.count("<img")
