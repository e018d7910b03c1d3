"""The check of the reason that a person gives for an action. A reason that is too long is refused, never cut."""

from __future__ import annotations

from execution.core.problems import Refused, length_problem

MAX_REASON_LENGTH = 500


def kept_reason(reason: str) -> str:
    """Return the reason without spaces around it. Raise ``Refused`` if it is empty or too long."""
    return _bounded("reason", "The reason", reason, 1)


def optional_reason(reason: str) -> str:
    """Return the reason without spaces around it, or "". Raise ``Refused`` if it is too long."""
    return _bounded("reason", "The reason", reason, 0)


def optional_note(note: str) -> str:
    """Return the note without spaces around it, or "". Raise ``Refused`` if it is too long."""
    return _bounded("note", "The note", note, 0)


def _bounded(field: str, label: str, text: str, least: int) -> str:
    text = text.strip()
    if not least <= len(text) <= MAX_REASON_LENGTH:
        raise Refused([length_problem(field, label, text, MAX_REASON_LENGTH, least)])
    return text
