"""The parsing of the forms about a person: the one with names and rights, and the one with a new password."""

from __future__ import annotations

from collections.abc import Mapping

from execution.core.numbers import without_grouping
from execution.core.problems import checked_number
from execution.services.desk.person_entry import NewPassword, PersonEntry


def posted_person(posted: Mapping[str, str]) -> PersonEntry:
    """Return the person as written. Raises ``Refused`` if *confirm above* is given and is not a number above zero."""
    limit = without_grouping(posted.get("confirm_above", "").strip())
    return PersonEntry(
        username=posted.get("username", "").strip(),
        role=posted.get("role", ""),
        sees_desk=posted.get("sees_desk", "") == "yes",
        confirm_above=checked_number("confirm_above", "Confirm above", limit) if limit else None,
        first_name=posted.get("first_name", "").strip(),
        last_name=posted.get("last_name", "").strip(),
        email=posted.get("email", "").strip(),
    )


def posted_password(posted: Mapping[str, str]) -> NewPassword:
    """Return the password and its repetition as typed, spaces included."""
    return NewPassword(posted.get("password", ""), posted.get("password_again", ""))


#: Names of fields whose text is never shown in a form again.
SECRET_FIELDS = ("password", "password_again")
