"""How a person is named in the journals."""

from __future__ import annotations

from execution.models import User


def person_actor(person: User) -> str:
    """Name a person for the journal."""
    return f"{person.role}:{person.username}"
