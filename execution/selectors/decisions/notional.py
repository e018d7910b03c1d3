"""The notional that each order may still trade and the notional that it traded today, in its quote currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, QuerySet

from execution.core.days import midnight_of
from execution.core.limits.kinds import LimitScope
from execution.core.limits.money import Amounts, add_amount
from execution.core.states import ORDER_LIVE, OrderStatus
from execution.core.tca.costs import middle
from execution.core.types import ZERO
from execution.models import ChildOrder, Fill, Order
from execution.selectors.quotes import quotes_latest

#: The columns that are read of each order. Full rows hold plans and memos, and this runs under the gate at each
#: submit.
_ORDER_FIELDS = (
    "status", "trader_id", "symbol", "quantity", "filled", "notional", "arrival_bid", "arrival_ask", "created_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderNotional:
    """An order's notional: ``open`` may still be traded, and ``done`` was traded today.

    ``open`` is None if no price is known. ``done`` has the amounts by the account's primary key.
    """

    order_pk: int
    trader_pk: int
    symbol: str
    accounts: frozenset[int]
    open: Decimal | None
    done: Mapping[int, Decimal] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        return self.symbol.partition("/")[2]

    def is_of(self, scope: LimitScope, subject: int | str) -> bool:
        """Return True if the order is in the scope of a limit with this scope and subject.

        ``subject`` is a primary key or a symbol.
        """
        return in_scope(scope, subject, self.trader_pk, self.accounts, self.symbol)


def in_scope(
    scope: LimitScope, subject: int | str, trader_pk: int, account_pks: Collection[int], symbol: str
) -> bool:
    """Return True if an order with this trader, accounts and symbol is in the scope of a limit."""
    if scope is LimitScope.TRADER:
        return trader_pk == subject
    if scope is LimitScope.ACCOUNT:
        return subject in account_pks
    return scope is LimitScope.DESK or symbol == subject


def open_amounts(orders: Iterable[OrderNotional], scope: LimitScope, subject: int | str) -> Amounts:
    """Return the amounts that the orders in a scope may still trade, by currency."""
    amounts: dict[str, Decimal | None] = {}
    for order in orders:
        if order.is_of(scope, subject):
            add_amount(amounts, order.currency, order.open)
    return amounts


def daily_amounts(orders: Iterable[OrderNotional], scope: LimitScope, subject: int | str) -> Amounts:
    """Return the sum of what the orders in a scope traded today and may still trade, by currency."""
    amounts: dict[str, Decimal | None] = {}
    for order in orders:
        if not order.is_of(scope, subject):
            continue
        add_amount(amounts, order.currency, order.open)
        for account, done in order.done.items():
            if scope is not LimitScope.ACCOUNT or account == subject:
                add_amount(amounts, order.currency, done)
    return amounts


def order_notionals(now: datetime, *, beside: Collection[int] = ()) -> list[OrderNotional]:
    """Return the notionals of every order that is live or has ended since midnight UTC.

    For the orders in ``beside``, ``open`` is zero. An order with several accounts may trade its whole unfilled
    quantity on any of them. So ``open`` counts in full for each account.
    """
    midnight = midnight_of(now)
    wanted = Order.objects.filter(Q(status__in=ORDER_LIVE) | Q(ended_at__gte=midnight))
    orders = list(wanted.select_related("terms").only(*_ORDER_FIELDS, "terms__limit_price"))
    accounts, venues = _accounts_of(wanted)
    closing = _closing_exposure(wanted)
    prices = _prices(orders, venues)
    done = _done_today(wanted, orders, accounts, midnight)
    found = []
    for order in orders:
        left = ZERO if order.pk in beside else _left(order, closing)
        price = prices.get(order.pk) if left > ZERO else ZERO
        found.append(
            OrderNotional(
                order.pk,
                order.trader_id,
                order.symbol,
                frozenset(accounts.get(order.pk, ())),
                None if price is None else left * price,
                done.get(order.pk, {}),
            )
        )
    return found


def _left(order: Order, closing: Mapping[int, Decimal]) -> Decimal:
    if order.status not in ORDER_LIVE:
        return ZERO
    if order.status == OrderStatus.CLOSING:
        return closing.get(order.pk, ZERO)
    return max(order.quantity - order.filled, ZERO)


def _accounts_of(wanted: QuerySet[Order]) -> tuple[dict[int, list[int]], dict[int, int]]:
    """Return each order's accounts, and the venue of its first account."""
    links = Order.accounts.through.objects.filter(order__in=wanted).order_by("pk")
    accounts: dict[int, list[int]] = defaultdict(list)
    venues: dict[int, int] = {}
    for order, account, venue in links.values_list("order_id", "account_id", "account__venue_id"):
        accounts[order].append(account)
        venues.setdefault(order, venue)
    return accounts, venues


def _closing_exposure(wanted: QuerySet[Order]) -> dict[int, Decimal]:
    """Return the quantity that children of closing orders may still fill: all of it if the outcome is unknown."""
    exposure: dict[int, Decimal] = defaultdict(Decimal)
    rows = ChildOrder.objects.filter(is_settled=False, order__in=wanted.filter(status=OrderStatus.CLOSING))
    for order, quantity, filled in rows.values_list("order_id", "quantity", "filled"):
        exposure[order] += max(quantity - filled, ZERO)
    return exposure


def _prices(orders: Sequence[Order], venues: Mapping[int, int]) -> dict[int, Decimal]:
    """Return a price by order: the mid, however old, else the limit price, else the arrival mid."""
    pairs = {(venues[order.pk], order.symbol) for order in orders if order.pk in venues}
    quotes = quotes_latest(sorted(pairs))
    found = {}
    for order in orders:
        quote = quotes.get((venues.get(order.pk, 0), order.symbol))
        price = quote.mid if quote is not None and quote.is_sane else None
        if price is None and order.terms is not None:
            price = order.terms.limit_price
        price = price or middle(order.arrival_bid, order.arrival_ask)
        if price is not None:
            found[order.pk] = price
    return found


def _done_today(
    wanted: QuerySet[Order],
    orders: Sequence[Order],
    accounts: Mapping[int, Sequence[int]],
    midnight: datetime,
) -> dict[int, dict[int, Decimal]]:
    """Return today's notional by order and account.

    For an order that was created today, the notional is read from the order's row, or from its children's rows if it
    has several accounts. For an older order, today's fills are summed.
    """
    done: dict[int, dict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for order in orders:
        if order.created_at >= midnight and len(accounts.get(order.pk, ())) == 1:
            done[order.pk][accounts[order.pk][0]] += order.notional
    several = {
        order.pk
        for order in orders
        if order.created_at >= midnight and len(accounts.get(order.pk, ())) != 1 and order.filled
    }
    if several:
        children = ChildOrder.objects.filter(order__in=wanted.filter(created_at__gte=midnight))
        for order_pk, account, notional in children.values_list("order_id", "account_id", "notional"):
            if order_pk in several:
                done[order_pk][account] += notional
    older = wanted.filter(created_at__lt=midnight)
    if any(order.created_at < midnight for order in orders):
        fills = Fill.objects.filter(order__in=older, executed_at__gte=midnight)
        for order_pk, account, price, quantity in fills.values_list(
            "order_id", "account_id", "price", "quantity"
        ):
            if order_pk is not None:
                done[order_pk][account] += price * quantity
    return done
