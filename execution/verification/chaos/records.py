"""Reads of the installation's database that also work while the database is sometimes away."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from django.db import DatabaseError, InterfaceError, connections

from execution.core.states import ORDER_DRIVEN, ORDER_FINAL, ChildStatus
from execution.models import Account, ChildOrder, Fill, JournalEntry, Order, Worker
from execution.verification.benchmark.records import ALIAS
from execution.verification.chaos.books import books_problems
from execution.verification.invariants import all_broken

T = TypeVar("T")
DATABASE_WITHIN = 30.0


def tried(read: Callable[[], T]) -> T:
    """Return the result of ``read()``. Retry for a while when the database does not answer."""
    deadline = time.monotonic() + DATABASE_WITHIN
    while True:
        try:
            return read()
        except (DatabaseError, InterfaceError):
            connections[ALIAS].close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def engines_alive() -> set[int]:
    """Return the process ids of the engines that hold a lease."""
    rows = Worker.objects.using(ALIAS).filter(stopped_at=None, lease_until__gt=datetime.now(UTC))
    return tried(lambda: set(rows.values_list("process_id", flat=True)))


def accounts_open() -> int:
    """Return the number of accounts that have been reconciled, and so may trade."""
    return tried(lambda: Account.objects.using(ALIAS).exclude(reconciled_until=None).count())


@dataclass(frozen=True, slots=True)
class Left:
    """An order that is left over after a run, because it has no final state."""

    public_id: str
    status: str
    needs_person: bool
    reason: str
    end_at: datetime | None


def orders_left() -> list[Left]:
    rows = Order.objects.using(ALIAS).exclude(status__in=ORDER_FINAL).order_by("pk")
    fields = ("public_id", "status", "needs_person", "reason", "terms__end_at")
    return tried(lambda: [Left(*row) for row in rows.values_list(*fields)])


def children_unsettled() -> int:
    return tried(lambda: ChildOrder.objects.using(ALIAS).filter(is_settled=False).count())


@dataclass
class OwnerWatch:
    """A thread that looks twice a second for orders that no worker with a lease drives, and measures for how long."""

    longest: float = 0.0
    _since: dict[str, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._watch, name="owners", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            try:
                self._poll()
            except (DatabaseError, InterfaceError):
                connections[ALIAS].close()
        connections[ALIAS].close()

    def _poll(self) -> None:
        orders = Order.objects.using(ALIAS).filter(status__in=ORDER_DRIVEN)
        rows = list(orders.values_list("public_id", "owner__lease_until"))
        wall, now = datetime.now(UTC), time.monotonic()
        orphans = {public_id for public_id, until in rows if until is None or until < wall}
        self._since = {public_id: self._since.get(public_id, now) for public_id in orphans}
        self.longest = max(self.longest, *(now - since for since in self._since.values()), 0.0)


# --- the judgement -------------------------------------------------------------------------------


def outcomes(public_ids: Sequence[str]) -> dict[str, Counter[str]]:
    """Return the number of orders in each state, by algorithm."""
    counts: dict[str, Counter[str]] = {}
    for algorithm, status in (
        Order.objects.using(ALIAS)
        .filter(public_id__in=public_ids)
        .order_by("algorithm")
        .values_list("algorithm", "status")
    ):
        counts.setdefault(algorithm, Counter())[status] += 1
    return counts


def not_completed(public_ids: Sequence[str]) -> list[str]:
    """Return a line for each order that did not complete, with its reason."""
    orders = Order.objects.using(ALIAS).filter(public_id__in=public_ids).exclude(status="completed")
    return [
        f"{order.public_id} {order.algorithm} {order.symbol} {order.status}, {order.filled} of "
        f"{order.quantity}: {order.reason or order.why or 'NO REASON'}"
        for order in orders.order_by("pk")
    ]


def child_figures() -> dict[str, int]:
    """Return the number of fills and four numbers of children.

    The numbers are those of all children, of sent children, of children that were ``unknown`` at some time, and of
    children that are ``absent`` now.
    """
    children = ChildOrder.objects.using(ALIAS)
    lost = JournalEntry.objects.using(ALIAS).filter(data__child_status=ChildStatus.UNKNOWN)
    return {
        "children": children.count(),
        "sent": children.exclude(submitted_at=None).count(),
        "unknown": len(set(lost.values_list("order_id", "data__child"))),
        "absent": children.filter(status=ChildStatus.ABSENT).count(),
        "fills": Fill.objects.using(ALIAS).count(),
    }


class VenueBooks(Protocol):
    """The books that a venue itself keeps of one account of the desk, with the account's label."""

    @property
    def label(self) -> str: ...

    def ledger(self) -> dict[str, Any]: ...


def problems(public_ids: Sequence[str], venues: Sequence[VenueBooks]) -> Iterator[str]:
    """Yield the problems after a run: those in each order's own rows, and differences from the venues' ledgers."""
    orders = Order.objects.using(ALIAS).order_by("pk")
    if missing := set(public_ids) - set(orders.values_list("public_id", flat=True)):
        yield f"launched orders are gone: {sorted(missing)}"
    if (known := orders.count()) > len(public_ids):
        yield f"{known} orders were made of {len(public_ids)} launches (I8)"
    for order in orders:
        yield from _order_problems(order)
    for venue in venues:
        children = ChildOrder.objects.using(ALIAS).filter(account__label=venue.label)
        fills = Fill.objects.using(ALIAS).filter(account__label=venue.label)
        yield from (f"{venue.label}: {text}" for text in books_problems(children, fills, venue.ledger()))


def _order_problems(order: Order) -> Iterator[str]:
    said = order.reason or order.why
    if order.status != "completed" and not said:
        yield f"{order.public_id} is {order.status} and says no reason"
    if order.filled > order.quantity:
        yield f"I1: {order.public_id} filled {order.filled} of {order.quantity}"
    if order.status not in ORDER_FINAL and not order.needs_person:
        yield f"I16: {order.public_id} is {order.status}, not final: {said}"
    yield from (f"{order.public_id}: {rule}" for rule in all_broken(order))
