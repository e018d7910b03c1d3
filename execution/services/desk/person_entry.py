"""The services by which the desk's pages add people, change them, and give them another password."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse_if
from execution.models import AccessRequest, User
from execution.services.accounts.accounts import actor_of_admin
from execution.services.desk.doors import password_reset_ask, person_save_ask
from execution.services.desk.people import person_found, person_problems

LABELS = {"role": "Role", "first_name": "First name", "last_name": "Last name", "email": "Mail address"}


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """The fields of a person that an admin writes."""

    username: str
    role: str
    sees_desk: bool
    confirm_above: Decimal | None
    first_name: str = ""
    last_name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that was typed twice."""

    text: str
    again: str


@transaction.atomic
def person_add(
    *, entry: PersonEntry, password: NewPassword, changed_by: User, now: datetime
) -> tuple[User, AccessRequest | None]:
    """Add a person. Return the person, and the request that somebody else has to confirm before the person may log in.

    The request is None if no confirmation is needed.
    """
    actor_of_admin(changed_by)
    person = User(**asdict(entry))
    refuse_if([*_entry_problems(person), *_password_problems(password, person)])
    person.set_password(password.text)
    return person, person_save_ask(person=person, changed_by=changed_by, now=now)


@transaction.atomic
def person_edit(
    *, public_id: str, entry: PersonEntry, changed_by: User, now: datetime
) -> AccessRequest | None:
    """Change a person to ``entry``. A change that gives more access becomes a request to a second person. Raises
    ``PersonNotFound``.
    """
    actor_of_admin(changed_by)
    person = person_found(public_id)
    for name, value in asdict(entry).items():
        setattr(person, name, value)
    refuse_if(_entry_problems(person))
    return person_save_ask(person=person, changed_by=changed_by, now=now)


def person_password(
    *, public_id: str, password: NewPassword, changed_by: User, now: datetime
) -> AccessRequest | None:
    """Give a person another password, or return the request that a second person has to confirm first. Raises
    ``PersonNotFound``.
    """
    actor_of_admin(changed_by)
    person = person_found(public_id)
    refuse_if(_password_problems(password, person))
    return password_reset_ask(person=person, changed_by=changed_by, password=password.text, now=now)


def _entry_problems(person: User) -> list[Problem]:
    """Return the problems with the fields of an entry. The rules for names are checked when the person is saved."""
    found = person_problems(person)
    known = {problem.field for problem in found}
    try:
        person.clean_fields(exclude={"username", "password", "confirm_above"})
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            message = f"{LABELS.get(name, name)} is {str(getattr(person, name))!r}: {' '.join(messages)}"
            if name not in known:
                found.append(Problem(name, message, getattr(person, name), code=Code.VALUE_MALFORMED))
    return found


def _password_problems(password: NewPassword, person: User) -> list[Problem]:
    if not password.text:
        return [Problem("password", "The password is missing.", code=Code.VALUE_MISSING)]
    if password.text != password.again:
        message = "The two passwords differ. Type the same one twice."
        return [Problem("password_again", message, code=Code.VALUE_NOT_ALLOWED)]
    try:
        validate_password(password.text, person)
    except ValidationError as error:
        return [Problem("password", message, code=Code.VALUE_NOT_ALLOWED) for message in error.messages]
    return []
