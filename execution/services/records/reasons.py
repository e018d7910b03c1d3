"""The check of the reason that a person gives for an action. It is stored whole, or the action is refused."""

from __future__ import annotations

from execution.core.problems import Refused, length_problem

MAX_REASON_LENGTH = 500


def kept_reason(reason: str) -> str:
    """Return the reason without spaces around it; raises ``Refused`` for none, and for one that is too long."""
    return _bounded("reason", "The reason", reason, 1)


def optional_reason(reason: str) -> str:
    """Return the reason without spaces around it, or ""; raises ``Refused`` for one that is too long."""
    return _bounded("reason", "The reason", reason, 0)


def optional_note(note: str) -> str:
    """Return the note without spaces around it, or ""; raises ``Refused`` for one that is too long."""
    return _bounded("note", "The note", note, 0)


def _bounded(field: str, label: str, text: str, least: int) -> str:
    text = text.strip()
    if not least <= len(text) <= MAX_REASON_LENGTH:
        raise Refused([length_problem(field, label, text, MAX_REASON_LENGTH, least)])
    return text
