"""The services for people and their roles."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from execution.core.journal import actor_name
from execution.core.names import MAX_USER_NAME, USER_NAME, name_skeleton
from execution.core.numbers import grouped, plain, shortened
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, length_problem, refuse
from execution.core.states import ORDER_FINAL
from execution.models import Order, Role, User
from execution.services.accounts.accounts import actor_of_admin
from execution.services.children.children import resting_cancel
from execution.services.desk.four_eyes import COUNTS_FOR, SECOND_ROLES, requests_withdraw
from execution.services.desk.passwords import access_end
from execution.services.records.audit import audit_append
from execution.services.records.locking import order_locked
from execution.services.records.order_transition import pause_for_person
from execution.services.records.reasons import kept_reason, optional_reason

#: The fields of a person that the audit records before and after a change. Of a password it records only that it
#: changed.
AUDITED = ("username", "role", "is_active", "sees_desk", "confirm_above", "first_name", "last_name", "email")
MAX_CONFIRM_ABOVE = 10**12


class PersonNotFound(Exception):
    """There is no such person."""


@transaction.atomic
def person_save(*, person: User, changed_by: User | None, now: datetime, reason: str = "") -> User:
    """Save a new or changed person. The person's rights in the admin's pages follow from the role.

    1. Lock the person and all admins. If two admins demote each other, one waits for this lock. So does an order that
       the person submits at this moment.
    2. Pause the orders of a person who may not trade any more, and cancel their resting children.
    3. Record in the audit the changes and the stopped orders.

    Raises ``Refused`` when no active admin would be left, or a limit is not above 0.
    """
    actor = actor_of_admin(changed_by)
    locked = people_locked(person.pk)
    before = locked.get(person.pk) if person.pk else None
    admins = {pk for pk, found in locked.items() if found.role == Role.ADMIN and found.is_active}
    if problems := [*person_problems(person, admins=admins), *_name_problems(before, person)]:
        raise Refused(problems)
    person.is_staff = person.is_superuser = person.role == Role.ADMIN
    person.counts_until = _counts_until(before, person, now)
    person.save()
    stopped = _stopped(before, person, actor, reason, now)
    if before is not None and before.role != person.role:
        access_end(person=person, actor=actor, reason=f"the role became {person.role}", now=now)
    elif before is not None and before.is_active and not person.is_active:
        access_end(person=person, actor=actor, reason="the person was made inactive", now=now)
    changes = _changes(before, person)
    if before is None or changes:
        audit_append(
            kind="person.changed" if before else "person.added",
            actor=actor,
            subject=person.username[:80],
            reason=reason,
            at=now,
            data={**changes, **stopped},
        )
    return person


@transaction.atomic
def person_disable(*, public_id: str, changed_by: User | None, reason: str, now: datetime) -> User:
    """Make a person inactive. The person's sessions end at once, their orders pause and resting children are
    cancelled.

    A second time changes nothing. Raises ``PersonNotFound``, and ``Refused`` without a reason or for the last admin.
    """
    reason = kept_reason(reason)
    person = person_locked(public_id)
    if changed_by is not None and person.pk == changed_by.pk:
        message = "You cannot make yourself inactive. Another admin can."
        refuse("", message, person.username, code=Code.ACCESS_OWN)
    if person.is_active:
        person.is_active = False
        person_save(person=person, changed_by=changed_by, now=now, reason=reason)
    return person


@transaction.atomic
def person_logout(*, public_id: str, changed_by: User | None, reason: str, now: datetime) -> User:
    """End all sessions and tokens of a person. Raises ``PersonNotFound``."""
    reason, actor = optional_reason(reason), actor_of_admin(changed_by)
    person = person_locked(public_id)
    access_end(person=person, actor=actor, reason=reason, now=now)
    return person


@transaction.atomic
def password_changed(*, person: User, changed_by: User, now: datetime) -> None:
    """Record in the audit that an admin gave somebody another password."""
    audit_append(
        kind="person.password",
        actor=actor_of_admin(changed_by),
        subject=person.username[:80],
        at=now,
    )


def person_problems(person: User, *, admins: set[int] | None = None) -> list[Problem]:
    """Return the problems with saving a person.

    ``admins`` are the primary keys of the active admins. With None, the function reads them from the database.
    """
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


def _name_problems(before: User | None, person: User) -> list[Problem]:
    """Return problems with a new name: letters of other alphabets, or a name that looks like another person's."""
    if before is not None and before.username == person.username:
        return []
    shown = shortened(person.username)
    if not USER_NAME.fullmatch(person.username):
        message = f"The name {shown!r} must begin with a letter or digit, and may have A to Z, digits and . _ @ + -."
        return [Problem("username", message, person.username, code=Code.VALUE_MALFORMED)]
    if len(person.username) > MAX_USER_NAME:
        return [length_problem("username", "The name", person.username, MAX_USER_NAME)]
    skeleton = name_skeleton(person.username)
    others = User.objects.exclude(pk=person.pk).values_list("username", flat=True)
    found = next((name for name in others if name_skeleton(name) == skeleton), None)
    if found is None:
        return []
    message = f"The name {shown!r} looks like {found!r}. Choose one that cannot be mistaken."
    return [Problem("username", message, person.username, found, code=Code.NAME_TAKEN)]


# --- parts -------------------------------------------------------------------------------------------


def people_locked(person_pk: int | None) -> dict[int, User]:
    """Lock a person and all active admins, always in the same order. Return them by primary key."""
    is_admin = Q(role=Role.ADMIN, is_active=True)
    rows = User.objects.select_for_update(no_key=True).filter(is_admin | Q(pk=person_pk)).order_by("pk")
    return {found.pk: found for found in rows}


def person_found(public_id: str) -> User:
    """Return the person with this public id, without a lock. Raises ``PersonNotFound``."""
    person = User.objects.filter(public_id=public_id).first()
    if person is None:
        raise PersonNotFound(public_id)
    return person


def person_locked(public_id: str) -> User:
    """Lock as ``people_locked`` does and return the person. Raises ``PersonNotFound``."""
    pk = person_found(public_id).pk
    return people_locked(pk)[pk]


def trades(person: User | None) -> bool:
    return person is not None and person.is_active and person.may_trade


def live_orders(person: User) -> list[Order]:
    """Return the person's orders that have not ended, oldest first."""
    return list(Order.objects.filter(trader=person).exclude(status__in=ORDER_FINAL).order_by("pk"))


def _stopped(before: User | None, person: User, actor: str, reason: str, now: datetime) -> dict[str, Any]:
    """Stop the orders and requests of a person who may no longer trade or is inactive. Return what was stopped, for
    the audit.
    """
    done: dict[str, Any] = {}
    if before is not None and before.is_active and not person.is_active:
        withdrawn = requests_withdraw(person=person, reason=f"{person.username} was made inactive", now=now)
        done |= {"requests_withdrawn": withdrawn} if withdrawn else {}
    if not trades(before) or trades(person):
        return done
    what = "was made inactive" if not person.is_active else f"became {person.role}"
    text = f"trader {person.username} {what} by {actor_name(actor)}" + (f": {reason}" if reason else "")
    paused, cancelled = [], 0
    for pk in [order.pk for order in live_orders(person)]:
        order = order_locked(pk)
        version = order.status
        pause_for_person(order, reason=text, now=now)
        paused += [order.public_id] if order.status != version else []
        cancelled += resting_cancel(order, reason=text, now=now)
    return done | {"orders_paused": paused, "children_cancelled": cancelled}


def _counts_until(before: User | None, person: User, now: datetime) -> datetime | None:
    if person.is_active:
        return None
    if before is not None and before.is_active and before.role in SECOND_ROLES:
        return now + COUNTS_FOR
    return person.counts_until


def _changes(before: User | None, person: User) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name in AUDITED:
        old, new = getattr(before, name, None), getattr(person, name)
        if old != new:
            changes[name] = {"before": plain_value(old), "after": plain_value(new)}
    if before is not None and before.password != person.password:
        changes["login"] = "another password"
    return changes


def plain_value(value: object) -> str | bool | None:
    """Return the value of a person's field as a JSON value."""
    if isinstance(value, Decimal):
        return plain(value)
    return value if isinstance(value, bool | None) else str(value)
