"""What accounts have free of a currency, and what live orders reserve of it (I11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, Q, QuerySet

from execution.core.market_rules import market_from_json
from execution.core.orders.free_balance import BALANCE_TAKES, Free, SentChild, free_now
from execution.core.orders.reservation import (
    AccountTerms,
    Available,
    Fees,
    PendingChild,
    Reserve,
    available,
    cost_of,
    fees_on_top,
    left_beside,
    reserves,
    spent_currency,
    worst_price,
)
from execution.core.states import OrderStatus
from execution.core.types import ZERO, Quote, Side
from execution.models import Account, Balance, ChildOrder, Order
from execution.models.prepared import Compiled
from execution.selectors.quotes import quotes_latest

#: An order in one of these may still send children. One that is closing sends nothing new.
RESERVING = (
    OrderStatus.PENDING_APPROVAL,
    OrderStatus.SCHEDULED,
    OrderStatus.WORKING,
    OrderStatus.PAUSED,
)
NO_FEES = Fees(ZERO)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OrderReserve:
    """What a live order reserves, by the public id of its accounts among those asked about."""

    order_pk: int
    public_id: str
    trader_pk: int
    #: How many accounts the order has in all.
    accounts: int
    reserve: Mapping[str, Reserve]


@dataclass(frozen=True, slots=True)
class Spending:
    """What some accounts have free of ``currency``, and what live orders reserve there.

    ``told`` is what the exchanges said; ``free`` is that with what the desk's children have changed since. Both are
    by public id, None where the exchange does not tell.
    """

    currency: str
    told: Mapping[str, Decimal | None]
    free: Mapping[str, Free | None]
    orders: tuple[OrderReserve, ...] = ()

    def without(self, order_pk: int) -> Spending:
        """Return the same for the order itself, which takes nothing from itself."""
        orders = tuple(each for each in self.orders if each.order_pk != order_pk)
        return Spending(self.currency, self.told, self.free, orders)

    @property
    def available(self) -> Available | None:
        """Return what all the orders leave on the accounts together, at most; None where it is not known."""
        least = {name: None if free is None else free.least for name, free in self.free.items()}
        return available(least, [each.reserve for each in self.orders])

    @property
    def under_way(self) -> Decimal:
        """Return what the desk's children may have taken that the told balances do not show yet."""
        pairs = ((self.told[name], free) for name, free in self.free.items())
        return sum((max(told - free.least, ZERO) for told, free in pairs if told is not None and free), ZERO)

    def left_on(self, account: str) -> Decimal | None:
        """Return what all the orders leave on one of the accounts; None where it is not known."""
        free = self.free[account]
        found = available(
            {account: None if free is None else free.least}, [each.reserve for each in self.orders]
        )
        return None if found is None else found.amount

    def on(self, account: str) -> list[OrderReserve]:
        """Return the orders that reserve something on an account."""
        found = [each for each in self.orders if account in each.reserve]
        return [each for each in found if (t := each.reserve[account].total).amount > ZERO or not t.is_known]

    def spendable(self, account: str) -> Decimal | None:
        """Return what a child may use there: at most, beyond the reserves of orders that have no other account."""
        free = self.free[account]
        bound = [each.reserve[account] for each in self.on(account) if each.accounts == 1]
        return left_beside(None if free is None else free.most, bound)


def spending_of(accounts: Sequence[Account], currency: str, *, orders: bool = True) -> Spending:
    """Read what the accounts have free of a currency, and what live orders reserve there.

    Balances are read first, then orders, then children. A change in between counts twice, and is never missed.
    """
    balances = _balances(accounts)
    wanted = _reserving(accounts, currency) if orders else Order.objects.none()
    live = list(wanted.select_related("terms"))
    unsettled = _by_order(ChildOrder.objects.filter(is_settled=False, order__in=wanted)) if live else {}
    told = {account.public_id: _free_told(balances.get(account.pk), currency) for account in accounts}
    free = _free(accounts, balances, told, currency)
    mids = _mids(live, accounts)
    found = [_reserve_of(order, unsettled.get(order.pk, []), accounts, mids) for order in live]
    return Spending(currency, told, free, tuple(found))


def bound_reserves(accounts: Sequence[Account], currency: str) -> dict[str, list[Reserve]]:
    """Return what the orders that have one account only reserve there, by its public id."""
    counted = _reserving(accounts, currency).annotate(count=Count("accounts"))
    wanted = counted.filter(count=1)
    live = list(wanted.select_related("terms"))
    unsettled = _by_order(ChildOrder.objects.filter(is_settled=False, order__in=live)) if live else {}
    mids = _mids(live, accounts)
    found: dict[str, list[Reserve]] = defaultdict(list)
    for order in live:
        reserve = _reserve_of(order, unsettled.get(order.pk, []), accounts, mids).reserve
        for account, each in reserve.items():
            found[account].append(each)
    return found


def reserve_of(
    order: Order, accounts: Sequence[Account], unsettled: Sequence[ChildOrder]
) -> OrderReserve | None:
    """Return what an order reserves on its accounts, by its children that are not settled; None if nothing."""
    if order.status not in RESERVING or order.terms is None:
        return None
    return _reserve_of(order, unsettled, accounts, _mids([order], accounts))


# --- free ----------------------------------------------------------------------------------------

_BALANCES = Compiled(lambda account: Balance.objects.filter(account_id=account), account=int)


class SentRow(NamedTuple):
    """The columns of a sent child: there may be hundreds, and they are read before each create."""

    pk: int
    order: int
    symbol: str
    side: str
    price: Decimal | None
    quantity: Decimal
    filled: Decimal
    reported: Decimal | None
    is_settled: bool
    exchange_id: str
    submitted_at: datetime
    last_possible_send_at: datetime | None
    ended_at: datetime | None
    cancel_requested_at: datetime | None

    @property
    def currency(self) -> str:
        return spent_currency(self.symbol, Side(self.side))

    def sent(self, fees: Fees) -> SentChild:
        side, done = Side(self.side), max(self.filled, self.reported or ZERO)
        return SentChild(
            cost=cost_of(side, self.quantity, self.price, fees).amount,
            spent=cost_of(side, done, self.price, fees).amount,
            submitted_at=self.submitted_at,
            last_possible_send_at=self.last_possible_send_at or self.submitted_at,
            is_on_book=bool(self.exchange_id),
            is_settled=self.is_settled,
            ended_at=self.ended_at,
            cancel_requested_at=self.cancel_requested_at,
        )


#: Each half has an index of its own. A condition on both at once would read every child that there ever was.
_SENT = Compiled(
    lambda account, since, after: ChildOrder.objects.filter(
        Q(account_id=account, is_settled=False, submitted_at__gt=after)
        | Q(account_id=account, ended_at__gt=since, submitted_at__gt=after)
    ).values_list(
        *("pk", "order_id", "symbol", "side", "price", "quantity", "filled", "reported_filled", "is_settled"),
        *("exchange_id", "submitted_at", "last_possible_send_at", "ended_at", "cancel_requested_at"),
    ),
    account=int,
    since=datetime,
    after=datetime,
)


def _sent_rows(account_pk: int, since: datetime, *, after: datetime = LONG_AGO) -> list[SentRow]:
    """Return the children that were submitted ``after`` a moment, and had not ended by ``since``."""
    return [SentRow(*row) for row in _SENT.values(account=account_pk, since=since, after=after)]


@dataclass(frozen=True, slots=True)
class Told:
    """A currency's balance on one account, and all that was told with it."""

    free: Mapping[str, Decimal | None]
    at: datetime


def account_free(
    account: Account, currency: str, *, beside: int, cost: Decimal
) -> tuple[Decimal | None, Decimal]:
    """Return what an account has free at most for one child, and how much of the rest the desk has under way.

    ``beside`` is that child's primary key. None where the balance is not known. Others' fees are left out, so it is
    never too little. What earlier children have given back is read only where the child's ``cost`` needs it.
    """
    told = _told(_BALANCES.all(account=account.pk)).get(account.pk)
    free = _free_told(told, currency)
    if told is None or free is None:
        return None, ZERO

    def sent(rows: Iterable[SentRow]) -> list[SentChild]:
        return [row.sent(NO_FEES) for row in rows if row.pk != beside and row.currency == currency]

    since = sent(_sent_rows(account.pk, told.at, after=told.at))
    under_way = sum((child.takes for child in since), ZERO)
    if cost <= free - under_way:
        return free - under_way, under_way
    return free_now(free, told.at, sent(_sent_rows(account.pk, told.at - BALANCE_TAKES))).most, under_way


def _balances(accounts: Sequence[Account]) -> dict[int, Told]:
    return _told(Balance.objects.filter(account__in=accounts))


def _told(rows: Iterable[Balance]) -> dict[int, Told]:
    free: dict[int, dict[str, Decimal | None]] = defaultdict(dict)
    at: dict[int, datetime] = {}
    for row in rows:
        free[row.account_id][row.currency] = row.free
        at[row.account_id] = row.at
    return {account: Told(free[account], at[account]) for account in free}


def _free_told(told: Told | None, currency: str) -> Decimal | None:
    """Return what the exchange said; a currency that its answer does not list is zero."""
    return None if told is None else told.free.get(currency, ZERO)


def _free(
    accounts: Sequence[Account],
    balances: Mapping[int, Told],
    told: Mapping[str, Decimal | None],
    currency: str,
) -> dict[str, Free | None]:
    found: dict[str, Free | None] = {account.public_id: None for account in accounts}
    known = [account for account in accounts if told[account.public_id] is not None]
    rows = {
        account.pk: [
            row
            for row in _sent_rows(account.pk, balances[account.pk].at - BALANCE_TAKES)
            if row.currency == currency
        ]
        for account in known
    }
    orders = {row.order for each in rows.values() for row in each}
    markets = dict(Order.objects.filter(pk__in=orders).values_list("pk", "market")) if orders else {}
    for account in known:
        amount = told[account.public_id]
        sent = [row.sent(_fees(markets.get(row.order, {}), account.public_id)) for row in rows[account.pk]]
        if amount is not None:
            found[account.public_id] = free_now(amount, balances[account.pk].at, sent)
    return found


def _fees(markets: Mapping[str, Any], account: str) -> Fees:
    """Return an order's fees on an account; unknown where its row lost its market, which must not stop others."""
    data = markets.get(account)
    return Fees(None) if data is None else fees_on_top(market_from_json(data))


# --- reserves --------------------------------------------------------------------------------------


def _reserving(accounts: Sequence[Account], currency: str) -> QuerySet[Order]:
    """Return the live orders that spend the currency on one of the accounts."""
    links = Order.accounts.through.objects.filter(account__in=accounts)
    spends = Q(side=Side.BUY, symbol__endswith=f"/{currency}") | Q(
        side=Side.SELL, symbol__startswith=f"{currency}/"
    )
    return Order.objects.filter(spends, pk__in=links.values("order"), status__in=RESERVING).order_by("pk")


def _by_order(rows: QuerySet[ChildOrder]) -> dict[int, list[ChildOrder]]:
    found: dict[int, list[ChildOrder]] = defaultdict(list)
    for child in rows.select_related("account"):
        found[child.order_id].append(child)
    return found


def _mids(orders: Sequence[Order], accounts: Sequence[Account]) -> dict[tuple[int, str], Decimal]:
    """Return the mids, however old, that orders without a limit price are judged by."""
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
    exposure = sum(
        (
            max(child.quantity, child.filled, child.reported_filled or ZERO) - child.filled
            for child in unsettled
        ),
        ZERO,
    )
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
            _fees(order.market, name),
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
    return OrderReserve(order.pk, order.public_id, order.trader_id, len(order.market), reserve)
