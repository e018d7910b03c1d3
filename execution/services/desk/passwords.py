"""The change of a person's password by that person. It ends all of the person's sessions and tokens."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from execution.models import User
from execution.services.desk.logins import person_logins_end
from execution.services.desk.tokens import tokens_revoke
from execution.services.records.actors import person_actor
from execution.services.records.audit import audit_append


@transaction.atomic
def own_password_change(*, person: User, password: str, now: datetime) -> None:
    """Give the person another password, at the person's request.

    The caller has checked the former password, and has checked ``password`` with Django's password validators.
    """
    person.set_password(password)
    person.save(update_fields=["password"])
    actor = person_actor(person)
    audit_append(kind="person.own_password", actor=actor, subject=person.username[:80], at=now)
    access_end(person=person, actor=actor, reason="the password was changed", now=now)


def access_end(*, person: User, actor: str, reason: str, now: datetime) -> None:
    """End the person's sessions and tokens, inside the caller's transaction."""
    person_logins_end(person=person, actor=actor, reason=reason, now=now)
    tokens_revoke(person=person, actor=actor, reason=reason, now=now)
