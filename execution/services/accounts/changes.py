"""The services that change an existing account: its traders, whether it is open, and its symbols."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from execution.core.guarantees import guarantees_of
from execution.core.journal import actor_name
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse_if
from execution.core.states import ORDER_FINAL
from execution.models import Account, Order, User, VenueListing
from execution.services.accounts.accounts import (
    account_locked,
    actor_of_admin,
    reason_of,
    refuse_bad_symbols,
    traders_named,
)
from execution.services.accounts.stopping import account_orders_locked, account_orders_stop
from execution.services.records.audit import audit_append


@transaction.atomic
def account_grant(*, person: User | None, account_id: str, trader: str, now: datetime) -> Account:
    """Let a trader use the account. Granting a second time changes nothing."""
    actor = actor_of_admin(person)
    (granted,) = traders_named([trader])
    account = account_locked(account_id)
    if not account.traders.filter(pk=granted.pk).exists():
        account.traders.add(granted)
        audit_append(
            kind="account.granted", actor=actor, subject=account.label, at=now, data={"trader": trader}
        )
    return account


@transaction.atomic
def account_revoke(*, person: User | None, account_id: str, trader: str, now: datetime) -> Account:
    """End a trader's right to use the account.

    The trader can place no new orders on it. Orders that already run go on.
    """
    actor = actor_of_admin(person)
    account = account_locked(account_id)
    revoked = account.traders.filter(username=trader).first()
    if revoked is not None:
        account.traders.remove(revoked)
        audit_append(
            kind="account.revoked", actor=actor, subject=account.label, at=now, data={"trader": trader}
        )
    return account


@transaction.atomic
def account_close(*, person: User | None, account_id: str, reason: str, now: datetime) -> Account:
    """Stop new orders and child orders on the account.

    The account's orders pause until a person resumes them, and resting children are cancelled.
    """
    actor, why = actor_of_admin(person), reason_of(reason)
    orders = account_orders_locked(account_id)
    account = account_locked(account_id)
    if account.is_active:
        account.is_active = False
        account.save(update_fields=["is_active"])
        text = f"account {account.label} was closed by {actor_name(actor)}: {why}"
        stopped = account_orders_stop(account, orders, reason=text, now=now)
        audit_append(
            kind="account.closed", actor=actor, subject=account.label, reason=why, at=now, data=stopped
        )
    return account


@transaction.atomic
def account_open(*, person: User | None, account_id: str, now: datetime) -> Account:
    """Open a closed account again. No order resumes by itself."""
    actor = actor_of_admin(person)
    account = account_locked(account_id)
    if not account.is_active:
        account.is_active = True
        account.save(update_fields=["is_active"])
        audit_append(kind="account.opened", actor=actor, subject=account.label, at=now)
    return account


@transaction.atomic
def account_exclusive(
    *, person: User | None, account_id: str, is_exclusive: bool, reason: str, now: datetime
) -> Account:
    """Record whether only this desk trades on the account.

    The exchange's dead-man's switch cancels every open order, whoever sent it. So the switch is armed only on an
    account on which only this desk trades.
    """
    actor, why = actor_of_admin(person), reason_of(reason)
    account = account_locked(account_id)
    if account.is_exclusive != is_exclusive:
        account.is_exclusive = is_exclusive
        account.save(update_fields=["is_exclusive"])
        kind = "account.exclusive" if is_exclusive else "account.shared"
        audit_append(kind=kind, actor=actor, subject=account.label, reason=why, at=now)
    return account


@transaction.atomic
def account_assumptions_accept(
    *, person: User | None, account_id: str, reason: str, now: datetime
) -> Account:
    """Accept, for a live account, the assumptions about its exchange that nothing proves.

    Only after that does the account take new orders. The audit stores each assumption with its current value and
    source. If a later version of the desk makes a further assumption, somebody has to accept again.
    """
    actor, why = actor_of_admin(person), reason_of(reason)
    account = account_locked(account_id)
    if waiting := account.open_assumptions:
        guarantees = guarantees_of(account.venue.exchange)
        told = {name: promise for name, promise in guarantees.promises() if name in waiting}
        account.accepted_assumptions = [*account.accepted_assumptions, *waiting]
        account.save(update_fields=["accepted_assumptions"])
        audit_append(
            kind="account.assumptions",
            actor=actor,
            subject=account.label,
            reason=why,
            at=now,
            data={name: {"value": one.words, "source": one.source} for name, one in told.items()},
        )
    return account


@transaction.atomic
def account_symbols(
    *, person: User | None, account_id: str, symbols: Sequence[str], now: datetime
) -> Account:
    """Set the symbols that the account trades.

    A symbol with a live order cannot be removed. A new symbol must be on the venue's list, if that is known.
    """
    actor = actor_of_admin(person)
    refuse_bad_symbols(symbols)
    account = account_locked(account_id)
    wanted = list(dict.fromkeys(symbols))
    alive = Order.objects.filter(accounts=account).exclude(status__in=ORDER_FINAL)
    needed = sorted(set(alive.values_list("symbol", flat=True)) - set(wanted))
    refuse_if(
        [
            Problem("symbols", f"Live orders trade {name} there.", name, code=Code.SYMBOL_IN_USE)
            for name in needed
        ]
    )
    refuse_if(_not_listed(account, set(wanted) - set(account.symbols)))
    if wanted != account.symbols:
        data = {"before": account.symbols, "after": wanted}
        account.symbols = wanted
        account.fence += 1  # its session starts again, with the markets of these
        account.save(update_fields=["symbols", "fence"])
        audit_append(kind="account.symbols", actor=actor, subject=account.label, at=now, data=data)
    return account


def _not_listed(account: Account, symbols: Collection[str]) -> list[Problem]:
    listing = VenueListing.objects.filter(venue=account.venue).first()
    if listing is None:
        return []
    return [
        Problem("symbols", f"{account.venue} does not list {name}.", name, code=Code.SYMBOL_NOT_LISTED)
        for name in sorted(set(symbols) - set(listing.symbols))
    ]
