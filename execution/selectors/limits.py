"""Limits in force and requests for approval, for pages and the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from execution.core.limits.kinds import LIMIT_SPECS, SUMMED, LimitKind, LimitLevel, LimitScope, Measure
from execution.models import AccessRequest, ApprovalState, Order, OrderApproval, Role, TradingLimit, User
from execution.payloads.encode import decimal_str, epoch_ms, rounded_str
from execution.payloads.limits import ApprovalFacts, ApprovalRow, LimitChange, LimitRow, LimitWaiting
from execution.selectors.access import access_waiting
from execution.selectors.catalogue import accounts_visible
from execution.selectors.decisions.limits import usage_of
from execution.selectors.decisions.notional import order_notionals
from execution.selectors.orders.approvals import approval_halted
from execution.selectors.orders.visibility import orders_visible, sees_several

#: The largest number of decided requests in the list.
FORMER = 100
_UNITS = {Measure.PERCENT: "%", Measure.BASIS_POINTS: "bp", Measure.PER_SECOND: "a second", Measure.COUNT: ""}


def limit_rows(now: datetime) -> list[LimitRow]:
    """Return the limits in force by kind, scope and subject, the lowest level first."""
    rows = list(TradingLimit.objects.filter(ended_at=None).select_related("set_by"))
    kinds, scopes, levels = list(LimitKind), list(LimitScope), list(LimitLevel)
    rows.sort(
        key=lambda row: (
            kinds.index(LimitKind(row.kind)),
            scopes.index(LimitScope(row.scope)),
            row.subject,
            row.currency,
            -levels.index(LimitLevel(row.level)),
        ),
    )
    counted = any(row.kind in SUMMED for row in rows)
    used = usage_of(rows, order_notionals(now) if counted else (), now)
    return [
        LimitRow(
            id=row.public_id,
            kind=row.kind,
            label=LIMIT_SPECS[LimitKind(row.kind)].label,
            scope=row.scope,
            subject=row.subject,
            level=row.level,
            value=decimal_str(row.value),
            unit=row.currency or _UNITS.get(LIMIT_SPECS[LimitKind(row.kind)].measure, ""),
            used=rounded_str(used.get(row.pk), 2),
            reason=row.reason,
            set_by="" if row.set_by is None else row.set_by.get_username(),
            set_at=epoch_ms(row.set_at),
        )
        for row in rows
    ]


def limits_on_sums(person: User, now: datetime) -> list[LimitRow]:
    """Return the limits on open and daily notional that bound what the person sees: those of the desk and of
    symbols, those of the accounts that they see, and their own. A person who sees the desk gets all of them.
    """
    accounts = set(accounts_visible(person).values_list("label", flat=True))
    subjects = {LimitScope.ACCOUNT: accounts, LimitScope.TRADER: {person.get_username()}}
    return [
        row
        for row in limit_rows(now)
        if row["kind"] in SUMMED
        and (
            sees_several(person) or row["subject"] in subjects.get(LimitScope(row["scope"]), {row["subject"]})
        )
    ]


def limits_waiting(person: User, now: datetime) -> QuerySet[AccessRequest]:
    """Return the requests to widen limits that wait for a second person, oldest first; none for a trader."""
    waiting = access_waiting(now=now).filter(kind__in=("limit.set", "limit.end"))
    return waiting.none() if person.role == Role.TRADER else waiting


def limit_waiting_row(request: AccessRequest) -> LimitWaiting:
    return LimitWaiting(
        id=request.public_id,
        about=request.subject,
        changes=[
            LimitChange(name=change["name"], before=change["before"], after=change["after"])
            for change in request.changes
        ],
        reason=request.reason,
        requested_by=request.requested_by.get_username(),
        requested_at=epoch_ms(request.requested_at),
        expires_at=epoch_ms(request.expires_at),
    )


def approvals_seen(person: User) -> QuerySet[OrderApproval]:
    """Return the requests for approval of orders that the person may see."""
    return OrderApproval.objects.filter(order__in=orders_visible(person)).select_related(
        "order__trader", "requested_by", "decided_by"
    )


def approval_rows(*, person: User, waiting: bool) -> list[ApprovalRow]:
    """Return the waiting requests, the next to expire first.

    Without ``waiting``, return those that were decided last.
    """
    seen = approvals_seen(person)
    if waiting:
        return _rows(seen.filter(state=ApprovalState.WAITING).order_by("expires_at", "pk"))
    return _rows(seen.exclude(state=ApprovalState.WAITING).order_by("-decided_at", "-pk")[:FORMER])


def waiting_values(now: datetime) -> dict[str, tuple[Decimal | None, str]]:
    """Return the open notional of each order that waits for approval, with its currency, by the order's id.

    The amount is None if no price is known.
    """
    waiting = Order.objects.filter(approvals__state=ApprovalState.WAITING)
    ids = dict(waiting.values_list("pk", "public_id"))
    return {
        ids[each.order_pk]: (each.open, each.currency)
        for each in order_notionals(now)
        if each.order_pk in ids
    }


def approvals_waiting() -> list[ApprovalFacts]:
    """Return all waiting requests for approval, for the supervisors' wall."""
    waiting = OrderApproval.objects.filter(state=ApprovalState.WAITING)
    seen = waiting.select_related("order__trader", "requested_by", "decided_by")
    return [_facts(approval) for approval in seen.order_by("expires_at", "pk")]


def approval_find(*, person: User, public_id: str) -> OrderApproval | None:
    """Return a request that the person may see; None if there is none, or if the person may not see it."""
    return approvals_seen(person).filter(public_id=public_id).first()


def _rows(approvals: Sequence[OrderApproval] | QuerySet[OrderApproval]) -> list[ApprovalRow]:
    return [approval_row(approval) for approval in approvals]


def approval_row(approval: OrderApproval) -> ApprovalRow:
    return ApprovalRow(**_facts(approval), halted=approval_halted(approval))


def _facts(approval: OrderApproval) -> ApprovalFacts:
    order = approval.order
    return ApprovalFacts(
        id=approval.public_id,
        order=order.public_id,
        trader=order.trader.get_username(),
        symbol=order.symbol,
        side=order.side,
        quantity=decimal_str(order.quantity),
        algorithm=order.algorithm,
        changes=approval.change_words,
        state=approval.state,
        kinds=list(approval.kinds),
        requested_by=approval.requested_by.get_username(),
        requested_at=epoch_ms(approval.requested_at),
        expires_at=epoch_ms(approval.expires_at),
        decided_by="" if approval.decided_by is None else approval.decided_by.get_username(),
        decided_at=epoch_ms(approval.decided_at),
        reason=approval.reason,
    )
