"""Bearer tokens for the API. Only the hash of a token's text is stored. The text is shown once, when it is created."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from django.db import transaction
from django.db.models import Q

from execution.core.problem_codes import Code
from execution.core.problems import Problem, length_problem, refuse_if
from execution.models import ApiToken, Scope, User
from execution.services.records.actors import person_actor
from execution.services.records.audit import audit_append

#: The prefix of a token's text, by which people and secret scanners recognise it.
PREFIX = "tranche_"
SECRET_BYTES = 32
MAX_NAME = 40
MAX_ADDRESSES = 20
DEFAULT_LIFETIME = timedelta(days=90)
MAX_LIFETIME = timedelta(days=365)
#: The most valid tokens of a person. Without a limit a program's loop could fill the table.
MAX_VALID = 20
#: The shortest time between two records of a token's use, so that not every request writes a row.
LAST_USED_STEP = timedelta(minutes=1)


class TokenNotFound(Exception):
    """There is no such token, or it is somebody else's. The two cases look the same."""


def token_hash(text: str) -> str:
    # A token has 256 random bits: a slow, salted hash would protect nothing more.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@transaction.atomic
def token_create(
    *,
    person: User,
    name: str,
    now: datetime,
    lifetime: timedelta = DEFAULT_LIFETIME,
    scopes: Sequence[str] = tuple(Scope.values),
    addresses: Sequence[str] = (),
) -> tuple[ApiToken, str]:
    """Create a token for ``person``. Return it and its text, which nobody can read again. Raises ``Refused``.

    The token allows only what both its ``scopes`` and its person's role allow. ``addresses`` are the IP
    addresses and networks from which it is valid. If there are none, it is valid from anywhere.
    """
    name = name.strip()
    problems = [*_scope_problems(scopes), *_address_problems(addresses)]
    if len(name) > MAX_NAME:
        problems.append(length_problem("name", "The name", name, MAX_NAME))
    if not name.isprintable():
        message = "The name has characters that cannot be shown."
        problems.append(Problem("name", message, repr(name), code=Code.VALUE_MALFORMED))
    if not timedelta(0) < lifetime <= MAX_LIFETIME:
        days, most = lifetime.days, MAX_LIFETIME.days
        message = f"The token would be valid for {days:,} days. It must be from 1 to {most} days."
        problems.append(Problem("days", message, days, most, code=Code.VALUE_OUT_OF_RANGE))
    if not person.is_active:
        message = f"{person.username} is not active."
        problems.append(Problem("person", message, person.username, code=Code.PERSON_INACTIVE))
    # Two at once queue here, so that the count holds.
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    count = person.api_tokens.filter(revoked_at=None, expires_at__gt=now).count()
    if count >= MAX_VALID:
        message = (
            f"{person.username} has {count} valid tokens. Revoke one first: at most {MAX_VALID} are allowed."
        )
        problems.append(Problem("", message, count, MAX_VALID, code=Code.TOO_MANY_TOKENS))
    refuse_if(problems)
    text = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = ApiToken.objects.create(
        person=person,
        name=name,
        token_hash=token_hash(text),
        last_four=text[-4:],
        scopes=[scope for scope in Scope.values if scope in scopes],
        addresses=[str(ip_network(text)) for text in addresses],
        created_at=now,
        expires_at=now + lifetime,
    )
    audit_append(
        kind="token_made",
        actor=person_actor(person),
        subject=token.public_id,
        at=now,
        data={
            "person": person.username,
            "name": name,
            "expires_at": token.expires_at.isoformat(),
            "scopes": token.scopes,
            "addresses": token.addresses,
        },
    )
    return token, text


@transaction.atomic
def token_revoke(*, public_id: str, person: User, now: datetime) -> ApiToken:
    """Revoke a token of ``person``. A second time changes nothing. Raises ``TokenNotFound`` for another person's
    token.
    """
    token = ApiToken.objects.select_for_update(no_key=True).filter(person=person, public_id=public_id).first()
    if token is None:
        raise TokenNotFound(public_id)
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        audit_append(
            kind="token_revoked",
            actor=person_actor(person),
            subject=token.public_id,
            at=now,
            data={"person": person.username, "name": token.name},
        )
    return token


def tokens_revoke(*, person: User, actor: str, reason: str, now: datetime) -> int:
    """Revoke all tokens of a person, inside the caller's transaction. Return the number."""
    count = person.api_tokens.filter(revoked_at=None, expires_at__gt=now).update(revoked_at=now)
    if count:
        audit_append(
            kind="tokens_revoked",
            actor=actor,
            subject=person.username[:80],
            reason=reason,
            at=now,
            data={"person": person.username, "tokens": count},
        )
    return count


def _scope_problems(scopes: Sequence[str]) -> list[Problem]:
    known = ", ".join(Scope.values)
    if not scopes:
        message = f"The token needs at least one scope: {known}."
        return [Problem("scopes", message, "", known, code=Code.VALUE_MISSING)]
    return [
        Problem("scopes", f"There is no scope {scope!r}.", scope, known, code=Code.VALUE_NOT_ALLOWED)
        for scope in scopes
        if scope not in Scope.values
    ]


def _address_problems(addresses: Sequence[str]) -> list[Problem]:
    problems = []
    if len(addresses) > MAX_ADDRESSES:
        message = f"The token has {len(addresses)} addresses. At most {MAX_ADDRESSES} are allowed."
        code = Code.LENGTH_OUT_OF_RANGE
        problems.append(Problem("addresses", message, len(addresses), MAX_ADDRESSES, code=code))
    for address in addresses:
        try:
            ip_network(address)
        except ValueError:
            message = f"{address!r} is not an address or a network such as 10.0.0.0/24."
            problems.append(Problem("addresses", message, address, code=Code.VALUE_MALFORMED))
    return problems


def may_come_from(token: ApiToken, address: str) -> bool:
    """Return True if the token may be used from ``address``.

    A token that names addresses may not be used if ``address`` is unknown.
    """
    if not token.addresses:
        return True
    try:
        client = ip_address(address)
    except ValueError:
        return False
    return any(client in ip_network(network) for network in token.addresses)


def person_of_token(*, text: str, now: datetime) -> User | None:
    """Return the person of a valid token."""
    token = token_valid(text=text, now=now)
    return None if token is None else token.person


def token_valid(*, text: str, now: datetime) -> ApiToken | None:
    """Return the valid token with this text.

    Return None if it is unknown, expired or revoked, or its person is inactive.

    The database looks for the hash of the text. So the duration of the look-up reveals nothing about valid texts.
    """
    valid = ApiToken.objects.filter(
        token_hash=token_hash(text), revoked_at=None, expires_at__gt=now, person__is_active=True
    )
    token = valid.select_related("person").first()
    if token is None:
        return None
    if token.last_used_at is None or now - token.last_used_at >= LAST_USED_STEP:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USED_STEP)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token
