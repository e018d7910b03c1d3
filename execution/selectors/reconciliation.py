"""The rows of the page Reconciliation.

They are children of unknown outcome with their evidence, differences from the exchanges, and accounts of which the
desk may not know all open orders.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from execution.core.reconcile import POLL_KINDS, POLLS_NEEDED, Evidence
from execution.models import Account, ChildOrder, Difference, DifferenceKind, Role, User
from execution.payloads.encode import decimal_str
from execution.payloads.reconciliation import AccountDoubt, DifferenceRow, Polls, Reconciliation, UnknownChild
from execution.selectors.decisions.evidence import was_shown
from execution.selectors.orders.visibility import orders_visible
from execution.selectors.wall.needs import unknown_children, unknown_earliest, unknown_since

#: Closed differences are shown for this long.
CLOSED_SHOWN = timedelta(hours=1)
MAX_ROWS = 200
#: While something is unsettled, the next poll follows after this long.
POLL_EVERY = timedelta(seconds=1.5)


def reconciliation(*, person: User, now: datetime) -> Reconciliation:
    """Return the reconciliation of the orders that the person sees. Supervisors see everything.

    Admins see no orders. They see only the differences of accounts, and the accounts where the desk may not know all
    open orders.
    """
    visible = orders_visible(person)
    sees_accounts = person.role in {Role.SUPERVISOR, Role.ADMIN}
    ours = Q(child__order__in=visible)
    rows = Difference.objects.filter(ours | Q(child=None) if sees_accounts else ours)
    return Reconciliation(
        unknown=[_unknown(child) for child in unknown_children(visible)],
        differences=_differences(rows, now),
        doubts=_doubts() if sees_accounts else [],
    )


def account_differences(public_id: str, now: datetime) -> list[DifferenceRow]:
    """Return the foreign orders, orphans and unreadable entries of one account, for the account's page."""
    kinds = [DifferenceKind.FOREIGN, DifferenceKind.ORPHAN, DifferenceKind.UNREADABLE]
    return _differences(Difference.objects.filter(account__public_id=public_id, kind__in=kinds), now)


def _unknown(child: ChildOrder) -> UnknownChild:
    evidence = Evidence.from_json(child.evidence)
    first, earliest = unknown_earliest(child, evidence)
    polled = child.account.polled_at
    return UnknownChild(
        client_id=child.client_id,
        order=child.order.public_id,
        child=child.sequence,
        account=child.account.label,
        symbol=child.symbol,
        side=child.side,
        quantity=decimal_str(child.quantity),
        price=decimal_str(child.price),
        reason=child.reason,
        since=unknown_since(child),
        last_possible_send_at=child.last_possible_send_at,
        window_from=child.intended_at,
        counts_from=first,
        earliest_proof=earliest,
        was_shown=was_shown(child),
        filled=decimal_str(child.filled),
        next_poll=None if polled is None else polled + POLL_EVERY,
        polls=[
            Polls(kind=kind, needed=POLLS_NEEDED, at=list(evidence.not_found[kind])) for kind in POLL_KINDS
        ],
        is_cancel_wanted=child.cancel_requested_at is not None,
        attach={name: str(value) for name, value in child.attach.items()},
    )


def _differences(rows: Any, now: datetime) -> list[DifferenceRow]:
    shown = rows.filter(Q(resolved_at=None) | Q(resolved_at__gte=now - CLOSED_SHOWN))
    found = shown.select_related("account", "child__order").order_by("-opened_at", "-pk")[:MAX_ROWS]
    return sorted((_difference(row) for row in found), key=lambda row: row["resolved_at"] is not None)


def _difference(row: Difference) -> DifferenceRow:
    child = row.child
    return DifferenceRow(
        id=row.public_id,
        kind=row.kind,
        words=DifferenceKind(row.kind).label,
        account=row.account.label,
        symbol=row.symbol,
        key=row.key,
        order=None if child is None else child.order.public_id,
        child=None if child is None else child.sequence,
        evidence=row.evidence,
        opened_at=row.opened_at,
        last_seen_at=row.last_seen_at,
        resolved_at=row.resolved_at,
    )


def _doubts() -> list[AccountDoubt]:
    accounts = Account.objects.filter(is_active=True).order_by("label")
    return [
        AccountDoubt(
            account=account.label,
            why=_why_in_doubt(account),
            since=account.doubted_at,
            polled_at=account.polled_at,
            error=account.error,
        )
        for account in accounts
        if account.owner_id is None or not account.is_reconciled or account.unread_now
    ]


def _why_in_doubt(account: Account) -> str:
    if account.owner_id is None:
        return "no worker trades this account"
    if not account.unread_now:
        return "not reconciled yet"
    return f"cannot be read: {', '.join(sorted(account.unread_now))}; other symbols are traded"
