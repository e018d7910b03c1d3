"""What is checked after every commit that touches an order, with statements of its own: I1, I5, I7, I9, I17."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from execution.core.states import CHILD_FINAL, CHILD_TRANSITIONS, ChildStatus
from execution.core.types import ZERO, Quote, VenueStatus
from execution.verification.faults.exchange import Exchange, VenueOrder
from execution.verification.faults.process import Process

TOUCHES = (
    "CREATE TEMP TABLE touched (order_id INTEGER PRIMARY KEY)",
    "CREATE TEMP TRIGGER child_new AFTER INSERT ON main.execution_childorder "
    "BEGIN INSERT OR IGNORE INTO touched VALUES (NEW.order_id); END",
    "CREATE TEMP TRIGGER child_changed AFTER UPDATE ON main.execution_childorder "
    "BEGIN INSERT OR IGNORE INTO touched VALUES (NEW.order_id); END",
)
CHILDREN = (
    "SELECT c.sequence, c.client_id, c.status, c.quantity, c.filled, c.reported_filled, c.is_settled, c.price,"
    " c.taken_at IS NOT NULL, c.taken_fence, c.account_id FROM execution_childorder c WHERE c.order_id = ?"
    " ORDER BY c.sequence"
)
ORDER = (
    "SELECT o.public_id, o.status, o.side, o.quantity, o.trader_id, o.owner_id, t.limit_price, t.end_at, t.parameters"
    " FROM execution_order o JOIN execution_orderterms t ON t.id = o.terms_id WHERE o.id = ?"
)
OWNERS = {
    "order_pk": "SELECT owner_id FROM execution_order WHERE id = ?",
    "child_pk": "SELECT CASE WHEN a.reconciled_fence = a.fence THEN a.owner_id END FROM execution_childorder c"
    " JOIN execution_account a ON a.id = c.account_id WHERE c.id = ?",
}
STOPS = "SELECT scope, account_id, trader_id FROM execution_halt WHERE kind = 'stop' AND lifted_at IS NULL"
#: No quote older than this may be used. Not the product's own constant: that may be what is wrong.
STALE = timedelta(seconds=5)
QUOTES_KEPT = 200
#: Two clocks differ by less; how long a statement waited after its ``now`` was read is counted by itself.
CLOCKS = 0.5  # seconds
#: A request arrives no later than this after the take that it follows, by whatever clock.
ARRIVAL = 1.5  # seconds


def reachable() -> dict[ChildStatus, frozenset[ChildStatus]]:
    """The states that a child can come to from each, in any number of steps."""
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
    is_taken: bool
    taken_fence: int | None
    account: int

    @property
    def done(self) -> Decimal:
        return max(self.filled, self.reported or ZERO)

    @property
    def may_become(self) -> Decimal:
        return self.filled if self.is_settled else max(self.quantity, self.done)


class Watch:
    """``fail`` is told of each violation."""

    def __init__(
        self,
        raw: sqlite3.Connection,
        *,
        exchange_of: Callable[[int], Exchange],
        now: Callable[[], datetime],
        actor: Callable[[], Process | None],
        fail: Callable[[str], None],
    ) -> None:
        self._raw = raw
        self._exchange_of = exchange_of
        self._now = now
        self._actor = actor
        self._fail = fail
        self._seen: dict[str, Child] = {}
        #: What each venue's connections were told last, by the venue's name.
        self.told: dict[str, deque[Quote]] = {}
        for statement in TOUCHES:
            raw.execute(statement)

    def committed(self) -> None:
        """After a commit: check every order whose children it touched."""
        touched = self._raw.execute("SELECT order_id FROM touched").fetchall()
        if touched:
            self._raw.execute("DELETE FROM touched")
            for (order_pk,) in touched:
                for problem in self._order(order_pk):
                    self._fail(problem)

    def note_quote(self, exchange: Exchange, quote: Quote) -> None:
        """A connection was told this; ``at`` is when."""
        told = self.told.setdefault(exchange.name, deque(maxlen=QUOTES_KEPT))
        if quote.bid.is_finite() and quote.ask.is_finite() and ZERO < quote.bid < quote.ask:
            told.append(quote)

    def owner_of(self, name: str, key: int) -> int | None:
        """The worker that drives an order, or that holds the account of a child and has reconciled it."""
        owner: int | None = self._raw.execute(OWNERS[name], (key,)).fetchone()[0]
        return owner

    def states_of(self, client_id: str) -> list[str]:
        """The child's state, or else those of all orders and children that are not over."""
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
        """An order reached a book: it must be a child that was committed and taken, exactly, and once."""
        client_id, request = order.request.client_id, order.request
        row = self._raw.execute(
            "SELECT c.status, c.quantity, c.price, c.side, c.time_in_force, c.taken_fence, a.fence, a.label, t.end_at"
            " FROM execution_childorder c JOIN execution_account a ON a.id = c.account_id"
            " JOIN execution_order o ON o.id = c.order_id JOIN execution_orderterms t ON t.id = o.terms_id"
            " WHERE c.client_id = ? AND c.taken_at IS NOT NULL",
            (client_id,),
        ).fetchone()
        if row is None:
            self._fail(f"I3: {client_id} was sent and is no taken child")
            return
        status, quantity, price, side, time_in_force, taken_fence, fence, label, end_at = row
        said = (Decimal(quantity), Decimal(price), side, time_in_force, label)
        sent = (request.quantity, request.price, request.side, request.time_in_force, order.account)
        if said != sent:
            self._fail(f"I3: {client_id} was sent as {sent}, its row says {said}")
        if ChildStatus(status) in CHILD_FINAL:
            self._fail(f"I5: {client_id} reached the book when it was {status}")
        self._not_too_late(client_id, end_at)
        if taken_fence != fence:
            self._fail(f"I9: {client_id} was taken under fence {taken_fence} and sent under {fence}")

    def _not_too_late(self, client_id: str, end_at: datetime) -> None:
        end_at = end_at if end_at.tzinfo else end_at.replace(tzinfo=UTC)
        if self._now() - end_at > timedelta(seconds=CLOCKS + ARRIVAL):
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
            if child.is_taken and (before is None or not before.is_taken):
                yield from self._taken(facts, child)
        yield from self._visible(facts, children, str(parameters))

    def _moved(self, before: Child | None, child: Child) -> Iterable[str]:
        """I5, and what the exchange's own ledger says of an end."""
        name = child.client_id
        if before is not None:
            if child.status not in REACHABLE[before.status]:
                yield f"I5: {name} went from {before.status} to {child.status}"
            if before.status is ChildStatus.ABSENT and child.status is not ChildStatus.ABSENT:
                yield f"I5: {name} was proven absent and is {child.status}"
            if (child.reported or ZERO) < (before.reported or ZERO) or child.filled < before.filled:
                yield f"I5: {name} fell from {before.reported}, {before.filled} to {child.reported}, {child.filled}"
        if not child.is_settled or (
            before is not None and before.is_settled and before.filled == child.filled
        ):
            return
        theirs = [
            order
            for order in self._exchange_of(child.account).ledger.orders.values()
            if order.request.client_id == name
        ]
        open_there = [order for order in theirs if order.status is VenueStatus.OPEN]
        filled = sum((order.filled for order in theirs), ZERO)
        if open_there or filled != child.filled:
            is_open = "open" if open_there else "over"
            yield f"I4: {name} is settled with {child.filled}, at the venue it is {is_open} with {filled}"

    def _written(self, facts: Facts, child: Child, children: list[Child]) -> Iterable[str]:
        """I1, I7, I14: a child that has just been written."""
        name = child.client_id
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
        since = self._now() - STALE - self._held(actor)
        told = [q for q in self.told.get(self._exchange_of(child.account).name, ()) if q.at >= since]
        if child.price is not None and not any(
            (child.price - quote.mid) * facts.sign <= quote.mid * Decimal("0.0051") for quote in told
        ):
            yield f"I14: {name} at {child.price} is within the collar of no quote that was told lately"

    def _taken(self, facts: Facts, child: Child) -> Iterable[str]:
        """I7, I9: a child that may be sent from this commit on."""
        name = child.client_id
        yield from (f"I7: {name} was taken {why}" for why in self._barred(facts, child))
        owner, fence, is_active = self._raw.execute(
            "SELECT owner_id, fence, is_active FROM execution_account WHERE id = ?", (child.account,)
        ).fetchone()
        actor = self._actor()
        if actor is None or owner != actor.lease.worker_pk or fence != child.taken_fence:
            who = "nobody" if actor is None else f"worker {actor.lease.worker_pk}"
            yield f"I9: {name} was taken by {who} under {child.taken_fence}; the holder is {owner} under {fence}"
        keys = self._raw.execute(
            "SELECT COUNT(*) FROM execution_credential WHERE account_id = ? AND state = 'active'",
            (child.account,),
        ).fetchone()
        if not is_active or not keys[0]:
            yield f"I14: {name} was taken on an account that is closed or without a checked key"

    def _barred(self, facts: Facts, child: Child) -> Iterable[str]:
        """Why nothing may be written or sent for this order now."""
        if facts.status != "working":
            yield f"while the order was {facts.status}"
        end_at = facts.end_at if facts.end_at.tzinfo else facts.end_at.replace(tzinfo=UTC)
        if self._now() - end_at > self._held(self._actor()):
            yield f"after the end {end_at}"
        for scope, account, trader in self._raw.execute(STOPS):
            if scope in ("desk", "symbol") or account == child.account or trader == facts.trader:
                yield f"under a halt of the {scope}"

    def _held(self, actor: Process | None) -> timedelta:
        """For how long the ``now`` of a statement may have waited: a process can be stopped before it is run.

        What is written then is not sent: the lease is over.
        """
        return timedelta(seconds=CLOCKS + (0.0 if actor is None else actor.held))

    def _visible(self, facts: Facts, children: list[Child], parameters: str) -> Iterable[str]:
        """I17."""
        visible = visible_of(parameters)
        if visible is not None:
            live = sum((max(c.quantity - c.filled, ZERO) for c in children if not c.is_settled), ZERO)
            if live > visible:
                yield f"I17: {live} of {facts.public_id} may be seen, {visible} at most"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be known of an order."""

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
    """An iceberg's visible quantity, from its parameters' JSON."""
    _, found, rest = parameters.partition('"visible_quantity": "')
    return Decimal(rest.partition('"')[0]) if found else None
