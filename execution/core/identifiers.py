"""Ids: short random public ones, and client ids computed from installation, parent and sequence."""

from __future__ import annotations

import string
from collections.abc import Callable

ALPHABET = string.digits + string.ascii_lowercase
PREFIX = "q"
MARK_LENGTH = 4
PUBLIC_ID_LENGTH = 8
SEQUENCE_LENGTH = 4
CLIENT_ID_LENGTH = len(PREFIX) + MARK_LENGTH + PUBLIC_ID_LENGTH + SEQUENCE_LENGTH
MAX_SEQUENCE = len(ALPHABET) ** SEQUENCE_LENGTH - 1
#: The key of a request's id in its ``META``. No client can set it: headers get keys that begin with ``HTTP_``.
REQUEST_ID = "tranche.request_id"


def random_id(length: int, choice: Callable[[str], str]) -> str:
    """Draw ``length`` lower-case letters and digits with ``choice``, which is ``secrets.choice`` outside of tests."""
    return "".join(choice(ALPHABET) for _ in range(length))


def base36(number: int, width: int) -> str:
    """Write ``number`` in base 36, padded with zeros to ``width``; raises ``ValueError`` when it does not fit."""
    if number < 0:
        raise ValueError(f"{number} is negative; base 36 takes 0 and up")
    digits = ""
    rest = number
    while rest:
        rest, digit = divmod(rest, 36)
        digits = ALPHABET[digit] + digits
    if len(digits) > width:
        raise ValueError(f"{number} does not fit in {width} base-36 digits (at most {36**width - 1})")
    return digits.rjust(width, "0")


def client_id(mark: str, parent_id: str, sequence: int) -> str:
    """Return ``q`` + installation mark + parent's public id + sequence: 17 characters, which all exchanges accept."""
    if len(mark) != MARK_LENGTH or len(parent_id) != PUBLIC_ID_LENGTH:
        raise ValueError(f"mark {mark!r} and parent {parent_id!r} must have 4 and 8 characters")
    return f"{PREFIX}{mark}{parent_id}{base36(sequence, SEQUENCE_LENGTH)}"


def has_our_mark(identifier: str | None, marks: frozenset[str]) -> bool:
    """Return True if a client id is from this installation. ``marks`` are all marks that the installation ever had."""
    if identifier is None or len(identifier) != CLIENT_ID_LENGTH or not identifier.startswith(PREFIX):
        return False
    return identifier[1 : 1 + MARK_LENGTH] in marks


def parent_and_sequence(identifier: str | None) -> tuple[str, int] | None:
    """Return the parent's public id and the child's number from one of our client ids; None for any other id."""
    if identifier is None or len(identifier) != CLIENT_ID_LENGTH or not identifier.startswith(PREFIX):
        return None
    parent_at = len(PREFIX) + MARK_LENGTH
    sequence = identifier[parent_at + PUBLIC_ID_LENGTH :]
    if any(letter not in ALPHABET for letter in sequence):
        return None
    return identifier[parent_at : parent_at + PUBLIC_ID_LENGTH], int(sequence, 36)
