"""Rules that hold for every order at every moment, after any fault (I5, I6, I7's halts, I12, I13).

I5 and the like are the numbers of the rules in the documents. The checks read all rows again from the database. The
module imports only models, core and the reading of halts. So a simulation, or any test, can call it at its end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal

from execution.core.journal import GENESIS, Entry, broken_at, fold_quantity, fold_status, fold_terms_version
from execution.core.reconcile import ChildFacts, is_over, settled
from execution.core.states import CHILD_FINAL, ORDER_FINAL, ChildStatus, OrderEvent, OrderStatus, order_after
from execution.core.types import ZERO
from execution.models import AuditEntry, ChildOrder, Fill, Halt, HaltKind, JournalEntry, Order
from execution.selectors.fees import fees_of
from execution.selectors.halts import orders_covered

#: The only move out of a child's final state: it was proven absent, and appeared at the exchange after all.
COMES_BACK = (ChildStatus.ABSENT, ChildStatus.CANCELLING)
#: The name that both of these states had in journals before migration 0010.
FORMERLY = "intended"
FORMERLY_BOTH = frozenset({ChildStatus.PENDING_SUBMIT, ChildStatus.SUBMITTED})


def all_broken(order: Order) -> list[str]:
    """Return the rules that ``order`` breaks. If the order has ended, include the rules about its end."""
    return broken_rules(order) + (broken_at_the_end(order) if order.status in ORDER_FINAL else [])


def broken_rules(order: Order) -> list[str]:
    """Return the broken rules among those that hold at every moment.

    The rows are read from the database that ``order`` was read from.
    """
    database = order._state.db
    order = Order.objects.using(database).select_related("terms").get(pk=order.pk)
    journal = list(order.journal.order_by("version"))
    children = list(order.children.order_by("sequence"))
    fills = list(order.fills.all())
    return [
        *_journal(order, journal),
        *_statuses(journal),
        *_money(order, fills),
        *_sums(order, children, fills),
        *_children(order, children),
        *_child_histories(journal, children),
        *_strangers(children),
        *_halts(order, children),
    ]


def broken_at_the_end(order: Order) -> list[str]:
    """Return the broken rules among those that hold at the end of an order.

    They hold once the order has ended and its exchange has reported everything.
    """
    order = Order.objects.using(order._state.db).get(pk=order.pk)
    open_ended = [child.sequence for child in order.children.filter(is_settled=False)]
    broken = []
    if order.status not in ORDER_FINAL:
        broken.append(f"it is still {order.status}")
    if order.ended_at is None:
        broken.append(f"it is {order.status} and has no end")
    if open_ended:
        broken.append(f"children {open_ended} are not settled")
    if order.status == OrderStatus.COMPLETED and order.filled < order.quantity:
        broken.append(f"completed with {order.filled} of {order.quantity}")
    return broken


def _entry(row: JournalEntry) -> Entry:
    return Entry(row.version, row.kind, row.actor, row.reason, row.data, row.at)


def _journal(order: Order, journal: list[JournalEntry]) -> Iterator[str]:
    """Check that the journal's hash chain is whole, and that it leads to the order's hash, status and terms."""
    entries = [_entry(row) for row in journal]
    at = broken_at((entry, row.hash) for entry, row in zip(entries, journal, strict=True))
    if at is not None:
        yield f"the journal's chain is broken at version {at}"
    if len(journal) != order.version:
        yield f"{len(journal)} journal entries and version {order.version}"
    if order.journal_hash != (journal[-1].hash if journal else GENESIS):
        yield "the order's hash is not the newest entry's"
    if fold_status(entries) != order.status:
        yield f"the journal leads to {fold_status(entries)}, the order is {order.status}"
    terms = None if order.terms is None else order.terms.version
    if fold_terms_version(entries) != terms:
        yield f"the journal leads to terms {fold_terms_version(entries)}, the order has {terms}"
    if fold_quantity(entries) != order.quantity:
        yield f"the journal leads to a quantity of {fold_quantity(entries)}, the order has {order.quantity}"
    yield from (f"entry {entry.version} has no actor" for entry in entries if not entry.actor)


def _statuses(journal: list[JournalEntry]) -> Iterator[str]:
    """Check each change of status against the transition table and the kind of the journal entry."""
    status: OrderStatus | None = None
    for row in journal:
        if "status" not in row.data:
            continue
        after = OrderStatus(row.data["status"])
        if status is not None and order_after(status, OrderEvent(row.kind)) != after:
            yield f"entry {row.version}: {status} by {row.kind} became {after}"
        status = after


def _money(order: Order, fills: list[Fill]) -> Iterator[str]:
    filled = sum((fill.quantity for fill in fills), ZERO)
    notional = sum((fill.price * fill.quantity for fill in fills), ZERO)
    if order.filled != filled or order.notional != notional:
        yield f"order {order.filled} for {order.notional}, its fills {filled} for {notional}"
    fees: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        for currency, amount in fees_of(fill):
            fees[currency] += amount
    kept = {currency: Decimal(text) for currency, text in order.fees.items()}
    if kept != fees:
        yield f"order's fees {kept}, its fills' {dict(fees)}"
    if order.filled > order.quantity and not order.journal.filter(kind="alert").exists():
        yield f"overfilled with {order.filled} of {order.quantity}, and nobody was alerted"


def _sums(order: Order, children: list[ChildOrder], fills: list[Fill]) -> Iterator[str]:
    by_child: dict[int | None, list[Fill]] = defaultdict(list)
    for fill in fills:
        by_child[fill.child_id].append(fill)
    if by_child[None]:
        yield f"{len(by_child[None])} fills of the order belong to no child"
    for child in children:
        filled = sum((fill.quantity for fill in by_child[child.pk]), ZERO)
        notional = sum((fill.price * fill.quantity for fill in by_child[child.pk]), ZERO)
        if (child.filled, child.notional) != (filled, notional):
            yield f"child {child.sequence} has {child.filled} for {child.notional}, its fills {filled} for {notional}"
    total = sum((child.filled for child in children), ZERO)
    if total != order.filled:
        yield f"children filled {total}, the order {order.filled}"
    trades = Counter((fill.account_id, fill.symbol, fill.trade_id, fill.side) for fill in fills)
    yield from (f"trade {key} is recorded {count} times" for key, count in trades.items() if count > 1)


def _children(order: Order, children: list[ChildOrder]) -> Iterator[str]:
    """Check that no child's reported quantity is below its fills, and that ``is_settled`` follows the rule.

    Sequence numbers must have no gap, and client ids must be unique.
    """
    for child in children:
        name = f"child {child.sequence}"
        if child.filled > ZERO and child.reported_filled is None:
            yield f"{name} has fills and nothing reported"
        if child.reported_filled is not None and child.reported_filled < child.filled:
            yield f"{name} reported {child.reported_filled}, filled {child.filled}"
        facts = ChildFacts(ChildStatus(child.status), child.quantity, child.reported_filled, child.filled)
        if child.is_settled != settled(facts):
            yield f"{name} is settled: {child.is_settled}; the rule says {settled(facts)}"
        if (child.over_at is not None) != is_over(facts):
            yield f"{name} is over: {is_over(facts)}; it was told at {child.over_at}"
        if (child.ended_at is not None) != child.is_settled:
            yield f"{name} is settled: {child.is_settled}; it ended at {child.ended_at}"
    sequences = [child.sequence for child in children]
    if sequences != list(range(1, order.next_sequence)):
        yield f"sequences {sequences}, the next is {order.next_sequence}"
    same_ids = ChildOrder.objects.using(order._state.db).filter(client_id__in=[c.client_id for c in children])
    if same_ids.count() != len(children):
        yield "client ids are not unique"


def _child_histories(journal: list[JournalEntry], children: list[ChildOrder]) -> Iterator[str]:
    """Check each child in the journal.

    Its figures never fall, its final states stay, and its last state is that of its row.
    """
    last: dict[int, str] = {}
    reported: dict[int, Decimal] = defaultdict(Decimal)
    for row in journal:
        if "child_status" not in row.data:
            continue
        number, named = int(row.data["child"]), row.data["child_status"]
        after = named if named == FORMERLY else ChildStatus(named)
        before = last.get(number)
        if before in CHILD_FINAL and after not in CHILD_FINAL and (before, after) != COMES_BACK:
            yield f"entry {row.version}: child {number} was {before} and became {after}"
        last[number] = after
        figure = Decimal(row.data.get("reported") or 0)
        if row.data.get("reported") is not None and figure < reported[number]:
            yield f"entry {row.version}: child {number} reported {figure} after {reported[number]}"
        reported[number] = max(reported[number], figure)
    for child in children:
        known = last.get(child.sequence)
        if known != child.status and not (known == FORMERLY and child.status in FORMERLY_BOTH):
            yield f"child {child.sequence} is {child.status}, the journal says {known}"


def _strangers(children: list[ChildOrder]) -> Iterator[str]:
    for child in children:
        if not child.exchange_id:
            continue
        loose = (
            Fill.objects.using(child._state.db)
            .filter(
                account_id=child.account_id,
                symbol=child.symbol,
                exchange_order_id=child.exchange_id,
            )
            .exclude(child=child)
        )
        yield from (f"trade {fill.trade_id} of child {child.sequence} is not with it" for fill in loose)


def _halts(order: Order, children: list[ChildOrder]) -> Iterator[str]:
    """Check I7: no child was intended while a stop that covers the order was in force.

    The check compares no times. When a halt is set or lifted, the audit entry names the newest child of the desk. The
    newest child is read while the gate is locked, so no other child can be placed in between.
    """
    database = order._state.db
    for halt in Halt.objects.using(database).filter(kind=HaltKind.STOP):
        if not orders_covered(halt).using(database).filter(pk=order.pk).exists():
            continue
        newest = {"halt_set": 0, "halt_lifted": 2**63}
        for entry in AuditEntry.objects.using(database).filter(subject=halt.public_id):
            child = ChildOrder.objects.using(database).filter(client_id=entry.data["last_child"]).first()
            newest[entry.kind] = 0 if child is None else child.pk
        slipped = [c.sequence for c in children if newest["halt_set"] < c.pk <= newest["halt_lifted"]]
        if slipped:
            yield f"I7: children {slipped} were intended under the halt {halt.public_id} ({halt.reason})"
