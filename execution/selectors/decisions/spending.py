"""The free balances of accounts in a currency, and the reserves of live orders (see invariant I11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet

from execution.core.orders.free_balance import Free
from execution.core.orders.holdings_after import Rest
from execution.core.orders.reservation import (
    AccountTerms,
    Available,
    Cost,
    PendingChild,
    Reserve,
    available,
    left_beside,
    reserved_within,
    reserves,
    spent_currency,
    worst_price,
)
from execution.core.states import OrderStatus
from execution.core.types import ZERO, Quote, Side
from execution.models import Account, ChildOrder, Order
from execution.selectors.decisions.exposure import beyond_fills
from execution.selectors.decisions.free import Sent, Told, balances_told, fees_of, free_told
from execution.selectors.quotes import quotes_latest

#: The states in which an order may still send children. A closing order sends nothing new.
RESERVING = (
    OrderStatus.PENDING_APPROVAL,
    OrderStatus.SCHEDULED,
    OrderStatus.WORKING,
    OrderStatus.PAUSED,
)


@dataclass(frozen=True, slots=True)
class OrderReserve:
    """The reserve of a live order, by the account's public id. Only the requested accounts are included."""

    order_pk: int
    public_id: str
    trader_pk: int
    #: The number of all accounts of the order.
    accounts: int
    reserve: Mapping[str, Reserve]
    #: The quantity that is not filled yet; None for a row of a basket.
    rest: Rest | None = None

    @property
    def words(self) -> str:
        """Return the order's name for a sentence.

        An order that has no id is a row of a basket that is not sent yet.
        """
        return f"order {self.public_id}" if self.public_id else "another row of the basket"


@dataclass(frozen=True, slots=True)
class Spending:
    """The free balances of some accounts in ``currency``, and the amounts that live orders reserve on these accounts.

    ``told`` has the exchange's reported figures. ``free`` has these figures corrected by the amounts that the desk's
    children have taken or released since. Both are by the account's public id. An amount that the exchange does not
    report is None.
    """

    currency: str
    told: Mapping[str, Decimal | None]
    free: Mapping[str, Free | None]
    orders: tuple[OrderReserve, ...] = ()

    def without(self, *order_pks: int) -> Spending:
        """Return a copy without the reserves of the given orders."""
        orders = tuple(each for each in self.orders if each.order_pk not in order_pks)
        return Spending(self.currency, self.told, self.free, orders)

    def among(self, accounts: Collection[str]) -> Spending:
        """Return a copy with only some of the accounts. ``accounts`` are public ids."""
        told = {name: amount for name, amount in self.told.items() if name in accounts}
        return Spending(self.currency, told, {name: self.free[name] for name in told}, self.orders)

    @property
    def reserved(self) -> Cost:
        """Return the amount that the orders reserve on all the accounts together.

        A quantity that is not sent yet is included once, even if several accounts could trade it.
        """
        return sum((reserved_within(each.reserve, self.free) for each in self.orders), Cost())

    @property
    def available(self) -> Available | None:
        """Return the amount that remains on all the accounts together after all reserves; None if it is unknown."""
        least = {name: None if free is None else free.least for name, free in self.free.items()}
        return available(least, [each.reserve for each in self.orders])

    @property
    def under_way(self) -> Decimal:
        """Return by how much the desk's children may have lowered the balances since the exchange reported them."""
        pairs = ((self.told[name], free) for name, free in self.free.items())
        return sum((max(told - free.least, ZERO) for told, free in pairs if told is not None and free), ZERO)

    def left_on(self, account: str) -> Decimal | None:
        """Return the amount that remains on one account after all orders' reserves; None if it is unknown."""
        found = self.among({account}).available
        return None if found is None else found.amount

    def on(self, account: str) -> list[OrderReserve]:
        """Return the orders that have a reserve on an account."""
        found = [each for each in self.orders if account in each.reserve]
        return [each for each in found if (t := each.reserve[account].total).amount > ZERO or not t.is_known]

    def spendable(self, account: str) -> Decimal | None:
        """Return the largest amount that a child may spend on the account; None if it is unknown.

        The reserves of orders that have no other account are subtracted.
        """
        free = self.free[account]
        bound = [each.reserve[account] for each in self.on(account) if each.accounts == 1]
        return left_beside(None if free is None else free.most, bound)


def spending_of(accounts: Sequence[Account], currency: str, *, orders: bool = True) -> Spending:
    """Read the free amounts of a currency on the accounts, and the amounts that live orders reserve on them.

    Balances are read first, then orders, then children. So a change between the reads may be included twice but is
    never missed.
    """
    balances = balances_told(accounts)
    wanted = _reserving(accounts, currency) if orders else Order.objects.none()
    found = _reserves_of(wanted, accounts)
    return _spending(accounts, {currency}, balances, found)[currency]


def spendings_of(accounts: Sequence[Account]) -> tuple[Mapping[int, Told], dict[str, Spending]]:
    """Return the reported balances by the accounts' primary keys, and a ``Spending`` for each currency.

    Every currency that the accounts hold, that live orders spend, or that live orders bring is included. All
    currencies are read together.
    """
    balances = balances_told(accounts)
    found = _reserves_of(_reserving(accounts), accounts)
    held = {currency for told in balances.values() for currency in told.free}
    gained = {order.rest.gains for orders in found.values() for order in orders if order.rest is not None}
    return balances, _spending(accounts, held | set(found) | gained, balances, found)


def _spending(
    accounts: Sequence[Account],
    currencies: Collection[str],
    balances: Mapping[int, Told],
    orders: Mapping[str, Sequence[OrderReserve]],
) -> dict[str, Spending]:
    told = {
        currency: {account.public_id: free_told(balances.get(account.pk), currency) for account in accounts}
        for currency in currencies
    }
    sent = Sent(accounts, balances, currencies)
    return {
        currency: Spending(
            currency,
            told[currency],
            {
                account.public_id: sent.free(account, currency, told[currency][account.public_id])
                for account in accounts
            },
            tuple(orders.get(currency, ())),
        )
        for currency in currencies
    }


def _reserves_of(wanted: QuerySet[Order], accounts: Sequence[Account]) -> dict[str, list[OrderReserve]]:
    """Return the reserves of the orders on the accounts, by the currency that each order spends."""
    live = list(wanted.select_related("terms"))
    unsettled = _by_order(ChildOrder.objects.filter(is_settled=False, order__in=live)) if live else {}
    mids = _mids(live, accounts)
    found: dict[str, list[OrderReserve]] = defaultdict(list)
    for order in live:
        reserve = _reserve_of(order, unsettled.get(order.pk, []), accounts, mids)
        found[spent_currency(order.symbol, Side(order.side))].append(reserve)
    return found


def bound_reserves(accounts: Sequence[Account], currency: str) -> dict[str, list[Reserve]]:
    """Return the reserves of orders that have only one account, by that account's public id."""
    wanted = _reserving(accounts, currency).annotate(count=Count("accounts")).filter(count=1)
    found: dict[str, list[Reserve]] = defaultdict(list)
    for order in _reserves_of(wanted, accounts).get(currency, ()):
        for account, reserve in order.reserve.items():
            found[account].append(reserve)
    return found


def reserve_of(
    order: Order, accounts: Sequence[Account], unsettled: Sequence[ChildOrder]
) -> OrderReserve | None:
    """Return an order's reserves on its accounts, given its unsettled children; None if it reserves nothing."""
    if order.status not in RESERVING or order.terms is None:
        return None
    return _reserve_of(order, unsettled, accounts, _mids([order], accounts))


# --- reserves --------------------------------------------------------------------------------------


def _reserving(accounts: Sequence[Account], currency: str | None = None) -> QuerySet[Order]:
    """Return the live orders on the accounts that spend ``currency``.

    Without ``currency`` return all live orders on them.
    """
    links = Order.accounts.through.objects.filter(account__in=accounts)
    live = Order.objects.filter(pk__in=links.values("order"), status__in=RESERVING).order_by("pk")
    if currency is None:
        return live
    return live.filter(
        Q(side=Side.BUY, symbol__endswith=f"/{currency}")
        | Q(side=Side.SELL, symbol__startswith=f"{currency}/")
    )


def _by_order(rows: QuerySet[ChildOrder]) -> dict[int, list[ChildOrder]]:
    found: dict[int, list[ChildOrder]] = defaultdict(list)
    for child in rows.select_related("account"):
        found[child.order_id].append(child)
    return found


def _mids(orders: Sequence[Order], accounts: Sequence[Account]) -> dict[tuple[int, str], Decimal]:
    """Return the mids, however old, that are used as the price of orders without a limit price."""
    wanting = {
        order.symbol
        for order in orders
        if order.side == Side.BUY and order.terms is not None and order.terms.limit_price is None
    }
    pairs = sorted({(account.venue_id, symbol) for account in accounts for symbol in wanting})
    quotes: Mapping[tuple[int, str], Quote] = quotes_latest(pairs)
    return {pair: quote.mid for pair, quote in quotes.items() if quote.is_sane}


def _reserve_of(
    order: Order,
    unsettled: Sequence[ChildOrder],
    accounts: Sequence[Account],
    mids: Mapping[tuple[int, str], Decimal],
) -> OrderReserve:
    side, terms = Side(order.side), order.terms
    exposure = sum((beyond_fills(child) for child in unsettled), ZERO)
    theirs = {account.public_id: account for account in accounts if account.public_id in order.market}
    parameters: Mapping[str, Any] = {} if terms is None else terms.parameters
    collar = parameters.get("collar_bp")
    on = {
        name: AccountTerms(
            worst_price(
                side,
                limit_price=None if terms is None else terms.limit_price,
                collar_bp=None if collar is None else Decimal(str(collar)),
                mid=mids.get((account.venue_id, order.symbol)),
            ),
            fees_of(order.market, name),
        )
        for name, account in theirs.items()
    }
    pending = [
        PendingChild(child.account.public_id, child.quantity, child.price)
        for child in unsettled
        if child.submitted_at is None and child.account.public_id in on
    ]
    unsent = max(order.quantity - order.filled - exposure, ZERO)
    reserve = reserves(side, unsent=unsent, accounts=on, pending=pending)
    left = max(order.quantity - order.filled, ZERO)
    rest = Rest(order.symbol, side, left, frozenset(theirs), has_others=len(order.market) > len(theirs))
    return OrderReserve(order.pk, order.public_id, order.trader_id, len(order.market), reserve, rest)
