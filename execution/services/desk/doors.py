"""Changes of access that need a second person. For each change one function asks for it, and another performs it.

Every change goes through ``four_eyes``. The services of accounts and people do the actual work.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from execution.core.access import ShownChange
from execution.core.problem_codes import Code
from execution.core.problems import refuse, refuse_if
from execution.models import AccessRequest, Account, CredentialState, Role, User
from execution.models.fields import draw_public_id
from execution.services.accounts.accounts import (
    AccountNotFound,
    NewAccount,
    SealedKey,
    account_create,
    actor_of_admin,
    key_of_secrets,
    key_problems,
    new_account_problems,
    sealing_key_now,
)
from execution.services.accounts.changes import account_grant, account_open
from execution.services.accounts.credentials import credential_replace, credential_resume
from execution.services.desk.browsers import browsers_forget
from execution.services.desk.factors import factor_remove
from execution.services.desk.four_eyes import Change, access_ask, door, outdated
from execution.services.desk.passwords import access_end
from execution.services.desk.people import (
    AUDITED,
    live_orders,
    password_changed,
    person_found,
    person_locked,
    person_save,
    plain_value,
    trades,
)

NOTHING = "–"


# --- accounts and keys -------------------------------------------------------------------------------


def account_create_ask(*, person: User, new_account: NewAccount, now: datetime) -> AccessRequest | None:
    """Ask for a new account with its key.

    The key is sealed at once, although the account is created only when somebody confirms.
    """
    actor_of_admin(person)
    refuse_if(new_account_problems(new_account))
    key = key_of_secrets(new_account.secrets, account_id=draw_public_id())
    options = new_account.options
    traders = sorted(set(new_account.traders))
    content = {
        "account": key.account_id,
        "label": new_account.label,
        "venue": new_account.venue,
        "exchange": new_account.exchange,
        "environment": new_account.environment,
        "options": None if options is None else json.dumps(options),
        "symbols": list(new_account.symbols),
        "traders": traders,
        "last_four": key.last_four,
        "sealing_key": sealing_key_now(),
    }
    lines = [
        ShownChange("account", NOTHING, new_account.label),
        ShownChange("venue", NOTHING, f"{new_account.venue} ({new_account.exchange or 'as it is'})"),
        ShownChange("key", NOTHING, _shown_key(key.last_four)),
        ShownChange("symbols", NOTHING, ", ".join(new_account.symbols)),
        ShownChange("traders", NOTHING, ", ".join(traders) or "nobody"),
    ]
    if options:
        lines.append(ShownChange("options", NOTHING, str(content["options"])))
    target = f"account:{new_account.label}"
    change = Change("account.add", new_account.label, target, content, lines, key.sealed)
    return access_ask(change=change, person=person, now=now)


@door("account.add")
def _account_add(content: Mapping[str, Any], secret: bytes, person: User, now: datetime) -> bool:
    options = content["options"]
    account_create(
        person=person,
        new_account=NewAccount(
            label=content["label"],
            venue=content["venue"],
            exchange=content["exchange"],
            environment=content["environment"],
            options=None if options is None else json.loads(options),
            symbols=content["symbols"],
            traders=content["traders"],
            secrets={},
            key=_sealed(content, secret),
        ),
        now=now,
    )
    return True


def key_replace_ask(
    *, person: User, account_id: str, secrets: Mapping[str, str], reason: str, now: datetime
) -> AccessRequest | None:
    """Ask for another key of an account. The present key stays in use until the request is confirmed."""
    actor_of_admin(person)
    refuse_if(key_problems(secrets))
    account = _account(account_id)
    key = key_of_secrets(secrets, account_id=account_id)
    former = _last_four(account)
    content = {
        "account": account_id,
        "last_four": key.last_four,
        "former": former,
        "reason": reason.strip(),
        "sealing_key": sealing_key_now(),
    }
    lines = [ShownChange("key", former, _shown_key(key.last_four))]
    change = Change("key.replace", account.label, f"key:{account_id}", content, lines, key.sealed)
    return access_ask(change=change, person=person, reason=reason, now=now)


@door("key.replace")
def _key_replace(content: Mapping[str, Any], secret: bytes, person: User, now: datetime) -> bool:
    _refuse_other_key(content)
    credential_replace(
        person=person,
        account_id=content["account"],
        secrets={},
        reason=content["reason"],
        now=now,
        key=_sealed(content, secret),
    )
    return True


def key_resume_ask(*, person: User, account_id: str, reason: str, now: datetime) -> AccessRequest | None:
    """Ask to use a suspended key again."""
    account = _account(account_id)
    content = {"account": account_id, "former": _last_four(account), "reason": reason.strip()}
    lines = [ShownChange(f"key {content['former']}", "suspended", "in use, once a worker has checked it")]
    change = Change("key.resume", account.label, f"key:{account_id}", content, lines)
    return access_ask(change=change, person=person, reason=reason, now=now)


@door("key.resume")
def _key_resume(content: Mapping[str, Any], _secret: bytes, person: User, now: datetime) -> bool:
    _refuse_other_key(content)
    former = _account(content["account"]).credentials.order_by("-pk").first()
    credential_resume(person=person, account_id=content["account"], reason=content["reason"], now=now)
    return former is not None and former.state == CredentialState.SUSPENDED


def account_open_ask(*, person: User, account_id: str, now: datetime) -> AccessRequest | None:
    """Ask to open a closed account again."""
    account = _account(account_id)
    lines = [ShownChange("account", "closed", "open")]
    change = Change("account.open", account.label, f"open:{account_id}", {"account": account_id}, lines)
    return access_ask(change=change, person=person, now=now)


@door("account.open")
def _account_open(content: Mapping[str, Any], _secret: bytes, person: User, now: datetime) -> bool:
    was_closed = not _account(content["account"]).is_active
    account_open(person=person, account_id=content["account"], now=now)
    return was_closed


def account_grant_ask(*, person: User, account_id: str, trader: str, now: datetime) -> AccessRequest | None:
    """Ask to let a trader use an account."""
    account = _account(account_id)
    content = {"account": account_id, "trader": trader}
    lines = [ShownChange(f"{trader} may use {account.label}", "no", "yes")]
    target = f"grant:{account_id}:{trader}"[:200]
    change = Change("account.grant", account.label, target, content, lines)
    return access_ask(change=change, person=person, now=now)


@door("account.grant")
def _account_grant(content: Mapping[str, Any], _secret: bytes, person: User, now: datetime) -> bool:
    account, trader = _account(content["account"]), content["trader"]
    had_it = account.traders.filter(username=trader).exists()
    account_grant(person=person, account_id=content["account"], trader=trader, now=now)
    return not had_it


def _account(public_id: str) -> Account:
    account = Account.objects.filter(public_id=public_id).first()
    if account is None:
        raise AccountNotFound(public_id)
    return account


def _last_four(account: Account) -> str:
    credential = account.credentials.order_by("-pk").first()
    return NOTHING if credential is None else _shown_key(credential.last_four)


def _shown_key(last_four: str) -> str:
    return f"…{last_four or '••••'}"


def _refuse_other_key(content: Mapping[str, Any]) -> None:
    account = _account(content["account"])
    current = _last_four(account)
    if current != content["former"]:
        refuse_if([outdated(account.label, "the key", current, content["former"])])


def _sealed(content: Mapping[str, Any], secret: bytes) -> SealedKey:
    if content["sealing_key"] != sealing_key_now():
        message = "The keyring has changed since the key was given. Give the key again."
        refuse("", message, code=Code.ACCESS_OUTDATED)
    return SealedKey(content["account"], secret, content["last_four"])


# --- people ------------------------------------------------------------------------------------------


@transaction.atomic
def person_save_ask(*, person: User, changed_by: User, now: datetime) -> AccessRequest | None:
    """Save a new or changed person. If the change gives the person more access than before, only ask for the change.

    A new supervisor or admin is saved as inactive until somebody confirms. Changes that are asked for together are
    confirmed together.
    """
    if person._state.adding:
        if person.role == Role.TRADER:
            person_save(person=person, changed_by=changed_by, now=now)
            return None
        person.is_active = False
        person_save(person=person, changed_by=changed_by, now=now)
        return person_enable_ask(public_id=person.public_id, changed_by=changed_by, reason="", now=now)
    before = User.objects.get(pk=person.pk)
    changes = {
        name: {"before": plain_value(getattr(before, name)), "after": plain_value(getattr(person, name))}
        for name in AUDITED
        if getattr(before, name) != getattr(person, name)
    }
    if not _widens(before, person):
        person_save(person=person, changed_by=changed_by, now=now)
        return None
    lines = [
        ShownChange(name.replace("_", " "), _shown(pair["before"]), _shown(pair["after"]))
        for name, pair in changes.items()
    ]
    return _person_ask(before, changes, lines, changed_by, "", now)


def person_enable_ask(
    *, public_id: str, changed_by: User, reason: str, now: datetime
) -> AccessRequest | None:
    """Ask to make a person active again."""
    person = person_found(public_id)
    if person.is_active:
        return None
    changes: dict[str, Any] = {"is_active": {"before": False, "after": True}}
    lines = [ShownChange(f"{person.username} ({person.role})", "inactive", "active")]
    return _person_ask(person, changes, lines, changed_by, reason, now, restores=person)


def _person_ask(
    person: User,
    changes: Mapping[str, Any],
    lines: list[ShownChange],
    changed_by: User,
    reason: str,
    now: datetime,
    restores: User | None = None,
) -> AccessRequest | None:
    after = changes.get("role", {}).get("after", person.role)
    if trades(person) and after != Role.TRADER and (orders := live_orders(person)):
        names = ", ".join(order.public_id for order in orders)
        lines.append(ShownChange("live orders", f"{len(orders)}: {names}", "paused for a person"))
    content = {"person": person.public_id, "changes": changes, "reason": reason.strip()}
    target = f"person:{person.public_id}"
    change = Change("person.change", person.username, target, content, lines, restores=restores)
    return access_ask(change=change, person=changed_by, reason=reason, now=now)


@door("person.change")
def _person_change(content: Mapping[str, Any], _secret: bytes, person: User, now: datetime) -> bool:
    found = person_locked(content["person"])
    for name, pair in content["changes"].items():
        current = plain_value(getattr(found, name))
        if current != pair["before"]:
            label = name.replace("_", " ")
            refuse_if([outdated(found.username, label, _shown(current), _shown(pair["before"]))])
        after = pair["after"]
        if name == "confirm_above" and after is not None:
            after = Decimal(after)
        setattr(found, name, after)
    person_save(person=found, changed_by=person, now=now, reason=content["reason"])
    return True


def password_reset_ask(
    *, person: User, changed_by: User, password: str, now: datetime
) -> AccessRequest | None:
    """Ask to give somebody another password. Only its hash is stored, and no page shows it.

    The caller has checked ``password`` with Django's password validators.
    """
    if person.pk == changed_by.pk:
        message = "Change your own password on your own page, with the present one."
        refuse("", message, person.username, code=Code.ACCESS_OWN)
    encoded = make_password(password)
    content = {"person": person.public_id, "former": _fingerprint(person.password)}
    lines = [ShownChange(f"password of {person.username} ({person.role})", "as it is", "another one")]
    target = f"password:{person.public_id}"
    change = Change("person.password", person.username, target, content, lines, encoded.encode())
    return access_ask(change=change, person=changed_by, now=now)


@door("person.password")
def _password_reset(content: Mapping[str, Any], secret: bytes, person: User, now: datetime) -> bool:
    actor = actor_of_admin(person)
    found = person_locked(content["person"])
    if _fingerprint(found.password) != content["former"]:
        message = f"The password of {found.username} has changed since. Ask again."
        refuse("", message, code=Code.ACCESS_OUTDATED)
    found.password = secret.decode()
    found.save(update_fields=["password"])
    password_changed(person=found, changed_by=person, now=now)
    browsers_forget(person=found)
    access_end(person=found, actor=actor, reason="an admin gave another password", now=now)
    return True


def factor_remove_ask(
    *, public_id: str, changed_by: User, reason: str, now: datetime
) -> AccessRequest | None:
    """Ask to remove the second factor of a person who has lost it."""
    person = person_found(public_id)
    if person.pk == changed_by.pk:
        message = "You remove your own second factor on your own page."
        refuse("", message, person.username, code=Code.ACCESS_OWN)
    content = {"person": public_id, "reason": reason.strip()}
    lines = [ShownChange(f"second factor of {person.username} ({person.role})", "in use", "none")]
    change = Change("person.factor", person.username, f"factor:{public_id}", content, lines)
    return access_ask(change=change, person=changed_by, reason=reason, now=now)


@door("person.factor")
def _factor_remove(content: Mapping[str, Any], _secret: bytes, person: User, now: datetime) -> bool:
    actor, found = actor_of_admin(person), person_locked(content["person"])
    return factor_remove(person=found, actor=actor, reason=content["reason"], now=now)


def _widens(before: User, person: User) -> bool:
    """Return True if a change gives the person any new right.

    A change of role always does, because each role has rights that the others lack.
    """
    if before.role != person.role or (person.is_active and not before.is_active):
        return True
    if person.sees_desk and not before.sees_desk:
        return True
    old, new = before.confirm_above, person.confirm_above
    return old is not None and (new is None or new > old)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NOTHING if value is None or value == "" else str(value)


def _fingerprint(encoded: str) -> str:
    return hashlib.sha256(encoded.encode()).hexdigest()
