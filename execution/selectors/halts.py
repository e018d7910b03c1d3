"""Halts: those in force, the orders that they cover, and their progress."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from execution.core.problem_codes import Code
from execution.core.problems import Problem
from execution.core.reconcile import POLLS_NEEDED, Evidence
from execution.core.states import ChildStatus, OrderStatus
from execution.core.types import ZERO
from execution.models import Account, ChildOrder, Halt, HaltKind, HaltScope, Order, Role, User
from execution.models.prepared import Compiled
from execution.payloads.encode import decimal_str, epoch_ms
from execution.payloads.halts import (
    HaltChild,
    HaltCount,
    HaltDetail,
    HaltedOrder,
    HaltNotice,
    HaltPreview,
    HaltRow,
)

#: The first word of the reason of an order that a halt has paused.
HALTED = "halted"
STOPS = (HaltKind.STOP,)
ANY_KIND = (HaltKind.STOP, HaltKind.NO_NEW_ORDERS)
#: A halt pauses orders in these states. An order that is paused or closing already stays so.
PAUSABLE = (OrderStatus.SCHEDULED, OrderStatus.WORKING)

_IN_FORCE = Compiled(lambda: Halt.objects.filter(lifted_at=None))


# --- what covers what ----------------------------------------------------------------------------


def halts_in_force() -> QuerySet[Halt]:
    """Return the halts that nobody has lifted, oldest first. This takes one read of an index."""
    return (
        Halt.objects.filter(lifted_at=None)
        .select_related("account", "trader", "order", "set_by", "lifted_by")
        .order_by("set_at", "pk")
    )


def is_any_in_force() -> bool:
    """Return True if any halt is in force. This takes one plain read, because engines ask at every check."""
    return bool(_IN_FORCE.all())


def halt_covering(
    *,
    trader_pk: int,
    symbol: str,
    algorithm: str,
    account_pks: Collection[int],
    kinds: Collection[str],
    order_pk: int | None = None,
) -> Halt | None:
    """Return a halt of ``kinds`` in force that covers an order with these values; None if there is none.

    If several halts cover it, one that also stops running orders is preferred. A halt of one account covers every
    order that has the account. ``order_pk`` is the order's primary key, if the order exists.
    """
    scopes = (
        Q(scope=HaltScope.DESK)
        | Q(scope=HaltScope.ACCOUNT, account_id__in=account_pks)
        | Q(scope=HaltScope.TRADER, trader_id=trader_pk)
        | Q(scope=HaltScope.SYMBOL, symbol=symbol)
        | Q(scope=HaltScope.ALGORITHM, algorithm=algorithm)
        | Q(scope=HaltScope.ORDER, order_id=order_pk)
    )
    # Few are ever in force at once: sorted here, whatever the kinds' names sort like.
    covering = list(halts_in_force().filter(scopes, kind__in=kinds))
    return min(covering, key=lambda halt: halt.kind != HaltKind.STOP, default=None)


def order_halt(order: Order, kinds: Collection[str] = STOPS) -> Halt | None:
    """Return the halt of ``kinds`` in force that covers the order; None when there is none."""
    if not is_any_in_force():
        return None
    accounts = list(order.accounts.values_list("pk", flat=True))
    return halt_covering(
        trader_pk=order.trader_id,
        symbol=order.symbol,
        algorithm=order.algorithm,
        account_pks=accounts,
        kinds=kinds,
        order_pk=order.pk,
    )


def halt_blocks_order(order: Order, kinds: Collection[str] = STOPS) -> str:
    """Return the reason why a halt keeps the order from trading; empty when none does."""
    halt = order_halt(order, kinds)
    return "" if halt is None else halt_reason(halt)


def halt_reason(halt: Halt) -> str:
    """Return the text by which an order that the halt covers explains why it does not trade."""
    word = HALTED if halt.kind == HaltKind.STOP else "no new orders,"
    return f"{word} {_said_by(halt)}"


def _said_by(halt: Halt) -> str:
    return f"by {halt.set_by.username}: {halt.reason}"


def halt_reasons(halt: Halt) -> tuple[str, ...]:
    """Return the reasons that an order paused by the halt may have. Desks up to 0.1.0 named the person last."""
    return halt_reason(halt), f"{HALTED}: {halt.reason}, by {halt.set_by.username}"


def halt_problem(halt: Halt) -> Problem:
    """Return the problem with which an order that the halt covers is refused. Its ``limit`` is the halt's id."""
    fields = {
        HaltScope.ACCOUNT: "accounts",
        HaltScope.SYMBOL: "symbol",
        HaltScope.ALGORITHM: "algorithm",
    }
    subject = halt_subject(halt)
    name = "The desk" if halt.scope == HaltScope.DESK else subject
    state = "is halted" if halt.kind == HaltKind.STOP else "takes no new orders,"
    message = f"{name} {state} {_said_by(halt)}. A supervisor must lift the halt first."
    field = fields.get(HaltScope(halt.scope), "")
    return Problem(field, message, subject, halt.public_id, code=Code.TRADING_HALTED)


def halt_subject(halt: Halt) -> str:
    """Return the halt's scope in words."""
    if halt.account is not None:
        return halt.account.label
    if halt.trader is not None:
        return halt.trader.username
    if halt.order is not None:
        return str(halt.order.public_id)
    return halt.symbol or halt.algorithm or "the desk"


def orders_covered(halt: Halt) -> QuerySet[Order]:
    return Order.objects.filter(**_in_scope(halt, "accounts", ""))


def orders_to_pause(halt: Halt) -> QuerySet[Order]:
    """Return the orders in the halt's scope that work or are about to start, and so must be paused."""
    return orders_covered(halt).filter(status__in=PAUSABLE)


def children_open(halt: Halt) -> QuerySet[ChildOrder]:
    """Return the children in the halt's scope that may still fill or have unrecorded trades.

    A halt of an account covers the children on that account.
    """
    return ChildOrder.objects.filter(is_settled=False, **_in_scope(halt, "account", "order__"))


def _in_scope(halt: Halt, account: str, order: str) -> dict[str, Any]:
    """Return the halt's scope as a queryset filter.

    ``account`` and ``order`` are the lookup prefixes that lead from the queried table to an account and to an order.
    """
    scopes: dict[HaltScope, dict[str, Any]] = {
        HaltScope.DESK: {},
        HaltScope.ACCOUNT: {account: halt.account},
        HaltScope.TRADER: {f"{order}trader": halt.trader},
        HaltScope.SYMBOL: {"symbol": halt.symbol},
        HaltScope.ALGORITHM: {f"{order}algorithm": halt.algorithm},
        HaltScope.ORDER: {f"{order}pk": halt.order_id},
    }
    return scopes[HaltScope(halt.scope)]


# --- for the pages -------------------------------------------------------------------------------


def halt_notices(person: User) -> list[HaltNotice]:
    """Return the halts in force that concern the person: all of them for a supervisor, none for an admin."""
    if person.role == Role.ADMIN or not is_any_in_force():
        return []
    return [_notice(halt) for halt in halts_concerning(person, halts_in_force())]


def halts_concerning(person: User, halts: QuerySet[Halt]) -> QuerySet[Halt]:
    """Return those of ``halts`` that concern the person: all of them for a supervisor, none for an admin."""
    if person.role == Role.ADMIN:
        return halts.none()
    if person.role != Role.TRADER:
        return halts
    return halts.filter(
        Q(scope__in=(HaltScope.DESK, HaltScope.SYMBOL, HaltScope.ALGORITHM))
        | Q(account__in=person.accounts.all())
        | Q(trader=person)
        | Q(order__trader=person)
    )


def halt_rows(*, lifted: bool, limit: int) -> list[HaltRow]:
    """Return the halts in force, oldest first.

    With ``lifted``, return the halts that were lifted last, newest first.
    """
    if not lifted:
        return [_row(halt) for halt in halts_in_force()[:limit]]
    former = Halt.objects.exclude(lifted_at=None).select_related(
        "account", "trader", "order", "set_by", "lifted_by"
    )
    return [_row(halt) for halt in former.order_by("-lifted_at", "-pk")[:limit]]


def halt_row(public_id: str) -> HaltDetail | None:
    """Return the halt with its progress and the orders that wait because of it; None when there is no such halt."""
    halts = Halt.objects.select_related("account", "trader", "order", "set_by", "lifted_by")
    halt = halts.filter(public_id=public_id).first()
    if halt is None:
        return None
    paused = halt.orders.filter(status=OrderStatus.PAUSED).order_by("symbol", "trader__username", "pk")
    names = paused.values_list("public_id", "symbol", "trader__username")
    waiting = [HaltedOrder(id=name, symbol=symbol, trader=trader) for name, symbol, trader in names]
    return HaltDetail(**_row(halt), waiting=waiting)


def _notice(halt: Halt) -> HaltNotice:
    return HaltNotice(
        id=halt.public_id,
        kind=halt.kind,
        scope=halt.scope,
        subject=halt_subject(halt),
        reason=halt.reason,
        set_by=halt.set_by.username,
        set_at=epoch_ms(halt.set_at),
    )


def _row(halt: Halt) -> HaltRow:
    settled = list(halt.children.values_list("is_settled", flat=True))
    still = halt.children.filter(is_settled=False).select_related("order", "account").order_by("pk")
    flat_after = None if halt.flat_at is None else epoch_ms(halt.flat_at) - epoch_ms(halt.set_at)
    return HaltRow(
        **_notice(halt),
        swept_at=epoch_ms(halt.swept_at),
        flat_at=epoch_ms(halt.flat_at),
        time_to_flat=flat_after,
        lifted_by="" if halt.lifted_by is None else halt.lifted_by.username,
        lifted_at=epoch_ms(halt.lifted_at),
        lift_reason=halt.lift_reason,
        keeps_time=halt.keeps_time,
        orders=halt.orders.count(),
        children=len(settled),
        settled=sum(settled),
        open=[_open(child) for child in still],
    )


def _open(child: ChildOrder) -> HaltChild:
    return HaltChild(
        order=child.order.public_id,
        account=child.account.label,
        symbol=child.symbol,
        side=child.side,
        quantity=decimal_str(child.quantity),
        filled=decimal_str(child.filled),
        status=child.status,
        reason=_in_the_way(child),
    )


def _in_the_way(child: ChildOrder) -> str:
    account = child.account
    if child.status == ChildStatus.UNKNOWN:
        evidence = Evidence.from_json(child.evidence)
        polls = ", ".join(f"{kind.replace('_', ' ')} {len(at)}" for kind, at in evidence.not_found.items())
        return f"{child.reason}; polls that did not find it: {polls} (of {POLLS_NEEDED} each)"
    if account.owner_id is None:
        return f"no worker trades account {account.label}"
    asked = child.cancel_requested_at
    if account.error and account.error_at is not None and asked is not None and account.error_at >= asked:
        return account.error
    if child.reported_filled is not None and child.reported_filled > child.filled:
        return (
            f"the exchange reports {decimal_str(child.reported_filled)} filled; the trades are not listed yet"
        )
    return ""


def preview_of(halt: Halt, phrase: str) -> HaltPreview:
    """Return the orders and children that a halt would pause and cancel if it were set."""
    is_stop = halt.kind == HaltKind.STOP
    pausing = list(orders_to_pause(halt).values_list("pk", "accounts__label")) if is_stop else []
    children = list(children_open(halt).select_related("account")) if is_stop else []
    by_account: defaultdict[str, set[int]] = defaultdict(set)
    for pk, label in pausing:
        # An account's halt counts what happens there, though its orders pause everywhere.
        if halt.scope != HaltScope.ACCOUNT or label == halt_subject(halt):
            by_account[label].add(pk)
    for child in children:
        by_account[child.account.label].add(child.order_id)
    return HaltPreview(
        kind=halt.kind,
        scope=halt.scope,
        subject=halt_subject(halt),
        phrase=phrase,
        orders=len({pk for pk, _ in pausing}),
        children=len(children),
        accounts=[
            _count(label, len(by_account[label]), [c for c in children if c.account.label == label])
            for label in sorted(by_account)
        ],
    )


def _count(account: str, orders: int, children: list[ChildOrder]) -> HaltCount:
    sums: dict[str, Decimal | None] = {}
    for child in children:
        currency = child.symbol.partition("/")[2]
        so_far = sums.get(currency, ZERO)
        left = max(child.quantity - max(child.filled, child.reported_filled or ZERO), ZERO)
        sums[currency] = None if so_far is None or child.price is None else so_far + left * child.price
    return HaltCount(
        account=account,
        orders=orders,
        children=len(children),
        notional={currency: decimal_str(total) for currency, total in sums.items()},
    )


def symbol_is_known(symbol: str) -> bool:
    """Return True if the desk trades the symbol on an account, or has an order in it."""
    listed = (symbol in symbols for symbols in Account.objects.values_list("symbols", flat=True))
    return any(listed) or Order.objects.filter(symbol=symbol).exists()
