"""Checks of invariants after each commit, by separate statements: I1, I3 to I5, I7, I9, I11, I14, I17 to I19."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from execution.core.states import CHILD_FINAL, CHILD_TRANSITIONS, ChildStatus
from execution.core.types import ZERO, Quote, VenueStatus
from execution.verification.faults.exchange import Exchange
from execution.verification.faults.ledger import VenueOrder
from execution.verification.faults.process import Process
from execution.verification.faults.solvency import Solvency

TOUCHES = (
    "CREATE TEMP TABLE touched (order_id INTEGER PRIMARY KEY)",
    "CREATE TEMP TRIGGER child_new AFTER INSERT ON main.execution_childorder "
    "BEGIN INSERT OR IGNORE INTO touched VALUES (NEW.order_id); END",
    "CREATE TEMP TRIGGER child_changed AFTER UPDATE ON main.execution_childorder "
    "BEGIN INSERT OR IGNORE INTO touched VALUES (NEW.order_id); END",
)
CHILDREN = (
    "SELECT c.sequence, c.client_id, c.status, c.quantity, c.filled, c.reported_filled, c.is_settled, c.price,"
    " c.submitted_at IS NOT NULL, c.submitted_fence, c.account_id FROM execution_childorder c WHERE c.order_id = ?"
    " ORDER BY c.sequence"
)
ORDER = (
    "SELECT o.public_id, o.status, o.side, o.quantity, o.trader_id, o.owner_id, t.limit_price, t.end_at, t.parameters"
    " FROM execution_order o JOIN execution_orderterms t ON t.id = o.terms_id WHERE o.id = ?"
)
OWNERS = {
    "order_pk": "SELECT owner_id FROM execution_order WHERE id = ?",
    "child_pk": "SELECT CASE WHEN a.reconciled_fence = a.fence OR a.fence = json_extract("
    """a.symbols_read, '$."' || c.symbol || '".fence') THEN a.owner_id END FROM execution_childorder c"""
    " JOIN execution_account a ON a.id = c.account_id WHERE c.id = ?",
}
STOPS = "SELECT scope, account_id, trader_id FROM execution_halt WHERE kind = 'stop' AND lifted_at IS NULL"
#: The oldest quote that may be used. It is not the product's own constant, which may be what is wrong.
STALE = timedelta(seconds=5)
#: The longest time from a child's decision to its submit.
LASTS = timedelta(seconds=2)
QUOTES_KEPT = 200
#: A request with at most this validity expires before another worker can hold its account.
SHORT = timedelta(seconds=1)
#: More than any difference of two clocks. The time that a statement waited after reading ``now`` is added to it.
CLOCKS = 0.5  # seconds
#: The longest time that a request may arrive after its validity, by whatever clock.
ARRIVAL = timedelta(seconds=0.5)


def reachable() -> dict[ChildStatus, frozenset[ChildStatus]]:
    """Return the states that a child can reach from each state, in any number of steps."""
    steps: dict[ChildStatus, set[ChildStatus]] = {status: {status} for status in ChildStatus}
    for _ in ChildStatus:
        for (before, _event), after in CHILD_TRANSITIONS.items():
            for known in steps.values():
                if before in known:
                    known.add(after)
    return {status: frozenset(after) for status, after in steps.items()}


REACHABLE = reachable()


@dataclass(frozen=True, slots=True)
class Child:
    sequence: int
    client_id: str
    status: ChildStatus
    quantity: Decimal
    filled: Decimal
    reported: Decimal | None
    is_settled: bool
    price: Decimal | None
    is_submitted: bool
    submitted_fence: int | None
    account: int

    @property
    def done(self) -> Decimal:
        return max(self.filled, self.reported or ZERO)

    @property
    def is_over(self) -> bool:
        return self.status in CHILD_FINAL and self.reported is not None

    @property
    def may_become(self) -> Decimal:
        return self.done if self.is_over else max(self.quantity, self.done)


class Watch:
    """The checks of a simulation. ``fail`` is called with each violation."""

    def __init__(
        self,
        raw: sqlite3.Connection,
        *,
        exchange_of: Callable[[int], Exchange],
        now: Callable[[], datetime],
        actor: Callable[[], Process | None],
        fail: Callable[[str], None],
        is_priced: Callable[[int], bool],
    ) -> None:
        self._raw = raw
        self._exchange_of = exchange_of
        self._now = now
        self._actor = actor
        self._fail = fail
        self._seen: dict[str, Child] = {}
        self._written_at: dict[str, datetime] = {}
        #: The last quotes that each venue's connections received, by the venue's name.
        self.told: dict[str, deque[Quote]] = {}
        #: The beginning (by the process's own clock) and the fence of the last read, by process, account and list.
        self._reads: dict[tuple[str, str, str], tuple[datetime, int]] = {}
        self._solvency = Solvency(raw, is_priced)
        for statement in TOUCHES:
            raw.execute(statement)

    def committed(self) -> None:
        """Check, after a commit, each order whose children it changed."""
        for problem in self._solvency.committed():
            self._fail(problem)
        touched = self._raw.execute("SELECT order_id FROM touched").fetchall()
        if touched:
            self._raw.execute("DELETE FROM touched")
            for (order_pk,) in touched:
                for problem in self._order(order_pk):
                    self._fail(problem)

    def note_quote(self, exchange: Exchange, quote: Quote) -> None:
        """Remember a quote that a connection has received. Its ``at`` is the time of receipt."""
        told = self.told.setdefault(exchange.name, deque(maxlen=QUOTES_KEPT))
        if quote.bid.is_finite() and quote.ask.is_finite() and ZERO < quote.bid < quote.ask:
            told.append(quote)

    def note_read(self, process: Process, account: str, what: str, begun: datetime) -> None:
        """Remember when ``process`` began to read a list of an account, and the account's present fence."""
        (fence,) = self._raw.execute(
            "SELECT fence FROM execution_account WHERE label = ?", (account,)
        ).fetchone()
        self._reads[process.name, account, what] = begun, fence

    def owner_of(self, name: str, key: int) -> int | None:
        """Return the worker that drives an order, or the worker that holds a child's account and has reconciled it."""
        owner: int | None = self._raw.execute(OWNERS[name], (key,)).fetchone()[0]
        return owner

    def states_of(self, client_id: str) -> list[str]:
        """Return the child's state, or without a ``client_id`` those of all live orders and children."""
        if client_id:
            rows = self._raw.execute(
                "SELECT status FROM execution_childorder WHERE client_id = ?", (client_id,)
            )
            return [f"child {row[0]}" for row in rows] or ["no child"]
        orders = self._raw.execute("SELECT DISTINCT status FROM execution_order WHERE ended_at IS NULL")
        children = self._raw.execute("SELECT DISTINCT status FROM execution_childorder WHERE NOT is_settled")
        live = [f"order {row[0]}" for row in orders] + [f"child {row[0]}" for row in children]
        return live or ["no order"]

    def accepted(self, order: VenueOrder) -> None:
        """Check an order on a book against its submitted child, by the invariants I3, I5, I7, I9 and I19."""
        client_id, request = order.request.client_id, order.request
        row = self._raw.execute(
            "SELECT c.status, c.quantity, c.price, c.side, c.time_in_force, c.submitted_fence, a.fence, a.label,"
            " t.end_at, a.id"
            " FROM execution_childorder c JOIN execution_account a ON a.id = c.account_id"
            " JOIN execution_order o ON o.id = c.order_id JOIN execution_orderterms t ON t.id = o.terms_id"
            " WHERE c.client_id = ? AND c.submitted_at IS NOT NULL",
            (client_id,),
        ).fetchone()
        if row is None:
            self._fail(f"I3: {client_id} was sent and is no submitted child")
            return
        status, quantity, price, side, time_in_force, submitted_fence, fence, label, end_at, account = row
        said = (Decimal(quantity), Decimal(price), side, time_in_force, label)
        sent = (request.quantity, request.price, request.side, request.time_in_force, order.account)
        if said != sent:
            self._fail(f"I3: {client_id} was sent as {sent}, its row says {said}")
        if ChildStatus(status) in CHILD_FINAL:
            self._fail(f"I5: {client_id} reached the book when it was {status}")
        self._meets_none(order, self._exchange_of(account))
        within = self._exchange_of(account).guarantees.arrives_within
        self._not_too_late(client_id, end_at, within)
        # A longer validity outlasts a lease: then the order belongs to a child that the next holder has as unknown.
        if submitted_fence != fence and within is not None and within <= SHORT:
            self._fail(f"I9: {client_id} was submitted under fence {submitted_fence} and sent under {fence}")

    def _meets_none(self, order: VenueOrder, exchange: Exchange) -> None:
        """Check I19: an order that reached a book must not cross an open order of the same account."""
        request = order.request
        for other in exchange.ledger.orders.values():
            rests = other.request
            if other.status is not VenueStatus.OPEN or other.account != order.account:
                continue
            gap = ((request.price or ZERO) - (rests.price or ZERO)) * request.side.sign
            if rests.side is request.side.opposite and gap >= ZERO:
                self._fail(
                    f"I19: {request.client_id}, a {request.side} at {request.price}, met {rests.client_id},"
                    f" which rests a {rests.side} at {rests.price} on {order.account}"
                )

    def _not_too_late(self, client_id: str, end_at: datetime, within: timedelta | None) -> None:
        end_at = end_at if end_at.tzinfo else end_at.replace(tzinfo=UTC)
        if within is not None and self._now() - end_at > timedelta(seconds=CLOCKS) + ARRIVAL + within:
            self._fail(f"I7: {client_id} reached the book after the end {end_at}")

    # --- inside ---------------------------------------------------------------------------------

    def _order(self, order_pk: int) -> Iterable[str]:
        public_id, status, side, quantity, trader, owner, limit, end_at, parameters = self._raw.execute(
            ORDER, (order_pk,)
        ).fetchone()
        children = [
            Child(
                sequence,
                client_id,
                ChildStatus(state),
                Decimal(asked),
                Decimal(filled),
                None if reported is None else Decimal(reported),
                bool(is_settled),
                None if price is None else Decimal(price),
                bool(taken),
                fence,
                account,
            )
            for sequence, client_id, state, asked, filled, reported, is_settled, price, taken, fence, account in (
                self._raw.execute(CHILDREN, (order_pk,))
            )
        ]
        facts = Facts(
            public_id, status, 1 if side == "buy" else -1, Decimal(quantity), trader, owner, limit, end_at
        )
        for child in children:
            before = self._seen.get(child.client_id)
            if before == child:
                continue
            self._seen[child.client_id] = child
            yield from self._moved(before, child)
            if before is None:
                yield from self._written(facts, child, children)
            if child.is_submitted and (before is None or not before.is_submitted):
                yield from self._taken(facts, child)
        yield from self._visible(facts, children, str(parameters))

    def _moved(self, before: Child | None, child: Child) -> Iterable[str]:
        """Check a child's change of state (I5). If the child has ended, compare it with the exchange's own ledger."""
        name = child.client_id
        if before is not None:
            if child.status not in REACHABLE[before.status]:
                yield f"I5: {name} went from {before.status} to {child.status}"
            if before.status is ChildStatus.ABSENT and child.status is not ChildStatus.ABSENT:
                yield f"I5: {name} was proven absent and is {child.status}"
            if (child.reported or ZERO) < (before.reported or ZERO) or child.filled < before.filled:
                yield f"I5: {name} fell from {before.reported}, {before.filled} to {child.reported}, {child.filled}"
        yield from self._ended(before, child)

    def _ended(self, before: Child | None, child: Child) -> Iterable[str]:
        """Compare a child that has just become over or settled with the exchange's ledger.

        It must not be open at the exchange. A settled child must have exactly the fills of the ledger. The filled
        quantity of any other child must be at least that of the ledger, apart from an overfill.
        """
        if not child.is_over or (
            before is not None
            and (before.is_over, before.is_settled, before.filled) == (True, child.is_settled, child.filled)
        ):
            return
        name = child.client_id
        theirs = [
            order
            for order in self._exchange_of(child.account).ledger.orders.values()
            if order.request.client_id == name
        ]
        open_there = [order for order in theirs if order.status is VenueStatus.OPEN]
        filled = sum((order.filled for order in theirs), ZERO)
        is_open = "open" if open_there else "over"
        if child.is_settled and (open_there or filled != child.filled):
            yield f"I4: {name} is settled with {child.filled}, at the venue it is {is_open} with {filled}"
        elif open_there or min(filled, child.quantity) > child.done:
            yield f"I1: {name} is over with {child.done}, at the venue it is {is_open} with {filled}"

    def _written(self, facts: Facts, child: Child, children: list[Child]) -> Iterable[str]:
        """Check I1, I7, I9 and I14 of a child that has just been written."""
        name = child.client_id
        self._written_at[name] = self._now()
        total = sum((known.may_become for known in children), ZERO)
        if total > facts.quantity:
            yield f"I1: with {name} {total} could be filled of {facts.quantity}"
        yield from (f"I7: {name} was written {why}" for why in self._barred(facts, child))
        limit = facts.limit_price
        if child.price is None or (limit is not None and (child.price - limit) * facts.sign > 0):
            yield f"I7: {name} at {child.price} is beyond the limit {limit}"
        actor = self._actor()
        if actor is not None and actor.lease.worker_pk != facts.owner:
            yield f"I9: {name} was written by worker {actor.lease.worker_pk}, the order is {facts.owner}'s"
        yield from self._off_market(facts, child, "was written")

    def _taken(self, facts: Facts, child: Child) -> Iterable[str]:
        """Check I7, I9, I11, I14 and I18 of a child that may be sent from this commit on."""
        name = child.client_id
        yield from (f"I7: {name} was taken {why}" for why in self._barred(facts, child))
        yield from self._off_market(facts, child, "was taken")
        yield from self._solvency.taken(name, child.account, "buy" if facts.sign > 0 else "sell")
        waited = self._now() - self._written_at.get(name, self._now())
        if waited > LASTS + self._held(self._actor()):
            yield f"I7: {name} was taken {waited.total_seconds():.1f} s after it was decided"
        owner, fence, is_active, label, doubted_at = self._raw.execute(
            "SELECT owner_id, fence, is_active, label, doubted_at FROM execution_account WHERE id = ?",
            (child.account,),
        ).fetchone()
        actor = self._actor()
        if actor is None or owner != actor.lease.worker_pk or fence != child.submitted_fence:
            who = "nobody" if actor is None else f"worker {actor.lease.worker_pk}"
            submitted = f"{name} was submitted by {who} under {child.submitted_fence}"
            yield f"I9: {submitted}; the holder is {owner} under {fence}"
        keys = self._raw.execute(
            "SELECT COUNT(*) FROM execution_credential WHERE account_id = ? AND state = 'active'",
            (child.account,),
        ).fetchone()
        if not is_active or not keys[0]:
            yield f"I14: {name} was taken on an account that is closed or without a checked key"
        yield from self._doubted(name, label, doubted_at, fence, actor)

    def _doubted(
        self, name: str, label: str, doubted_at: datetime | None, fence: int, actor: Process | None
    ) -> Iterable[str]:
        """Check I18: the sender has read trades since it claimed the account, and open orders since ``doubted_at``."""
        since = doubted_at if doubted_at is None or doubted_at.tzinfo else doubted_at.replace(tzinfo=UTC)
        for what in ("open_orders", "trades"):
            read = None if actor is None else self._reads.get((actor.name, label, what))
            begun, under = (None, None) if read is None else read
            is_late = begun is not None and since is not None and begun < since and what == "open_orders"
            if under != fence or is_late:
                yield f"I18: {name} was taken while in doubt since {since}: {what} were read at {begun} under {under}"

    def _off_market(self, facts: Facts, child: Child, how: str) -> Iterable[str]:
        """Check I14's price: it lies inside the collar of a recent quote."""
        since = self._now() - STALE - self._held(self._actor())
        told = [q for q in self.told.get(self._exchange_of(child.account).name, ()) if q.at >= since]
        if child.price is not None and not any(
            (child.price - quote.mid) * facts.sign <= quote.mid * Decimal("0.0051") for quote in told
        ):
            yield (
                f"I14: {child.client_id} {how} at {child.price}, within the collar of no quote that was told lately"
            )

    def _barred(self, facts: Facts, child: Child) -> Iterable[str]:
        if facts.status != "working":
            yield f"while the order was {facts.status}"
        end_at = facts.end_at if facts.end_at.tzinfo else facts.end_at.replace(tzinfo=UTC)
        if self._now() - end_at > self._held(self._actor()):
            yield f"after the end {end_at}"
        for scope, account, trader in self._raw.execute(STOPS):
            if scope in ("desk", "symbol") or account == child.account or trader == facts.trader:
                yield f"under a halt of the {scope}"

    def _held(self, actor: Process | None) -> timedelta:
        """Return the longest time from reading a statement's ``now`` to running the statement.

        A process can stand still in between. A child that it then writes is not sent, because its lease has run out.
        """
        return timedelta(seconds=CLOCKS + (0.0 if actor is None else actor.held))

    def _visible(self, facts: Facts, children: list[Child], parameters: str) -> Iterable[str]:
        """Check I17: live children must not exceed an iceberg's visible quantity."""
        visible = visible_of(parameters)
        if visible is not None:
            live = sum((max(c.quantity - c.filled, ZERO) for c in children if not c.is_over), ZERO)
            if live > visible:
                yield f"I17: {live} of {facts.public_id} may be seen, {visible} at most"


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of an order that the checks need."""

    public_id: str
    status: str
    sign: int
    quantity: Decimal
    trader: int
    owner: int | None
    limit: str | None
    end_at: datetime

    @property
    def limit_price(self) -> Decimal | None:
        return None if self.limit is None else Decimal(self.limit)


def visible_of(parameters: str) -> Decimal | None:
    """Return an iceberg's visible quantity from the JSON of its parameters; None for other orders."""
    _, found, rest = parameters.partition('"visible_quantity": "')
    return Decimal(rest.partition('"')[0]) if found else None
