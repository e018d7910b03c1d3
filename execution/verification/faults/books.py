"""The comparison of the desk's books with the exchanges' ledgers at the end of a seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from execution.core.states import ORDER_FINAL, ChildStatus
from execution.core.types import VenueStatus
from execution.models import ChildOrder, Fill, JournalEntry, Order
from execution.verification.faults.exchange import Exchange
from execution.verification.faults.virtual import at
from execution.verification.invariants import all_broken

Row = tuple[str, str, str, Decimal, Decimal, Decimal | None, str]


def orders_problems() -> Iterable[str]:
    """Yield, for each order, the rules of ``verification.invariants`` that the order's own rows break."""
    for order in Order.objects.order_by("pk"):
        yield from (f"order {order.public_id}: {text}" for text in all_broken(order))


def guard_problems() -> Iterable[str]:
    """Return the decisions of the core that a later check had to refuse. The core must never make such a decision."""
    for entry in JournalEntry.objects.filter(kind="alert", reason__contains="refused by an invariant"):
        yield f"the core decided what a guard refused: {entry.reason}"


def books_problems(exchanges: Mapping[str, Exchange]) -> Iterable[str]:
    """Check the invariants I2, I3, I4 and I6 trade by trade, and yield the problems.

    ``exchanges`` has each account's exchange by the account's label.
    """
    distinct = {exchange.name: exchange for exchange in exchanges.values()}.values()
    children = {child.client_id: child for child in ChildOrder.objects.all()}
    for exchange in distinct:
        for client_id, times in exchange.ledger.taken.items():
            if times > 1:
                yield f"I3: {client_id} was accepted {times} times"
        for order in exchange.ledger.orders.values():
            if order.request.client_id not in children:
                yield f"I4: {order.request.client_id} at the venue has no child"
            if order.status is VenueStatus.OPEN:
                yield f"I4: {order.request.client_id} is still open at the venue"
    ours, theirs = _fills(), _trades(exchanges)
    yield from (f"I2: the venue's {row} is not in our books" for row in sorted(theirs - ours, key=str))
    yield from (f"I2: our {row} is not in the venue's books" for row in sorted(ours - theirs, key=str))


def _fills() -> set[Row]:
    return {
        (
            fill.account.label,
            fill.trade_id,
            fill.side,
            fill.price,
            fill.quantity,
            fill.fee,
            fill.child.client_id if fill.child is not None else "",
        )
        for fill in Fill.objects.select_related("account", "child")
    }


def _trades(exchanges: Mapping[str, Exchange]) -> set[Row]:
    return {
        (
            known.account,
            known.trade.trade_id,
            str(known.trade.side),
            known.trade.price,
            known.trade.quantity,
            known.trade.fee,
            known.trade.client_id or "",
        )
        for label, exchange in exchanges.items()
        for known in exchange.ledger.trades
        if known.account == label
    }


def cancels_forgotten(before: datetime, exchanges: Mapping[str, Exchange]) -> list[str]:
    """Return a line for each child whose cancel has been pending since ``before`` or longer (I10).

    An order that its exchange has listed only since then could not be cancelled earlier. ``exchanges`` has each
    account's exchange by the account's label.
    """
    late = {
        order.request.client_id
        for exchange in exchanges.values()
        for order in exchange.ledger.orders.values()
        if at(order.listed) > before
    }
    waiting = ChildOrder.objects.filter(
        status=ChildStatus.CANCELLING, is_settled=False, cancel_requested_at__lt=before
    )
    names = set(waiting.values_list("client_id", flat=True)) - late
    return [f"I10: {name} waits for its cancel" for name in sorted(names)]


def unfinished() -> list[str]:
    """Return a line for each order that is not final, and for each child that may still fill or has unrecorded
    trades.
    """
    orders = Order.objects.exclude(status__in=ORDER_FINAL).values_list("public_id", "status", "why", "reason")
    children = ChildOrder.objects.filter(is_settled=False).values_list(
        "client_id", "status", "filled", "reported_filled"
    )
    return [f"order {row}" for row in orders] + [f"child {row}" for row in children]
