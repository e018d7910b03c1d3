"""Rows of the reconciliation: children of unknown fate with their evidence, differences, and accounts in doubt."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db.models import Q

from execution.core.reconcile import LOOKS, LOOKS_NEEDED, Evidence
from execution.models import Account, ChildOrder, Difference, DifferenceKind, Role, User
from execution.payloads.encode import text
from execution.selectors.orders.visibility import orders_visible
from execution.selectors.wall.needs import unknown_children, unknown_earliest, unknown_since

#: Differences that are closed are shown for so long.
CLOSED_SHOWN = timedelta(hours=1)
MOST = 200
#: A look follows the last one after so long while something is unsettled.
LOOK_EVERY = timedelta(seconds=1.5)


class LooksRow(TypedDict):
    kind: str
    needed: int
    at: list[datetime]


class UnknownChildRow(TypedDict):
    """``counts_from``: only looks that begin later count. ``window_from``: when the window had to begin by."""

    client_id: str
    order: str
    child: int
    account: str
    symbol: str
    side: str
    quantity: str
    price: str | None
    reason: str
    since: datetime
    last_possible_send_at: datetime | None
    window_from: datetime
    counts_from: datetime | None
    earliest_proof: datetime | None
    next_look: datetime | None
    looks: list[LooksRow]
    is_cancel_wanted: bool
    attach: dict[str, str]


class DifferenceRow(TypedDict):
    id: str
    kind: str
    words: str
    account: str
    symbol: str
    key: str
    order: str | None
    child: int | None
    evidence: dict[str, Any]
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None


class AccountDoubtRow(TypedDict):
    account: str
    why: str
    since: datetime | None
    looked_at: datetime | None
    error: str


class Reconciliation(TypedDict):
    unknown: list[UnknownChildRow]
    differences: list[DifferenceRow]
    doubts: list[AccountDoubtRow]


def reconciliation(*, person: User, now: datetime) -> Reconciliation:
    """What the person may see: of their orders; everything for supervisors; accounts' own for admins."""
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
    """Foreign orders and orphans of one account, for its page."""
    kinds = [DifferenceKind.FOREIGN, DifferenceKind.ORPHAN]
    return _differences(Difference.objects.filter(account__public_id=public_id, kind__in=kinds), now)


def _unknown(child: ChildOrder) -> UnknownChildRow:
    evidence = Evidence.from_json(child.evidence)
    first, earliest = unknown_earliest(child, evidence)
    looked = child.account.looked_at
    return UnknownChildRow(
        client_id=child.client_id,
        order=child.order.public_id,
        child=child.sequence,
        account=child.account.label,
        symbol=child.symbol,
        side=child.side,
        quantity=text(child.quantity) or "",
        price=text(child.price),
        reason=child.reason,
        since=unknown_since(child),
        last_possible_send_at=child.last_possible_send_at,
        window_from=child.intended_at,
        counts_from=first,
        earliest_proof=earliest,
        next_look=None if looked is None else looked + LOOK_EVERY,
        looks=[LooksRow(kind=kind, needed=LOOKS_NEEDED, at=list(evidence.looks[kind])) for kind in LOOKS],
        is_cancel_wanted=child.cancel_requested_at is not None,
        attach={name: str(value) for name, value in child.attach.items()},
    )


def _differences(rows: Any, now: datetime) -> list[DifferenceRow]:
    shown = rows.filter(Q(resolved_at=None) | Q(resolved_at__gte=now - CLOSED_SHOWN))
    found = shown.select_related("account", "child__order").order_by("-opened_at", "-pk")[:MOST]
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


def _doubts() -> list[AccountDoubtRow]:
    """Accounts that take no new child because no complete look succeeded since their claim or their last doubt."""
    accounts = Account.objects.filter(is_active=True).order_by("label")
    return [
        AccountDoubtRow(
            account=account.label,
            why="no worker holds it" if account.owner_id is None else "no complete look yet",
            since=account.doubted_at,
            looked_at=account.looked_at,
            error=account.error,
        )
        for account in accounts
        if account.owner_id is None or not account.is_reconciled
    ]
