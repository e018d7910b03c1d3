"""Lists of names in words, and checks of texts from outside for formulas and invisible characters.

Invisible characters may reverse a line, colour a terminal or hide text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

#: Control characters, format characters (marks of direction, byte-order marks, joiners), line and paragraph ends,
#: and halves of surrogate pairs: the categories of Unicode.
UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


#: What a spreadsheet may take for the beginning of a formula, in its plain form (NFKC).
_FORMULA = ("=", "+", "-", "−", "@")
#: The number of first characters that are checked. It leaves room for spaces before a formula.
_BEGINNING = 80


def enumerated(names: Sequence[str]) -> str:
    """Return ``alpha``, ``alpha and beta``, ``alpha, beta and gamma``; empty for none."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def begins_formula(text: str) -> bool:
    """Return True if a spreadsheet may run the text.

    A formula is also found behind spaces, or with full-width signs.
    """
    return unicodedata.normalize("NFKC", text[:_BEGINNING]).lstrip().startswith(_FORMULA)


def is_unseen(character: str) -> bool:
    """Return True for an invisible character that may change how the text around it is shown."""
    return unicodedata.category(character) in UNSEEN


def first_unseen(text: str) -> str | None:
    """Return the first invisible character by code and name, such as ``U+202E RIGHT-TO-LEFT OVERRIDE``, or None."""
    if text.isprintable():
        return None
    found = next(filter(is_unseen, text), None)
    if found is None:
        return None
    return f"U+{ord(found):04X} {unicodedata.name(found, 'control character')}"


def visible(text: str, *, keep: str = "") -> str:
    r"""Return ``text`` with each invisible character as its escape, such as ``\u202e``, except those in ``keep``."""
    if text.isprintable():
        return text
    return "".join(
        character if character in keep or not is_unseen(character) else _escape(character)
        for character in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
