"""People's sessions, from the login to their end.

A session begins at a login. It ends after some time, when a person ends it, or when the password changes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q

from execution.models import Login, User
from execution.services.records.actors import person_actor
from execution.services.records.audit import audit_append

#: The shortest time between two records of a session's use, so that not every request writes a row.
SEEN_STEP = timedelta(minutes=1)
MAX_BROWSER = 200


class LoginNotFound(Exception):
    """There is no such session, or it is somebody else's. The two cases look the same."""


def login_begin(*, person: User, session_key: str, address: str, browser: str, now: datetime) -> Login:
    """Record a session of a person. A second call with the same key returns the same session."""
    login, _ = Login.objects.update_or_create(
        session_key=session_key,
        defaults={
            "person": person,
            "began_at": now,
            "seen_at": now,
            "address": address[:45],
            "browser": browser[:MAX_BROWSER],
        },
    )
    return login


def login_continue(*, person_pk: int, session_key: str, now: datetime) -> bool:
    """Return True while the session is valid, and record that it was used. A session that has expired is ended."""
    login = Login.objects.filter(session_key=session_key, person_id=person_pk).first()
    if login is None:
        return False
    if now - login.seen_at > idle_time() or now - login.began_at > whole_time():
        logins_end(session_keys=[session_key])
        return False
    if now - login.seen_at >= SEEN_STEP:
        Login.objects.filter(pk=login.pk, seen_at__lt=now).update(seen_at=now)
    return True


def idle_time() -> timedelta:
    return timedelta(seconds=settings.SESSION_IDLE)


def whole_time() -> timedelta:
    return timedelta(seconds=settings.SESSION_COOKIE_AGE)


@transaction.atomic
def login_end(*, public_id: str, person: User, now: datetime) -> None:
    """End a session of ``person``. Raises ``LoginNotFound`` for another person's session."""
    login = Login.objects.filter(public_id=public_id, person=person).first()
    if login is None:
        raise LoginNotFound(public_id)
    logins_end(session_keys=[login.session_key])
    audit_append(
        kind="session.ended",
        actor=person_actor(person),
        subject=person.username[:80],
        at=now,
        data={"sessions": 1},
    )


@transaction.atomic
def person_logins_end(*, person: User, actor: str, now: datetime, but: str = "", reason: str = "") -> int:
    """End all sessions of a person, except the session with the key ``but``. Return the number."""
    found = Login.objects.filter(person=person).exclude(session_key=but)
    keys = list(found.values_list("session_key", flat=True))
    logins_end(session_keys=keys)
    if keys:
        audit_append(
            kind="session.ended",
            actor=actor,
            subject=person.username[:80],
            reason=reason,
            at=now,
            data={"sessions": len(keys)},
        )
    return len(keys)


@transaction.atomic
def logins_end(*, session_keys: list[str]) -> None:
    Session.objects.filter(session_key__in=session_keys).delete()
    Login.objects.filter(session_key__in=session_keys).delete()


def logins_drop(*, now: datetime) -> None:
    """Delete sessions that have ended."""
    over = Q(seen_at__lt=now - idle_time()) | Q(began_at__lt=now - whole_time())
    logins_end(session_keys=list(Login.objects.filter(over).values_list("session_key", flat=True)[:1000]))
    Session.objects.filter(expire_date__lt=now).delete()
