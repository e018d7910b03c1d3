"""The checks of user names that look alike and of passwords that are easy to guess."""

from __future__ import annotations

import re
from collections.abc import Iterable

from zxcvbn import zxcvbn

#: Letters of one alphabet: a Cyrillic а looks like a Latin a.
USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")
#: Characters of a name that the audit log keeps whole.
MAX_USER_NAME = 80
#: Characters and pairs that look alike, each with what it is read as. A pair may be made of look-alikes: c1 is read as
#: cl, and that as d.
LOOK_ALIKES = (("0", "o"), ("1", "l"), ("i", "l"), ("rn", "m"), ("vv", "w"), ("cl", "d"))
#: zxcvbn's score from 0 to 4. 3 stands for more than 10^8 guesses.
MIN_SCORE = 3
#: Characters that are judged. A longer password is no easier to guess, and judging takes longer with each.
JUDGED = 64
#: Words of the house, which a person who guesses here tries first.
HOUSE_WORDS = ("tranche", "trader", "supervisor", "execution", "desk")


def name_skeleton(name: str) -> str:
    """Return the form of ``name`` by which names are compared.

    If two names have the same form, people could mistake one for the other.
    """
    text = re.sub(r"[._@+-]", "", name.lower())
    before = ""
    while text != before:
        before = text
        for characters, read_as in LOOK_ALIKES:
            text = text.replace(characters, read_as)
    return text


def guess_problem(password: str, about: Iterable[str]) -> str:
    """Return why a password is easy to guess, or an empty text. ``about`` has the person's names and address."""
    known = [word for word in (*HOUSE_WORDS, *about) if word]
    found = zxcvbn(password[:JUDGED], user_inputs=known)
    if found["score"] >= MIN_SCORE:
        return ""
    why = str(found["feedback"]["warning"] or "Its parts are well known.")
    advice = "Take four words that do not belong together, or let a program draw it."
    return f"The password is easy to guess. {why} {advice}"
