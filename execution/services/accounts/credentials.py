"""The services for an account's exchange key: replace, check, suspend, resume and retire it. An account uses only its
newest key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from execution.core.alerts.kinds import AlertKind
from execution.core.journal import actor_name
from execution.core.key_rights import RightChange, changed_rights, has_drifted
from execution.core.problem_codes import Code
from execution.core.problems import refuse, refuse_if
from execution.core.types import KeyPermissions
from execution.models import Account, Credential, CredentialState, Order, User
from execution.services.accounts.accounts import (
    IN_USE,
    SealedKey,
    account_locked,
    actor_of_admin,
    credential_keep,
    key_of_secrets,
    key_problems,
    reason_of,
)
from execution.services.accounts.stopping import account_orders_locked, account_orders_stop
from execution.services.records.alerts import alert_signal
from execution.services.records.audit import audit_append
from execution.services.records.journal import DESK
from execution.services.records.reasons import optional_reason

MAY_WITHDRAW = "the key may withdraw; make one at the exchange that may only read and trade"
#: The time after which an active key is checked again.
CHECKED_EVERY = timedelta(days=1)
MAY_NOT_TRADE = "the key may not trade; allow spot trading at the exchange, or give another key"


@transaction.atomic
def credential_replace(
    *,
    person: User | None,
    account_id: str,
    secrets: Mapping[str, str],
    reason: str,
    now: datetime,
    key: SealedKey | None = None,
) -> Credential:
    """Give the account another key. The former key is retired at once. The new one trades once it has been checked.

    For a key that is already sealed, give ``key`` and leave ``secrets`` empty.
    """
    actor, reason = actor_of_admin(person), optional_reason(reason)
    if key is None:
        refuse_if(key_problems(secrets))
    account = account_locked(account_id)
    former = _newest(account)
    credential = credential_keep(
        account=account, key=key or key_of_secrets(secrets, account_id=account.public_id)
    )
    kind, data = "key.replaced" if former else "key.added", {"former": former.last_four if former else ""}
    _audit(kind, actor, account, credential, now, reason, data)
    return credential


@transaction.atomic
def credential_suspend(*, person: User | None, account_id: str, reason: str, now: datetime) -> Credential:
    """Stop trading with the account's key.

    The orders pause until a person resumes them. Resting children are still cancelled with this key.

    Suspending a suspended key changes nothing. A refused or retired key cannot be suspended.
    """
    return _stop(person, account_id, CredentialState.SUSPENDED, IN_USE, reason, now)


@transaction.atomic
def credential_resume(*, person: User | None, account_id: str, reason: str, now: datetime) -> Credential:
    """Use a suspended key again, once a worker has checked it. No order resumes by itself."""
    actor, reason = actor_of_admin(person), optional_reason(reason)
    account = account_locked(account_id)
    credential = _key_of(account)
    if credential.state in IN_USE:
        return credential
    _refuse_unless(credential, (CredentialState.SUSPENDED,), "resumed")
    _want_check(credential, now)
    _audit("key.resumed", actor, account, credential, now, reason)
    return credential


@transaction.atomic
def credential_retire(*, person: User | None, account_id: str, reason: str, now: datetime) -> Credential:
    """End the use of the key for good. The resting children are still cancelled with this key. After that it is
    neither used nor checked any more.
    """
    return _stop(person, account_id, CredentialState.RETIRED, tuple(CredentialState), reason, now)


def _stop(
    person: User | None,
    account_id: str,
    state: CredentialState,
    stoppable: tuple[CredentialState, ...],
    reason: str,
    now: datetime,
) -> Credential:
    actor, why = actor_of_admin(person), reason_of(reason)
    orders = account_orders_locked(account_id)
    account = account_locked(account_id)
    credential = _key_of(account)
    if credential.state == state:
        return credential
    _refuse_unless(credential, stoppable, state.value)
    credential.state = state
    credential.check_wanted_at = None
    credential.save(update_fields=["state", "check_wanted_at"])
    text = f"the key of account {account.label} was {state.value} by {actor_name(actor)}: {why}"
    stopped = account_orders_stop(account, orders, reason=text, now=now)
    _audit(f"key.{state.value}", actor, account, credential, now, why, stopped)
    return credential


@transaction.atomic
def credential_check(*, person: User | None, account_id: str, now: datetime) -> Credential:
    """Ask the account's session to check the rights of the key. A key that the exchange refused is also
    checked again.
    """
    actor = actor_of_admin(person)
    account = account_locked(account_id)
    credential = _key_of(account)
    if not account.is_active:
        message = f"Account {account.label} is closed. Open it before its key is checked."
        refuse("", message, code=Code.ACCOUNT_CLOSED)
    _refuse_unless(credential, (*IN_USE, CredentialState.REFUSED), "checked")
    _want_check(credential, now)
    _audit("key.check", actor, account, credential, now)
    return credential


def _audit(
    kind: str,
    actor: str,
    account: Account,
    credential: Credential,
    now: datetime,
    reason: str = "",
    data: Mapping[str, object] | None = None,
) -> None:
    kept = {"last_four": credential.last_four, **(data or {})}
    audit_append(kind=kind, actor=actor, subject=account.label, reason=reason, at=now, data=kept)


def _want_check(credential: Credential, now: datetime) -> None:
    if credential.state != CredentialState.ACTIVE:
        credential.state = CredentialState.UNCHECKED
    credential.check_wanted_at = now
    credential.error = ""
    credential.save(update_fields=["state", "check_wanted_at", "error"])


def _newest(account: Account) -> Credential | None:
    return account.credentials.select_for_update(of=("self",), no_key=True).order_by("-pk").first()


def _key_of(account: Account) -> Credential:
    credential = _newest(account)
    if credential is None:
        refuse("", f"Account {account.label} has no key.", code=Code.ACCOUNT_WITHOUT_KEY)
    return credential


def _refuse_unless(credential: Credential, states: tuple[CredentialState, ...], what: str) -> None:
    if credential.state not in states:
        message = f"The key …{credential.last_four} is {credential.state}. It cannot be {what}."
        refuse("state", message, credential.state, ", ".join(states), code=Code.KEY_NOT_USABLE)


# --- what a session learns --------------------------------------------------------------------------


def credential_checks_due(*, now: datetime) -> int:
    """Ask the accounts' sessions to check active keys that were not checked for a day. Return the number of keys.

    A check that fails is due again at the next call, because the rights are still unknown.
    """
    due = Credential.objects.filter(
        Q(checked_at=None) | Q(checked_at__lte=now - CHECKED_EVERY),
        state=CredentialState.ACTIVE,
        account__is_active=True,
        check_wanted_at=None,
    )
    return due.update(check_wanted_at=now)


@transaction.atomic
def credential_checked(*, credential_pk: int, permissions: KeyPermissions, now: datetime) -> Credential:
    """Record the rights of a key as the exchange reports them.

    A key that may withdraw, or may not trade, gets the state refused.

    An active key is suspended if its rights differ from those at its last check. An active key that is refused or
    suspended raises an alert.
    """
    error = ""
    if permissions.withdraw is True:
        error = MAY_WITHDRAW
    elif permissions.trade is False:
        error = MAY_NOT_TRADE
    return _settle_check(credential_pk, error=error, permissions=permissions, now=now)


def credential_refused(*, credential_pk: int, error: str, now: datetime) -> Credential:
    """Record that the exchange refuses the key, or that the key cannot be used."""
    return _settle_check(credential_pk, error=error, permissions=None, now=now)


def credential_check_failed(*, credential_pk: int, error: str) -> None:
    """Record that a check of the key got no answer. The key's state does not change, and pages show the reason."""
    Credential.objects.filter(pk=credential_pk, state__in=IN_USE).update(
        error=error[:500], check_wanted_at=None
    )


@transaction.atomic
def _settle_check(
    credential_pk: int, *, error: str, permissions: KeyPermissions | None, now: datetime
) -> Credential:
    """Store the result of a key's check. If the key is refused or suspended, stop the account's orders.

    The function locks the orders, then the account, then the key. Every service that stops orders locks in this
    sequence.
    """
    account_id = Account.objects.values_list("public_id", flat=True).get(credentials=credential_pk)
    changes = _changes(credential_pk, permissions)
    has_other_rights = has_drifted(changes)
    orders = account_orders_locked(account_id) if error or has_other_rights else []
    account = account_locked(account_id)
    credential = Credential.objects.select_for_update(of=("self",), no_key=True).get(pk=credential_pk)
    before = credential.state
    credential.checked_at = now
    credential.check_wanted_at = None
    if permissions is not None:
        credential.permissions = asdict(permissions)
    if before == CredentialState.ACTIVE and has_other_rights:
        credential.state, error = CredentialState.SUSPENDED, _words(changes)
    elif before in IN_USE:
        credential.state = CredentialState.REFUSED if error else CredentialState.ACTIVE
    if before in IN_USE:
        credential.error = error[:500]
    credential.save(update_fields=["state", "error", "permissions", "checked_at", "check_wanted_at"])
    if credential.state != before:
        _told(account, credential, orders, error, now)
    if before == CredentialState.ACTIVE and (changes or credential.state != before):
        _alert(account, credential, error or _words(changes), now)
    return credential


def _changes(credential_pk: int, permissions: KeyPermissions | None) -> list[RightChange]:
    """Return the rights that have changed since the key's last check.

    No lock is needed, because only the account's one session writes these rights.
    """
    if permissions is None:
        return []
    return changed_rights(
        Credential.objects.values_list("permissions", flat=True).get(pk=credential_pk), permissions
    )


def _words(changes: Sequence[RightChange]) -> str:
    return f"its rights at the exchange have changed: {'; '.join(change.words for change in changes)}"


def _told(account: Account, credential: Credential, orders: list[Order], error: str, now: datetime) -> None:
    data: dict[str, object] = {"permissions": credential.permissions}
    if error:
        reason = f"the key of account {account.label} is {credential.state}: {error}"
        data |= account_orders_stop(account, orders, reason=reason, now=now)
    _audit(f"key.{credential.state}", DESK, account, credential, now, error[:500], data)


def _alert(account: Account, credential: Credential, error: str, now: datetime) -> None:
    text = f"account {account.label}: the key …{credential.last_four} is {credential.state}: {error}"
    alert_signal(kind=AlertKind.KEY_CHANGED, text=text, at=now, scope=f"account {account.label}")
