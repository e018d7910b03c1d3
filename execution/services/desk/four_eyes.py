"""Four eyes: one person asks for a change of access or of a limit, and another admin or supervisor confirms it.

The function that performs a kind of change is registered with ``door``. ``access_ask`` performs the change to see
whether it would be refused. If a second person has to confirm the change, ``access_ask`` then rolls it back
(docs/how-to/people.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from execution.core.access import ShownChange, content_hash
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse
from execution.models import AccessRequest, AccessState, Role, User
from execution.services.records.actors import person_actor
from execution.services.records.audit import audit_append
from execution.services.records.reasons import optional_reason

#: The time after which a request expires.
LIFETIME = timedelta(hours=24)
#: The time for which an admin or supervisor still counts as a second person after being made inactive. Without it an
#: admin could make everybody else inactive and then change access alone at once.
COUNTS_FOR = timedelta(days=7)
#: The roles that may confirm.
SECOND_ROLES = (Role.ADMIN, Role.SUPERVISOR)

#: Performs a requested change with its stored content and secret, for the person who asked. Returns False when there
#: was nothing to change.
Perform = Callable[[Mapping[str, Any], bytes, User, datetime], bool]


class AccessRequestNotFound(Exception):
    """There is no such request."""


@dataclass(frozen=True, slots=True)
class Change:
    """A requested change of access.

    ``content`` is plain JSON without floating numbers, and ``secret`` holds values that nobody may read. ``target``
    names the thing to be changed, which has at most one waiting request. ``restores`` is a person whom the change
    makes active again. Nobody may confirm their own return, so that person cannot be the second person.
    """

    kind: str
    subject: str
    target: str
    content: Mapping[str, Any]
    changes: Sequence[ShownChange]
    secret: bytes = field(default=b"", repr=False)
    restores: User | None = None

    @property
    def shown(self) -> list[dict[str, str]]:
        return [change.as_json() for change in self.changes]

    @property
    def hash(self) -> str:
        return content_hash(
            kind=self.kind, target=self.target, content=self.content, secret=self.secret, changes=self.shown
        )


_DOORS: dict[str, Perform] = {}


def door(kind: str) -> Callable[[Perform], Perform]:
    """Register the function that carries out a kind of change."""

    def register(perform: Perform) -> Perform:
        _DOORS[kind] = perform
        return perform

    return register


def has_second_person(*, person: User, now: datetime, restores: User | None = None) -> bool:
    """Return True if somebody other than ``person`` can confirm a change, or could until recently (``COUNTS_FOR``).

    ``restores`` is a person who is left out, because the change would make that person active again.
    """
    counted = User.objects.filter(
        Q(role__in=SECOND_ROLES), Q(is_active=True) | Q(counts_until__gt=now)
    ).exclude(pk=person.pk)
    if restores is not None:
        counted = counted.exclude(pk=restores.pk)
    return counted.exists()


# --- ask ---------------------------------------------------------------------------------------------


@transaction.atomic
def access_ask(*, change: Change, person: User, reason: str = "", now: datetime) -> AccessRequest | None:
    """Ask for a change, and return the request that waits for a second person.

    Return None if the change was made at once, because there is no second person, or if it changes nothing.

    1. The change is performed. If that is refused, so is the request. If nothing changes, nothing is asked for.
    2. If there is no second person, the change stays, and the audit says that one person made it alone.
    3. Otherwise the change is rolled back, and the request waits. Asking for the same change again returns the
       waiting request.
    """
    reason = optional_reason(reason)
    is_shared = has_second_person(person=person, now=now, restores=change.restores)
    with transaction.atomic():
        if not _DOORS[change.kind](change.content, change.secret, person, now):
            return None
        if is_shared:
            transaction.set_rollback(True)  # of this block alone
    if is_shared:
        return _wait(change, person, reason, now)
    audit_append(
        kind="access.alone",
        actor=person_actor(person),
        subject=change.subject[:80],
        reason=reason,
        at=now,
        data={"what": change.kind, "changes": change.shown},
    )
    return None


def _wait(change: Change, person: User, reason: str, now: datetime) -> AccessRequest:
    access_expire(now=now, target=change.target)
    request, created = AccessRequest.objects.get_or_create(
        target=change.target,
        state=AccessState.WAITING,
        defaults={
            "kind": change.kind,
            "subject": change.subject,
            "content": change.content,
            "secret": change.secret or None,
            "changes": change.shown,
            "content_hash": change.hash,
            "requested_by": person,
            "requested_at": now,
            "expires_at": now + LIFETIME,
            "reason": reason,
        },
    )
    if created:
        _audit("access.asked", request, person, reason, now)
    elif request.content_hash != change.hash or request.requested_by_id != person.pk:
        asked = f"{request.requested_by.username} asked at {request.requested_at:%Y-%m-%d %H:%M} UTC"
        message = f"{asked}, and that waits for a second person. Have it decided or withdraw it first."
        refuse("", message, request.public_id, code=Code.ACCESS_WAITING)
    return request


# --- decide ------------------------------------------------------------------------------------------


@transaction.atomic
def access_confirm(
    *, public_id: str, person: User, seen_hash: str, reason: str = "", now: datetime
) -> AccessRequest:
    """Perform a requested change. ``seen_hash`` is the hash of the contents that the person saw.

    Confirming a second time changes nothing. Raises ``AccessRequestNotFound``. Raises ``Refused`` for a person who may
    not confirm the request, such as the one who asked. Raises ``Refused`` too if the request has ended, or if the
    request or the thing to be changed has changed since the person saw it.
    """
    request, reason = _locked(public_id), optional_reason(reason)
    if request.state == AccessState.CONFIRMED and request.decided_by_id == person.pk:
        return request
    _refuse_decided(request, now)
    second = _second(person, request)
    secret = bytes(request.secret or b"")
    now_hash = content_hash(
        kind=request.kind,
        target=request.target,
        content=request.content,
        secret=secret,
        changes=request.changes,
    )
    if not seen_hash == request.content_hash == now_hash:
        message = "The request is not the one that you saw. Nothing was changed."
        refuse("", message, seen_hash, request.content_hash, code=Code.ACCESS_OUTDATED)
    _DOORS[request.kind](request.content, secret, request.requested_by, now)
    return _decide(request, AccessState.CONFIRMED, second, reason, now)


@transaction.atomic
def access_refuse(*, public_id: str, person: User, reason: str, now: datetime) -> AccessRequest:
    """Refuse another person's request, with a reason. Nothing is changed."""
    request = _locked(public_id)
    if request.state == AccessState.REFUSED and request.decided_by_id == person.pk:
        return request
    _refuse_decided(request, now)
    second = _second(person, request)
    if not reason.strip():
        refuse("reason", "A reason is required. The person who asked sees it.", code=Code.VALUE_MISSING)
    return _decide(request, AccessState.REFUSED, second, optional_reason(reason), now)


@transaction.atomic
def access_withdraw(*, public_id: str, person: User, now: datetime) -> AccessRequest:
    """Withdraw a request. Only the person who made it can do that."""
    request = _locked(public_id)
    if request.requested_by_id != person.pk:
        message = f"Only {request.requested_by.username} can withdraw the request. You can refuse it."
        refuse("", message, person.username, request.requested_by.username, code=Code.ROLE_NOT_ALLOWED)
    if request.state == AccessState.WITHDRAWN:
        return request
    _refuse_decided(request, now)
    return _decide(request, AccessState.WITHDRAWN, person, "", now)


def requests_withdraw(*, person: User, reason: str, now: datetime) -> int:
    """Withdraw all requests that a person made, inside the caller's transaction. Return their number."""
    waiting = AccessRequest.objects.filter(requested_by=person, state=AccessState.WAITING)
    return _end(waiting, AccessState.WITHDRAWN, reason, now)


@transaction.atomic
def access_expire(*, now: datetime, target: str = "") -> int:
    """End the requests that nobody decided in time, and delete the keys and passwords in them. Return their number.

    If ``target`` names a thing, end only the request about it.
    """
    late = AccessRequest.objects.filter(state=AccessState.WAITING, expires_at__lte=now)
    return _end(late.filter(target=target) if target else late, AccessState.EXPIRED, "", now)


def _end(requests: QuerySet[AccessRequest], state: AccessState, reason: str, now: datetime) -> int:
    """End requests without a person's decision. Return their number."""
    locked = requests.select_for_update(of=("self",), no_key=True).select_related("requested_by")
    return len([_decide(request, state, None, reason, now) for request in locked.order_by("pk")])


def _locked(public_id: str) -> AccessRequest:
    rows = AccessRequest.objects.select_for_update(of=("self",), no_key=True).select_related("requested_by")
    request = rows.filter(public_id=public_id).first()
    if request is None:
        raise AccessRequestNotFound(public_id)
    return request


def _refuse_decided(request: AccessRequest, now: datetime) -> None:
    is_late = request.state == AccessState.WAITING and request.expires_at <= now
    if request.state != AccessState.WAITING or is_late:
        state = AccessState.EXPIRED if is_late else request.state
        message = f"The request is {state} already. Nothing was changed."
        refuse("", message, str(state), AccessState.WAITING.value, code=Code.ACCESS_DECIDED)


def _second(person: User, request: AccessRequest) -> User:
    """Return the person's current row, if they may confirm or refuse the request. Raise ``Refused`` otherwise."""
    second = User.objects.get(pk=person.pk)
    if second.role not in SECOND_ROLES or not second.is_active:
        allowed = ", ".join(SECOND_ROLES)
        message = f"Only an active admin or supervisor decides. {second.username} is a {second.role}."
        refuse("", message, second.role, allowed, code=Code.ROLE_NOT_ALLOWED)
    if second.pk == request.requested_by_id:
        message = "You asked for this yourself. Another admin or supervisor decides."
        refuse("", message, second.username, code=Code.ACCESS_OWN)
    return second


def _decide(
    request: AccessRequest, state: AccessState, person: User | None, reason: str, now: datetime
) -> AccessRequest:
    request.state, request.decided_by, request.decided_at = state, person, now
    request.decision_reason, request.secret = reason, None
    request.save(update_fields=["state", "decided_by", "decided_at", "decision_reason", "secret"])
    _audit(f"access.{state.value}", request, person, reason, now)
    return request


def _audit(kind: str, request: AccessRequest, person: User | None, reason: str, now: datetime) -> None:
    audit_append(
        kind=kind,
        actor="desk" if person is None else person_actor(person),
        subject=request.subject[:80],
        reason=reason,
        at=now,
        data={
            "request": request.public_id,
            "what": request.kind,
            "asked_by": request.requested_by.username,
            "changes": request.changes,
            "hash": request.content_hash,
        },
    )


def outdated(subject: str, name: str, value: str, limit: str) -> Problem:
    """Return the problem that the thing to be changed has changed since the request was made.

    ``name`` is the property that differs, ``value`` its value now, and ``limit`` its value when the request was made.
    """
    message = (
        f"{name.capitalize()} of {subject} is {value or 'empty'} by now, not {limit or 'empty'}. Ask again."
    )
    return Problem("", message, value, limit, code=Code.ACCESS_OUTDATED)
