"""Today's purchases and sales by symbol, from the orders that a person sees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from execution.core.limits.money import Conversion, add_amount
from execution.core.states import ORDER_LIVE
from execution.core.tca.positions import Traded
from execution.core.types import ZERO, Side
from execution.models import Fill, Market, User
from execution.payloads.balances import DayTotals, SymbolDay
from execution.payloads.encode import decimal_str, rounded_str
from execution.selectors.decisions.rates import newest_quotes
from execution.selectors.orders.visibility import orders_visible

#: Averages and results come from divisions; they are rounded to this many places.
PLACES = 12


def traded_today(*, person: User, midnight: datetime) -> dict[str, Traded]:
    """Return the totals of today's fills by symbol.

    An order created today has its totals in its own row. For an older order, its fills of today are read.
    """
    lived = orders_visible(person).filter(Q(status__in=ORDER_LIVE) | Q(ended_at__gte=midnight))
    found: dict[str, Traded] = defaultdict(Traded)
    older = []
    columns = ("pk", "symbol", "side", "filled", "notional", "created_at")
    for pk, symbol, side, filled, notional, created_at in lived.values_list(*columns):
        if filled == ZERO:
            continue
        if created_at < midnight:
            older.append(pk)
        else:
            found[symbol] = found[symbol].beside(Side(side), filled, notional)
    if older:
        fills = Fill.objects.filter(
            order__in=lived.filter(created_at__lt=midnight), executed_at__gte=midnight
        )
        for symbol, side, price, quantity in fills.values_list("symbol", "side", "price", "quantity"):
            found[symbol] = found[symbol].beside(Side(side), quantity, price * quantity)
    return dict(found)


def symbol_days(traded: Mapping[str, Traded], now: datetime) -> list[SymbolDay]:
    """Return a row for each symbol, sorted by name. Open positions are valued at the newest mid of any venue."""
    if not traded:
        return []
    mids = {symbol: quote.mid for symbol, quote in newest_quotes(traded, now).items()}
    ticks: dict[str, Decimal] = {}
    for symbol, tick in Market.objects.filter(symbol__in=traded).values_list("symbol", "tick"):
        ticks[symbol] = min(tick, ticks.get(symbol, tick))
    return [_row(symbol, traded[symbol], mids.get(symbol), ticks.get(symbol)) for symbol in sorted(traded)]


def _row(symbol: str, day: Traded, mid: Decimal | None, tick: Decimal | None) -> SymbolDay:
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
        open=rounded_str(day.open_result(mid), PLACES),
    )


def day_totals(rows: Sequence[SymbolDay], rates: Conversion) -> DayTotals:
    """Return the sums of the rows in the reporting currency."""
    amounts: dict[str, dict[str, Decimal | None]] = {name: {} for name in ("notional", "realised", "open")}
    for row in rows:
        for name, value in (
            ("notional", row["notional"]),
            ("realised", row["realised"]),
            ("open", row["open"]),
        ):
            add_amount(amounts[name], row["currency"], None if value is None else Decimal(value))
    totals = {name: rates.total(parts) for name, parts in amounts.items()}
    realised, open_result = totals["realised"], totals["open"]
    result = None if realised is None or open_result is None else realised + open_result
    return DayTotals(
        notional=rounded_str(totals["notional"], PLACES),
        realised=rounded_str(realised, PLACES),
        open=rounded_str(open_result, PLACES),
        result=rounded_str(result, PLACES),
    )
