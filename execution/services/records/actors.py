"""The names of people as journals store them, and the check that a person is still active."""

from __future__ import annotations

from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.models import User


def person_actor(person: User) -> str:
    """Return a person's name for the journal."""
    return f"{person.role}:{person.username}"


def refuse_if_inactive(person: User) -> None:
    """Raise ``Refused`` if the person has been made inactive, perhaps while this request was running.

    Making a person inactive pauses all of their orders. So the request must not start or resume another one.
    """
    if not person.is_active:
        message = f"{person.username} is not active any more. Nothing was sent."
        refuse("", message, person.username, code=Code.PERSON_INACTIVE)
