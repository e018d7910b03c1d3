"""The browsers in which a person has logged in before. Failed logins in other browsers do not lock the person out of
these browsers.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.db.models import F

from execution.models import KnownBrowser, User
from execution.services.records.audit import audit_append
from execution.services.records.journal import DESK

TOKEN_BYTES = 24


def new_browser_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def browser_known(*, token: str, person: User, now: datetime) -> None:
    """Record that the person has logged in with a browser, and clear its failures."""
    KnownBrowser.objects.update_or_create(
        person=person, token_hash=_hash(token), defaults={"seen_at": now, "failures": 0, "failed_at": None}
    )


def browser_failures(*, token: str, name: str, since: datetime) -> int | None:
    """Return the number of failed logins with ``name`` in the browser.

    Return 0 if the last of them was before ``since``. Return None if the person has never logged in with the browser.
    """
    browser = KnownBrowser.objects.filter(token_hash=_hash(token), person__username=name).first()
    if not token or browser is None:
        return None
    return browser.failures if browser.failed_at is not None and browser.failed_at >= since else 0


def browser_failed(*, token: str, name: str, since: datetime, now: datetime) -> None:
    """Count a failed login in a browser with which the person has logged in before. Failures before ``since`` are no
    longer included in the count.
    """
    found = KnownBrowser.objects.filter(token_hash=_hash(token), person__username=name)
    if not found.filter(failed_at__gte=since).update(failures=F("failures") + 1, failed_at=now):
        found.update(failures=1, failed_at=now)


def browsers_forget(*, person: User) -> None:
    """Delete the records of the browsers from which the person has logged in, so that each is treated as new.

    Sessions stay open. Call it inside a transaction.
    """
    KnownBrowser.objects.filter(person=person).delete()


def guessed_at_note(*, name: str, failures: int, now: datetime) -> None:
    """Record in the audit that logins with ``name`` fail from several addresses. Do nothing if no user has
    that name.
    """
    if User.objects.filter(username=name).exists():
        audit_append(
            kind="login.guessed_at", actor=DESK, subject=name[:80], at=now, data={"failures": failures}
        )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
