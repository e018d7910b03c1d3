"""Reads of requests for access, both waiting and decided ones. The sealed contents of requests are never read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict

from django.db.models import Q, QuerySet

from execution.models import AccessRequest, AccessState

#: The number of decided requests that the page shows.
SHOWN = 50
SECRETS = ("secret", "content")


class AccessRow(TypedDict):
    """A request for access as pages show it."""

    id: str
    kind: str
    subject: str
    hash: str
    changes: list[dict[str, str]]
    reason: str
    state: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    decided_by: str
    decided_at: datetime | None
    decision_reason: str
    #: True if the person who reads the page made the request.
    is_own: bool


def access_rows(*, person_pk: int, is_waiting: bool, now: datetime) -> list[AccessRow]:
    """Return the waiting requests, oldest first. Unless ``is_waiting``, return the last decided ones, newest first."""
    rows = AccessRequest.objects.select_related("requested_by", "decided_by").defer(*SECRETS)
    if is_waiting:
        found = rows.filter(_waiting(now)).order_by("pk")
    else:
        found = rows.exclude(_waiting(now)).order_by("-pk")[:SHOWN]
    return [_row(request, person_pk, now) for request in found]


def access_waiting(*, now: datetime, subject: str = "") -> QuerySet[AccessRequest]:
    """Return the waiting requests. If ``subject`` names an account or a person, return only those about it."""
    rows = AccessRequest.objects.select_related("requested_by").defer(*SECRETS).filter(_waiting(now))
    return rows.filter(subject=subject).order_by("pk") if subject else rows.order_by("pk")


def _waiting(now: datetime) -> Q:
    return Q(state=AccessState.WAITING, expires_at__gt=now)


def _row(request: Any, person_pk: int, now: datetime) -> AccessRow:
    is_late = request.state == AccessState.WAITING and request.expires_at <= now
    return AccessRow(
        id=request.public_id,
        kind=request.kind,
        subject=request.subject,
        hash=request.content_hash,
        changes=request.changes,
        reason=request.reason,
        state=AccessState.EXPIRED.value if is_late else request.state,
        requested_by=request.requested_by.username,
        requested_at=request.requested_at,
        expires_at=request.expires_at,
        decided_by=request.decided_by.username if request.decided_by else "",
        decided_at=request.decided_at,
        decision_reason=request.decision_reason,
        is_own=request.requested_by_id == person_pk,
    )
