"""Checks of invariant I11 after a commit: reserves and sent children against reported balances.

They use statements of their own, and not those of the product.

The checks allow more than the product's, because they treat a locked balance as free. So every problem that they
report is real.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations

from execution.core.types import ZERO
from execution.verification.faults.ceilings import Ceilings

TOUCHES = (
    "CREATE TEMP TABLE promised (order_id INTEGER PRIMARY KEY)",
    "CREATE TEMP TRIGGER order_new AFTER INSERT ON main.execution_order "
    "BEGIN INSERT OR IGNORE INTO promised VALUES (NEW.id); END",
    "CREATE TEMP TRIGGER order_changed AFTER UPDATE OF quantity, terms_id, status ON main.execution_order "
    "BEGIN INSERT OR IGNORE INTO promised VALUES (NEW.id); END",
)
ORDERS = (
    "SELECT o.id, o.public_id, o.status, o.side, o.quantity, o.filled, t.limit_price FROM execution_order o"
    " JOIN execution_orderterms t ON t.id = o.terms_id"
    " WHERE o.status IN ('scheduled', 'working', 'paused')"
)
LINKS = "SELECT order_id, account_id FROM execution_order_accounts"
UNSETTLED = (
    "SELECT order_id, quantity, filled, reported_filled FROM execution_childorder WHERE NOT is_settled"
)
TOLD = "SELECT account_id, free, locked, at FROM execution_balance WHERE currency = ?"
SENT = (
    "SELECT client_id, price, quantity, filled, reported_filled, over_at, submitted_at FROM execution_childorder"
    " WHERE account_id = ? AND side = ? AND submitted_at IS NOT NULL"
)
#: A price below any that the market reaches: a buy without a limit price costs more.
LEAST_PRICE = Decimal(90)
#: A balance may or may not already include a child that was submitted less than this before it.
UNSURE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Promise:
    """The quantity of an order that would still be unfilled if all its open children filled completely.

    ``rest`` is this quantity in base units. ``amount`` is the least that it costs, in the currency that the order
    spends, or 0 if the cost is unknown.
    """

    public_id: str
    status: str
    side: str
    quantity: Decimal
    price: Decimal | None
    rest: Decimal
    amount: Decimal
    accounts: frozenset[int]


class Solvency:
    """The checks of each commit, and of each child that is submitted.

    ``is_priced`` returns whether an account's market has a usable quote. Without one, and without a limit price, the
    cost of a buy is unknown.
    """

    def __init__(self, raw: sqlite3.Connection, is_priced: Callable[[int], bool]) -> None:
        self._raw = raw
        self._is_priced = is_priced
        self._seen: dict[int, Promise] = {}
        self._ceilings = Ceilings(raw)
        for statement in TOUCHES:
            raw.execute(statement)

    def committed(self) -> Iterable[str]:
        """Check each order that was submitted, enlarged or resumed."""
        touched = [row[0] for row in self._raw.execute("SELECT order_id FROM promised")]
        if not touched:
            return
        self._raw.execute("DELETE FROM promised")
        promises = self._promises()
        for order in touched:
            promise, before = promises.get(order), self._seen.get(order)
            if promise is None:
                continue
            self._seen[order] = promise
            if before is None or _grew(before, promise):
                yield from self._judged(promise, promises.values())
                yield from self._ceilings.placed(promise, promises.values(), LEAST_PRICE)

    def taken(self, client_id: str, account: int, side: str) -> Iterable[str]:
        """Check a child that is submitted against the limits and the account's last reported balance.

        The balance must cover this child and all children that were sent after the balance was reported. A child that
        can fill no more costs only what it has filled.
        """
        yield from self._ceilings.taken(client_id, account)
        told = self._told(side).get(account)
        if told is None:
            return
        total, at = told
        spent = own = ZERO
        for name, price, quantity, filled, reported, over_at, sent_at in self._raw.execute(
            SENT, (account, side)
        ):
            rate = Decimal(price) if side == "buy" else Decimal(1)
            if name == client_id:
                own = Decimal(quantity) * rate
            elif _aware(sent_at) > at:
                done = max(Decimal(filled), Decimal(reported or 0))
                spent += (Decimal(quantity) if over_at is None else done) * rate
            elif at - UNSURE < _aware(sent_at) <= at:
                total += Decimal(quantity) * rate
        if own + spent > total:
            yield f"I11: {client_id} costs {own} beside {spent} under way, and the account was told to hold {total}"

    # --- inside ---------------------------------------------------------------------------------

    def _judged(self, promise: Promise, all_promises: Iterable[Promise]) -> Iterable[str]:
        """Check that an order's accounts cover the order and the other orders that use only these accounts."""
        held = self._told(promise.side)
        if not promise.accounts <= set(held) or promise.amount <= ZERO:
            return
        total = sum((held[account][0] for account in promise.accounts), ZERO)
        others = _most_spent(
            [
                each
                for each in all_promises
                if each is not promise and each.side == promise.side and each.accounts <= promise.accounts
            ],
            {account: held[account][0] for account in promise.accounts},
        )
        if promise.amount + others > total:
            yield (
                f"I11: order {promise.public_id} may spend {promise.amount} beside {others} of others, "
                f"and its accounts were told to hold {total}"
            )

    def _promises(self) -> dict[int, Promise]:
        accounts: dict[int, set[int]] = {}
        for order, account in self._raw.execute(LINKS):
            accounts.setdefault(order, set()).add(account)
        exposed: dict[int, Decimal] = {}
        for order, quantity, filled, reported in self._raw.execute(UNSETTLED):
            may_become = max(Decimal(quantity), Decimal(filled), Decimal(reported or 0))
            exposed[order] = exposed.get(order, ZERO) + may_become - Decimal(filled)
        found = {}
        for pk, public_id, status, side, quantity, filled, limit in self._raw.execute(ORDERS):
            unsent = rest = max(Decimal(quantity) - Decimal(filled) - exposed.get(pk, ZERO), ZERO)
            price = None if limit is None else Decimal(limit)
            on = frozenset(accounts.get(pk, ()))
            if price is None and side == "buy" and not all(map(self._is_priced, on)):
                unsent = ZERO
            amount = unsent * (price or LEAST_PRICE) if side == "buy" else unsent
            found[pk] = Promise(public_id, status, side, Decimal(quantity), price, rest, amount, on)
        return found

    def _told(self, side: str) -> dict[int, tuple[Decimal, datetime]]:
        rows = self._raw.execute(TOLD, ("USDT" if side == "buy" else "BTC",))
        return {account: (Decimal(free) + Decimal(locked), _aware(at)) for account, free, locked, at in rows}


def _grew(before: Promise, after: Promise) -> bool:
    if before.status == "paused" and after.status == "working":
        return True
    dearer = (
        after.side == "buy" and before.price is not None and (after.price or Decimal(10**9)) > before.price
    )
    return after.quantity > before.quantity or dearer


def _aware(at: datetime | str) -> datetime:
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _most_spent(promises: Sequence[Promise], held: Mapping[int, Decimal]) -> Decimal:
    """Return the most that orders can spend together.

    Each choice of accounts is a bound: what these hold, and the amounts of the orders that may use another account.
    The least bound is what they can spend.
    """
    return min(
        sum((held[account] for account in chosen), ZERO)
        + sum((each.amount for each in promises if not each.accounts <= set(chosen)), ZERO)
        for count in range(len(held) + 1)
        for chosen in combinations(held, count)
    )
