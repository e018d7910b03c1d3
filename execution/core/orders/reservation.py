"""The amount that an order may still spend on each of its accounts, and the amount that is left for other orders.

An order with several accounts may send its whole unsent quantity to any one of them. So the reserve of each account
includes that quantity in full, but the reserve of the accounts together includes it only once. The amount that the
exchange has locked for a child is not part of a reserve, because the exchange's ``free`` already excludes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from execution.core.types import BASIS_POINT, ZERO, Market, Side

#: ccxt's name of a refusal for too little balance. The desk's own last gate uses it, too.
INSUFFICIENT_FUNDS = "InsufficientFunds"


@dataclass(frozen=True, slots=True)
class Fees:
    """A trade's fees as fractions: ``quote`` of its notional, ``base`` of its quantity. None means unknown."""

    quote: Decimal | None
    base: Decimal | None = ZERO


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """The fees and the worst price at which an order may trade on one account.

    ``worst_price`` is None while no price is known.
    """

    worst_price: Decimal | None
    fees: Fees


@dataclass(frozen=True, slots=True)
class PendingChild:
    """A child that is recorded but not sent yet, so the exchange has locked nothing for it."""

    account: str
    quantity: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount of the currency that an order spends, with the fee.

    If it is not known exactly, ``amount`` is a lower bound.
    """

    amount: Decimal = ZERO
    is_known: bool = True

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.amount + other.amount, self.is_known and other.is_known)


@dataclass(frozen=True, slots=True)
class Reserve:
    """The amount that an order may still spend on one account, by future children and by children that wait to be
    sent.
    """

    unsent: Cost = Cost()
    pending: Cost = Cost()

    @property
    def total(self) -> Cost:
        return self.unsent + self.pending


@dataclass(frozen=True, slots=True)
class Available:
    """The amount that an order may spend on its accounts together.

    If it is not known exactly, it is an upper bound.
    """

    amount: Decimal
    is_known: bool


def spent_currency(symbol: str, side: Side) -> str:
    """Return the currency that an order spends: quote for a buy of a spot symbol, base for a sell."""
    base, _, quote = symbol.partition("/")
    return quote if side is Side.BUY else base


def fees_on_top(market: Market) -> Fees:
    """Return the fees that a trade may cost in the spent currency, on top of the traded amount.

    No exchange charges a sell in base units. A buy may be charged in quote units, which depends on the exchange and
    the account's settings. So the quote fee of a buy is always included.
    """
    return Fees(quote=market.taker_fee)


def worst_price(
    side: Side, *, limit_price: Decimal | None, collar_bp: Decimal | None, mid: Decimal | None
) -> Decimal | None:
    """Return the worst price at which an order may trade: its limit price, else the edge of the collar around the
    mid.
    """
    if limit_price is not None or mid is None:
        return limit_price
    return mid * (1 + side.sign * (collar_bp or ZERO) * BASIS_POINT)


def cost_of(side: Side, quantity: Decimal, price: Decimal | None, fees: Fees) -> Cost:
    """Return the amount that a quantity takes from a balance, with its fee: quote for a buy, base for a sell."""
    if quantity <= ZERO:
        return Cost()
    fee = fees.quote if side is Side.BUY else fees.base
    if side is Side.BUY and price is None:
        return Cost(ZERO, is_known=False)
    amount = quantity if price is None or side is Side.SELL else quantity * price
    return Cost(amount * (1 + (fee or ZERO)), is_known=fee is not None)


def reserves(
    side: Side,
    *,
    unsent: Decimal,
    accounts: Mapping[str, AccountTerms],
    pending: Iterable[PendingChild] = (),
) -> dict[str, Reserve]:
    """Return the amount that an order may still spend on each account.

    ``unsent`` is the quantity that is neither filled nor part of a child. Any account may get all of it, so each
    reserve includes all of it.
    """
    found = {
        name: Reserve(cost_of(side, unsent, terms.worst_price, terms.fees))
        for name, terms in accounts.items()
    }
    for child in pending:
        terms, before = accounts[child.account], found[child.account]
        more = cost_of(side, child.quantity, child.price or terms.worst_price, terms.fees)
        found[child.account] = Reserve(before.unsent, before.pending + more)
    return found


def reserved_within(reserve: Mapping[str, Reserve], accounts: Iterable[str]) -> Cost:
    """Return the amount that an order may still spend on ``accounts`` together.

    The order's unsent quantity is included only once.
    """
    within = [reserve[name] for name in accounts if name in reserve]
    unsent = max((each.unsent.amount for each in within), default=ZERO)
    pending = sum((each.pending.amount for each in within), ZERO)
    return Cost(unsent + pending, all(each.total.is_known for each in within))


def available(
    free: Mapping[str, Decimal | None], others: Iterable[Mapping[str, Reserve]]
) -> Available | None:
    """Return the amount that other orders leave on an order's accounts together; None if a balance is unknown.

    ``free`` has the free balance of each of the accounts, and ``others`` the reserves of each other order. The other
    orders cannot spend more together than the accounts have free. So no more than that is subtracted for them.
    """
    amounts = {name: max(amount, ZERO) for name, amount in free.items() if amount is not None}
    if len(amounts) < len(free) or not free:
        return None
    costs: defaultdict[frozenset[str], Decimal] = defaultdict(Decimal)
    is_known = True
    for reserve in others:
        shared = frozenset(name for name in amounts if name in reserve)
        cost = reserved_within(reserve, shared)
        costs[shared] += cost.amount
        is_known = is_known and cost.is_known
    return Available(sum(amounts.values(), ZERO) - most_spent(costs, amounts), is_known)


def most_spent(costs: Mapping[frozenset[str], Decimal], free: Mapping[str, Decimal]) -> Decimal:
    """Return the most that orders can spend together.

    ``costs`` has the amount that orders may spend on the same set of accounts. No account spends more than it has in
    ``free``. The result is a maximum flow, found by shortest augmenting paths (J. Edmonds and R. M. Karp, Journal of
    the ACM 19, 1972).
    """
    left, spent = dict(free), defaultdict[tuple[frozenset[str], str], Decimal](Decimal)
    for accounts, cost in costs.items():
        rest = cost
        while rest > ZERO and (path := _path(accounts, left, spent)):
            moved = [spent[owner, name] for name, owner in path if owner is not None]
            amount = min(rest, left[path[-1][0]], *moved)
            spender = accounts
            for name, owner in path:
                spent[spender, name] += amount
                if owner is not None:
                    spent[owner, name] -= amount
                    spender = owner
            left[path[-1][0]] -= amount
            rest -= amount
    return sum(free.values(), ZERO) - sum(left.values(), ZERO)


def _path(
    start: frozenset[str], left: Mapping[str, Decimal], spent: Mapping[tuple[frozenset[str], str], Decimal]
) -> list[tuple[str, frozenset[str] | None]]:
    """Return the shortest path to an account with money left; empty if there is none.

    At each account of the path but the last, the spender named with it moves on to the next account.
    """
    paths: list[tuple[frozenset[str], list[tuple[str, frozenset[str] | None]]]] = [(start, [])]
    seen = {start}
    for spender, path in paths:
        for name in sorted(spender):
            if left[name] > ZERO:
                return [*path, (name, None)]
        for (owner, name), amount in spent.items():
            if name in spender and owner not in seen and amount > ZERO:
                seen.add(owner)
                paths.append((owner, [*path, (name, owner)]))
    return []


def left_beside(free: Decimal | None, bound: Iterable[Reserve]) -> Decimal | None:
    """Return an account's free amount minus the reserves in ``bound``; None while the free amount is unknown.

    ``bound`` has the reserves of the orders that use no other account.
    """
    if free is None:
        return None
    return max(free - sum((each.total.amount for each in bound), ZERO), ZERO)
