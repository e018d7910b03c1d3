"""Verbs on people and their roles."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from execution.core.numbers import grouped, plain
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused
from execution.models import Role, User
from execution.services.accounts.accounts import actor_of_admin
from execution.services.records.audit import audit_append

#: What an admin says of a person and the audit keeps, before and after. A password is said to have changed.
AUDITED = ("username", "role", "is_active", "sees_desk", "confirm_above", "first_name", "last_name", "email")
MAX_CONFIRM_ABOVE = 10**12


@transaction.atomic
def person_save(*, person: User, changed_by: User | None, now: datetime) -> User:
    """Keep a new or changed person; what the role allows in the admin's pages follows from the role.

    Raises ``Refused`` when no active admin would be left, or a limit is not above 0.
    """
    actor = actor_of_admin(changed_by)
    # The rows of all admins are one lock: two who demote each other meet here.
    admins = set(
        User.objects.select_for_update(no_key=True)
        .filter(role=Role.ADMIN, is_active=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    before = User.objects.filter(pk=person.pk).first() if person.pk else None
    if problems := person_problems(person, admins=admins):
        raise Refused(problems)
    person.is_staff = person.is_superuser = person.role == Role.ADMIN
    person.save()
    changes = _changes(before, person)
    if before is None or changes:
        audit_append(
            kind="person.changed" if before else "person.added",
            actor=actor,
            subject=person.username[:80],
            at=now,
            data=changes,
        )
    return person


@transaction.atomic
def password_changed(*, person: User, changed_by: User, now: datetime) -> None:
    """Note that an admin gave somebody another password."""
    audit_append(
        kind="person.password",
        actor=actor_of_admin(changed_by),
        subject=person.username[:80],
        at=now,
    )


def person_problems(person: User, *, admins: set[int] | None = None) -> list[Problem]:
    """Return why a person cannot be saved so; ``admins`` are the active ones, read here when they are not given."""
    if admins is None:
        admins = set(User.objects.filter(role=Role.ADMIN, is_active=True).values_list("pk", flat=True))
    problems = []
    stays = person.role == Role.ADMIN and person.is_active
    if person.pk in admins and not stays and len(admins) == 1:
        message = f"{person.username} is the last active admin. Make another admin first."
        name = "role" if person.role != Role.ADMIN else "is_active"
        problems.append(Problem(name, message, code=Code.LAST_ADMIN))
    limit = person.confirm_above
    if limit is not None and not 0 < limit <= MAX_CONFIRM_ABOVE:
        most = f"{MAX_CONFIRM_ABOVE:,}"
        message = f"Confirm above is {grouped(limit)}. It must be above 0 and at most {most}."
        code = Code.VALUE_OUT_OF_RANGE
        problems.append(Problem("confirm_above", message, limit, MAX_CONFIRM_ABOVE, code=code))
    return problems


def _changes(before: User | None, person: User) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name in AUDITED:
        old, new = getattr(before, name, None), getattr(person, name)
        if old != new:
            changes[name] = {"before": _text(old), "after": _text(new)}
    if before is not None and before.password != person.password:
        changes["login"] = "another password"
    return changes


def _text(value: object) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    return value if isinstance(value, bool | None) else str(value)
