"""The limits in force, and the figures of an order to compare with these limits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from django.db.models import Q

from execution.core.algorithms.shortfall import daily_volume
from execution.core.limits.judgement import Limit
from execution.core.limits.kinds import (
    AT_SUBMIT,
    LIMIT_SPECS,
    SUMMED,
    LimitKind,
    LimitLevel,
    LimitScope,
    Measure,
)
from execution.core.limits.money import Amounts, Conversion, add_amount
from execution.core.quantities import side_cost_bp
from execution.core.tca.costs import market_vwap
from execution.core.types import Side
from execution.models import TradingLimit
from execution.models.prepared import Compiled
from execution.selectors.candles import CANDLE_LENGTH, candles_of
from execution.selectors.decisions.notional import (
    OrderNotional,
    daily_amounts,
    in_scope,
    open_amounts,
    order_notionals,
)
from execution.selectors.decisions.rates import conversion

#: The usual daily volume is the average over this many days.
USUAL_DAYS = timedelta(days=7)
HOUR = timedelta(hours=1)
PERCENT = Decimal(100)

_APPLYING = Compiled(
    lambda trader, account, symbol: TradingLimit.objects.filter(
        Q(scope="desk") | Q(trader_id=trader) | Q(account_id=account) | Q(symbol=symbol), ended_at=None
    ).order_by("pk"),
    trader=int,
    account=int,
    symbol=str,
)


@dataclass(frozen=True, slots=True)
class AskedOrder:
    """An order to be checked against limits, before it is sent, amended or resumed.

    ``quantity`` is the quantity of the whole order and ``rest`` the part that may still trade, in base units.
    ``price`` is the price that the ticket shows: the mid, else the limit price. ``order_pk`` is the order's primary
    key, if it exists already.
    """

    trader_pk: int
    account_pks: tuple[int, ...]
    venue_pks: tuple[int, ...]
    symbol: str
    side: Side
    quantity: Decimal
    rest: Decimal
    price: Decimal | None
    collar_bp: Decimal
    limit_price: Decimal | None = None
    order_pk: int | None = None

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]

    @property
    def currency(self) -> str:
        return self.symbol.partition("/")[2]

    @property
    def worst_price(self) -> Decimal | None:
        """Return ``price`` or ``limit_price``: the higher of the two for a buy, the lower for a sell.

        So a mistyped limit price is checked too. None if neither price is known.
        """
        prices = [price for price in (self.price, self.limit_price) if price is not None]
        return max(prices, key=lambda price: price * self.side.sign, default=None)

    def notional(self, quantity: Decimal) -> Decimal | None:
        """Return the value of ``quantity`` at the order's price; None if no price is known."""
        return None if self.price is None else quantity * self.price

    def counts_into(self, row: TradingLimit) -> bool:
        """Return True if the order is in the limit's scope."""
        return in_scope(LimitScope(row.scope), subject_of(row), self.trader_pk, self.account_pks, self.symbol)


def limit_of(row: TradingLimit) -> Limit:
    """Return a stored limit as ``Limit``, the type with which orders are judged."""
    return Limit(
        public_id=row.public_id,
        kind=LimitKind(row.kind),
        scope=LimitScope(row.scope),
        subject=row.subject,
        level=LimitLevel(row.level),
        value=row.value,
        currency=row.currency,
    )


def limits_applying(
    trader_pk: int, account_pks: Iterable[int], symbol: str, kinds: Collection[LimitKind]
) -> list[TradingLimit]:
    """Return the limits in force of the given kinds that apply to an order, each once."""
    rows: dict[int, TradingLimit] = {}
    for account_pk in account_pks:
        for row in _APPLYING.all(trader=trader_pk, account=account_pk, symbol=symbol):
            rows[row.pk] = row
    return [row for row in rows.values() if row.kind in kinds]


def subject_of(row: TradingLimit) -> int | str:
    """Return what a limit is for: the primary key of a trader or an account, a symbol, or "" for the whole desk."""
    return row.trader_id or row.account_id or row.symbol


def figures_of(
    asked: AskedOrder, now: datetime, kinds: Collection[LimitKind] = AT_SUBMIT
) -> list[tuple[Limit, Decimal | None]]:
    """Return each limit that applies to the order, with the order's figure to compare with it.

    The figure is None if it is unknown.
    """
    return figures_together([asked], now, kinds)[0]


def figures_together(
    orders: Sequence[AskedOrder], now: datetime, kinds: Collection[LimitKind] = AT_SUBMIT
) -> list[list[tuple[Limit, Decimal | None]]]:
    """Return ``figures_of`` for each of several orders that are sent together.

    Each sum includes the amounts that all of these orders may trade. Orders of one symbol and side are treated as one
    order. So nobody can avoid a limit on an order's size by splitting the order.
    """
    applying = [
        [
            row
            for row in limits_applying(asked.trader_pk, asked.account_pks, asked.symbol, kinds)
            if is_about(row, asked.currency)
        ]
        for asked in orders
    ]
    figures = _Figures(orders, now, {row.kind for rows in applying for row in rows})
    return [
        [(limit_of(row), figures.of(asked, row)) for row in rows]
        for asked, rows in zip(orders, applying, strict=True)
    ]


def is_about(row: TradingLimit, quote_currency: str) -> bool:
    """Return True if a limit applies to orders whose quote currency is ``quote_currency``.

    A limit of money in the reporting currency applies to every order. A limit of money in another currency applies
    only to orders with that quote currency.
    """
    if LIMIT_SPECS[LimitKind(row.kind)].measure is not Measure.MONEY:
        return True
    return row.currency in {settings.TRANCHE_REPORTING_CURRENCY, quote_currency}


class _Figures:
    """The figures of orders that are sent together.

    Data that several limits need are read once, and only if a limit needs them.
    """

    def __init__(self, orders: Sequence[AskedOrder], now: datetime, kinds: Collection[str]) -> None:
        self._asked, self._now = orders, now
        self._needs_orders = not SUMMED.isdisjoint(kinds)

    @cached_property
    def _orders(self) -> list[OrderNotional]:
        beside = {asked.order_pk for asked in self._asked if asked.order_pk is not None}
        return order_notionals(self._now, beside=beside) if self._needs_orders else []

    @cached_property
    def _conversion(self) -> Conversion:
        asked = {each.currency for each in self._asked}
        return conversion(asked | {order.currency for order in self._orders}, self._now)

    def of(self, asked: AskedOrder, row: TradingLimit) -> Decimal | None:
        kind = LimitKind(row.kind)
        if kind is LimitKind.ORDER_QUANTITY:
            return self._quantity(asked, row)
        if kind is LimitKind.COLLAR:
            return asked.collar_bp
        if kind is LimitKind.VOLUME_SHARE:
            return self._volume_share(asked, row)
        if kind is LimitKind.HOUR_MOVE:
            return hour_move(asked.side, asked.worst_price, asked.venue_pks, asked.symbol, self._now)
        return self._conversion.amount_in(row.currency, self._amounts(asked, row))

    def _like(self, asked: AskedOrder, row: TradingLimit) -> list[AskedOrder]:
        """Return the orders that a limit treats as one order together with ``asked``.

        They have the same symbol and side, and are in the limit's scope.
        """
        return [
            each
            for each in self._asked
            if (each.symbol, each.side) == (asked.symbol, asked.side) and each.counts_into(row)
        ]

    def _quantity(self, asked: AskedOrder, row: TradingLimit) -> Decimal:
        return sum((each.quantity for each in self._like(asked, row)), Decimal(0))

    def _amounts(self, asked: AskedOrder, row: TradingLimit) -> Amounts:
        """Return the notional to compare with a limit, by currency.

        For a limit on one order, it is the notional of ``asked`` and of the orders that are treated as one with it.
        For a limit on a sum, it is the notional of all orders in the limit's scope, including those to be checked.
        """
        amounts: dict[str, Decimal | None] = {}
        if row.kind == LimitKind.ORDER_NOTIONAL:
            for each in self._like(asked, row):
                add_amount(amounts, each.currency, each.notional(each.quantity))
            return amounts
        amounts.update(_summed(row, self._orders))
        for each in self._asked:
            if each.counts_into(row):
                add_amount(amounts, each.currency, each.notional(each.rest))
        return amounts

    def _volume_share(self, asked: AskedOrder, row: TradingLimit) -> Decimal | None:
        now = self._now
        candles = candles_of(set(asked.venue_pks), asked.symbol, since=now - USUAL_DAYS, until=now)
        usual = daily_volume(candles)
        return None if usual is None else self._quantity(asked, row) / Decimal(str(usual)) * PERCENT


def hour_move(
    side: Side, price: Decimal | None, venue_pks: Iterable[int], symbol: str, now: datetime
) -> Decimal | None:
    """Return the distance of a price from the last hour's average, in basis points; None if either is unknown."""
    since = now - HOUR - CANDLE_LENGTH
    candles = candles_of(set(venue_pks), symbol, since=since, until=now)
    average = market_vwap((candle.typical * candle.volume, candle.volume) for candle in candles)
    return None if price is None or average is None else abs(side_cost_bp(side, price, average))


def usage_of(
    rows: Sequence[TradingLimit], orders: Sequence[OrderNotional], now: datetime
) -> dict[int, Decimal | None]:
    """Return how much of each limit on open or daily notional is used, by the limit's primary key."""
    rates = conversion({order.currency for order in orders}, now)
    return {row.pk: rates.amount_in(row.currency, _summed(row, orders)) for row in rows if row.kind in SUMMED}


def _summed(row: TradingLimit, orders: Sequence[OrderNotional]) -> Amounts:
    """Return the amounts to compare with a limit on open or daily notional, by currency."""
    amounts_of = open_amounts if row.kind == LimitKind.OPEN_NOTIONAL else daily_amounts
    return amounts_of(orders, LimitScope(row.scope), subject_of(row))
