"""Today's purchases, sales and fees by symbol, from the orders that a person sees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet

from execution.core.limits.money import Conversion, add_amount
from execution.core.states import ORDER_LIVE
from execution.core.tca.positions import Traded
from execution.core.types import ZERO, Side
from execution.models import Fill, Market, Order, User
from execution.payloads.balances import DayTotals, SymbolDay
from execution.payloads.encode import decimal_str, rounded_str
from execution.selectors.decisions.rates import newest_quotes
from execution.selectors.fees import fee_parts
from execution.selectors.orders.visibility import orders_visible

#: Averages and results come from divisions; they are rounded to this many places.
PLACES = 12


@dataclass(slots=True)
class DayTrades:
    """The totals of today's fills of a symbol. ``fees`` are those that are known, by currency, below zero for a
    rebate. ``are_fees_known`` is False while the exchange has not told the fee of a fill.
    """

    traded: Traded = field(default_factory=Traded)
    fees: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    are_fees_known: bool = True

    def add_fees(self, parts: Iterable[tuple[str, Decimal]]) -> None:
        for currency, amount in parts:
            self.fees[currency] += amount

    def fees_in(self, currency: str, rates: Conversion) -> Decimal | None:
        """Return all fees in a currency at the current rates; None if a fee or a rate is unknown."""
        if not self.are_fees_known:
            return None
        foreign = {name: amount for name, amount in self.fees.items() if name != currency and amount != ZERO}
        own = self.fees.get(currency, ZERO)
        if not foreign:
            return own
        total, rate = rates.total(foreign), rates.rate(currency)
        return None if total is None or not rate else own + total / rate


def traded_today(*, person: User, midnight: datetime) -> dict[str, Traded]:
    """Return the totals of today's fills by symbol.

    The fees of the orders are not read, because an open home page calls this once a second.
    """
    found = _trades(person, midnight, with_fees=False)
    return {symbol: day.traded for symbol, day in found.items()}


def trades_today(*, person: User, midnight: datetime) -> dict[str, DayTrades]:
    """Return the totals of today's fills and their fees by symbol."""
    return _trades(person, midnight, with_fees=True)


def _trades(person: User, midnight: datetime, *, with_fees: bool) -> dict[str, DayTrades]:
    """Read what the two functions above return.

    An order created today has its totals in its own row. For an older order, its fills of today are read.
    """
    lived = orders_visible(person).filter(Q(status__in=ORDER_LIVE) | Q(ended_at__gte=midnight))
    columns = ["pk", "symbol", "side", "filled", "notional", "created_at"]
    orders = lived
    if with_fees:
        without_fee = Fill.objects.filter(order=OuterRef("pk"), fee__isnull=True, executed_at__gte=midnight)
        orders = lived.annotate(lacks_fee=Exists(without_fee))
        columns += ["fees", "lacks_fee"]
    found: dict[str, DayTrades] = defaultdict(DayTrades)
    older = []
    for pk, symbol, side, filled, notional, created_at, *more in orders.values_list(*columns):
        if filled == ZERO:
            continue
        fees, lacks_fee = more or ({}, False)
        if lacks_fee:
            found[symbol].are_fees_known = False
        if created_at < midnight:
            older.append(pk)
        else:
            day = found[symbol]
            day.traded = day.traded.beside(Side(side), filled, notional)
            day.add_fees((name, Decimal(amount)) for name, amount in fees.items())
    if older:
        _add_fills(found, lived.filter(created_at__lt=midnight), midnight)
    return dict(found)


def _add_fills(found: dict[str, DayTrades], older: QuerySet[Order], midnight: datetime) -> None:
    fills = Fill.objects.filter(order__in=older, executed_at__gte=midnight)
    columns = ("symbol", "side", "price", "quantity", "fee", "fee_currency", "more_fees")
    for symbol, side, price, quantity, fee, currency, more_fees in fills.values_list(*columns):
        day = found[symbol]
        day.traded = day.traded.beside(Side(side), quantity, price * quantity)
        day.add_fees(fee_parts(fee, currency, more_fees))


def currencies_of(trades: Mapping[str, DayTrades]) -> set[str]:
    """Return the currencies of the prices and of the fees, whose rates the results need."""
    quotes = {symbol.partition("/")[2] for symbol in trades}
    return quotes | {currency for day in trades.values() for currency in day.fees}


def symbol_days(trades: Mapping[str, DayTrades], rates: Conversion, now: datetime) -> list[SymbolDay]:
    """Return a row for each symbol, sorted by name. Open positions are valued at the newest mid of any venue."""
    if not trades:
        return []
    mids = {symbol: quote.mid for symbol, quote in newest_quotes(trades, now).items()}
    ticks: dict[str, Decimal] = {}
    for symbol, tick in Market.objects.filter(symbol__in=trades).values_list("symbol", "tick"):
        ticks[symbol] = min(tick, ticks.get(symbol, tick))
    rows = []
    for symbol in sorted(trades):
        fees = trades[symbol].fees_in(symbol.partition("/")[2], rates)
        rows.append(_row(symbol, trades[symbol].traded, mids.get(symbol), ticks.get(symbol), fees))
    return rows


def _row(
    symbol: str, day: Traded, mid: Decimal | None, tick: Decimal | None, fees: Decimal | None
) -> SymbolDay:
    open_result = day.open_result(mid)
    return SymbolDay(
        symbol=symbol,
        currency=symbol.partition("/")[2],
        tick=decimal_str(tick),
        bought=decimal_str(day.bought),
        bought_average=rounded_str(day.bought_average, PLACES),
        sold=decimal_str(day.sold),
        sold_average=rounded_str(day.sold_average, PLACES),
        net=decimal_str(day.net),
        average=rounded_str(day.average, PLACES),
        mid=decimal_str(mid),
        notional=decimal_str(day.paid + day.received),
        realised=rounded_str(day.realised, PLACES),
        open=rounded_str(open_result, PLACES),
        fees=rounded_str(fees, PLACES),
        after_fees=rounded_str(_after(day.realised, open_result, fees), PLACES),
    )


def _after(realised: Decimal | None, open_result: Decimal | None, fees: Decimal | None) -> Decimal | None:
    """Return the result less the fees; None if a part is unknown."""
    if realised is None or open_result is None or fees is None:
        return None
    return realised + open_result - fees


def day_totals(rows: Sequence[SymbolDay], rates: Conversion) -> DayTotals:
    """Return the sums of the rows in the reporting currency."""
    amounts: dict[str, dict[str, Decimal | None]] = {
        name: {} for name in ("notional", "realised", "open", "fees")
    }
    for row in rows:
        for name, value in (
            ("notional", row["notional"]),
            ("realised", row["realised"]),
            ("open", row["open"]),
            ("fees", row["fees"]),
        ):
            add_amount(amounts[name], row["currency"], None if value is None else Decimal(value))
    totals = {name: rates.total(parts) for name, parts in amounts.items()}
    realised, open_result = totals["realised"], totals["open"]
    return DayTotals(
        notional=rounded_str(totals["notional"], PLACES),
        realised=rounded_str(realised, PLACES),
        open=rounded_str(open_result, PLACES),
        result=rounded_str(_after(realised, open_result, ZERO), PLACES),
        fees=rounded_str(totals["fees"], PLACES),
        after_fees=rounded_str(_after(realised, open_result, totals["fees"]), PLACES),
    )
