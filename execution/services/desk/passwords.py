"""The change of one's own password, which ends all sessions and tokens."""

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
    """Give oneself another password. ``password`` has passed the validators, and the former one was checked."""
    person.set_password(password)
    person.save(update_fields=["password"])
    actor = person_actor(person)
    audit_append(kind="person.own_password", actor=actor, subject=person.username[:80], at=now)
    access_end(person=person, actor=actor, reason="the password was changed", now=now)


def access_end(*, person: User, actor: str, reason: str, now: datetime) -> None:
    """End the person's sessions and tokens, inside the caller's transaction."""
    person_logins_end(person=person, actor=actor, reason=reason, now=now)
    tokens_revoke(person=person, actor=actor, reason=reason, now=now)
