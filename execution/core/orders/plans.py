"""Plans: the slices of an order, which respect lots and minimums and sum exactly to its quantity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any

from execution.core.durations import as_clock
from execution.core.numbers import grouped
from execution.core.orders.parameters import (
    MIN_SLICE,
    AlgorithmParameters,
    TwapParameters,
    i_would_price,
    narrowed,
)
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse
from execution.core.quantities import floor_to, is_multiple, minimum_quantity, side_cost_bp, split_even
from execution.core.types import BASIS_POINT, ZERO, Candle, Market, Quote, Side, Unit

#: Slices of an order that gives no number: usual length, least number, and shortest length to reach this number.
USUAL_SLICE, USUAL_SLICES, MIN_USUAL_SLICE = timedelta(minutes=1), 10, timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """One slice of a plan: a base quantity to trade between two times."""

    number: int
    starts_at: datetime
    ends_at: datetime
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class PlanInput:
    """The input from which an algorithm makes a plan.

    ``market`` has rules that fit every venue. ``quote`` is the venues' reference quote. ``price`` is the mid, or the
    limit price without a mid. ``quote`` and ``price`` are None when unknown. ``candles`` are five-minute candles of
    all venues together, oldest first, with holes where nobody traded or nothing is known. ``is_rest`` means that
    ``quantity`` is the remaining quantity of a running order, whose parameters were checked against its full
    quantity.
    """

    now: datetime
    side: Side
    quantity: Decimal
    parameters: AlgorithmParameters
    limit_price: Decimal | None
    start: datetime
    end: datetime
    market: Market
    price: Decimal | None
    quote: Quote | None = None
    candles: tuple[Candle, ...] = ()
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """An order's slices, whose quantities sum exactly to the order's.

    ``forecast`` (JSON) is the forecast behind the slices, which is stored for decisions and pages. ``notes`` are for
    the trader.
    """

    slices: tuple[SlicePlan, ...]
    forecast: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanBounds:
    """The smallest base quantity of a child that the market accepts, and the largest number of slices."""

    minimum: Decimal
    max_slices: int


def base_quantity(quantity: Decimal, unit: Unit, market: Market, price: Decimal | None) -> Decimal:
    """Return the base quantity of an order. A quote amount is converted at ``price`` and rounded down to the lot.

    Raise ``Refused`` when the quantity is finer than the lot or under the minimum, or when ``price`` is not known for
    a quote amount.
    """
    if unit is Unit.QUOTE:
        if price is None:
            message = f"No price of {market.symbol} is known to convert the quantity from {market.quote}."
            refuse("quantity", message, code=Code.PRICE_UNKNOWN)
        base = floor_to(quantity / price, market.lot)
    else:
        base = quantity
        if not is_multiple(base, market.lot):
            message = f"Quantity {grouped(base)} is finer than the lot {grouped(market.lot)} {market.base}."
            refuse("quantity", message, base, market.lot, code=Code.QUANTITY_OFF_LOT)
    least = market.min_quantity if price is None else minimum_quantity(market, price)
    if base < least:
        message = (
            f"Quantity {grouped(base)} {market.base} is below the minimum of {grouped(least)} {market.base} "
            f"({grouped(market.min_notional)} {market.quote} at the exchange)."
        )
        refuse("quantity", message, base, least, code=Code.QUANTITY_BELOW_MINIMUM)
    return base


def check_limit_price(limit: Decimal | None, market: Market) -> None:
    """Raise ``Refused`` when the limit price is not on the tick."""
    if limit is not None and not is_multiple(limit, market.tick):
        message = (
            f"Limit price {grouped(limit)} is finer than the tick {grouped(market.tick)} {market.quote}."
        )
        refuse("limit_price", message, limit, market.tick, code=Code.LIMIT_PRICE_OFF_TICK)


#: An order's prices by field: name in messages, field with which a person confirms it, and code of its problem.
PRICES = {
    "limit_price": ("Limit price", "confirm_limit", Code.LIMIT_PRICE_OUTSIDE_COLLAR),
    "i_would_price": ("I-would price", "confirm_i_would", Code.I_WOULD_PRICE_OUTSIDE_COLLAR),
}


def far_price_problems(
    side: Side, name: str, price: Decimal | None, quote: Quote | None, collar_bp: Decimal
) -> list[Problem]:
    """Return a problem if the price of field ``name`` is worse than the mid by more than the collar.

    The person must then confirm the price. Without a price, or without a usable quote, there is no problem.
    """
    if (
        price is None
        or quote is None
        or not quote.is_sane
        or side_cost_bp(side, price, quote.mid) <= collar_bp
    ):
        return []
    label, confirmed_by, code = PRICES[name]
    beyond = abs(price / quote.mid - 1) * 100
    message = (
        f"{label} {grouped(price)} is {beyond:,.1f} % {'above' if side is Side.BUY else 'below'} the mid "
        f"{grouped(quote.mid)}. The collar allows {grouped(collar_bp / 100)} %. Change the price, or confirm it."
    )
    worst = quote.mid * (1 + side.sign * collar_bp * BASIS_POINT)
    return [Problem(confirmed_by, message, price, worst, code=code)]


def far_prices(
    side: Side, limit_price: Decimal | None, parameters: AlgorithmParameters, quote: Quote | None
) -> dict[str, Problem]:
    """Return a problem, by field, for each price in ``PRICES`` that the person must confirm.

    Such a price is worse than the mid by more than the collar.
    """
    prices = {"limit_price": limit_price, "i_would_price": i_would_price(parameters)}
    return {
        name: problem
        for name, price in prices.items()
        for problem in far_price_problems(side, name, price, quote, parameters.collar_bp)
    }


def plan_bounds(
    quantity: Decimal, market: Market, price: Decimal | None, start: datetime, end: datetime
) -> PlanBounds:
    """Return the smallest child and the largest number of slices.

    No slice may be under the smallest child, or shorter than the shortest slice length.
    """
    least = minimum_quantity(market, price)
    by_time = max(1, int((end - start) / MIN_SLICE))
    return PlanBounds(minimum=least, max_slices=max(1, min(int(quantity / least), by_time)))


def plan_twap(plan_input: PlanInput) -> Plan:
    """Plan even slices that sum exactly to the quantity.

    Raise ``Refused`` if the parameters ask for too many slices.
    """
    quantity, market, start, end = plan_input.quantity, plan_input.market, plan_input.start, plan_input.end
    asked = narrowed(plan_input.parameters, TwapParameters).slices
    count = slice_count(asked, quantity, market, plan_input.price, start, end)
    return Plan(spread_slices(split_even(quantity, market.lot, count), start, end))


def slice_count(
    count: int | None,
    quantity: Decimal,
    market: Market,
    price: Decimal | None,
    start: datetime,
    end: datetime,
) -> int:
    """Return the number of slices: ``count`` if given, else the usual number, or the most that are allowed.

    Raise ``Refused`` if ``count`` is more than allowed. The problem names the largest allowed number.
    """
    bounds = plan_bounds(quantity, market, price, start, end)
    if count is None:
        return min(_usual_count(end - start), bounds.max_slices)
    if count > bounds.max_slices:
        message = (
            f"{count:,} slices are too many: {grouped(quantity)} {market.base} over {as_clock(end - start)} allows "
            f"at most {bounds.max_slices:,} (min. child size {grouped(bounds.minimum)} {market.base}, "
            f"minimum slice {MIN_SLICE.seconds} s)."
        )
        refuse("slices", message, count, bounds.max_slices, code=Code.TOO_MANY_SLICES)
    return count


def _usual_count(duration: timedelta) -> int:
    """Return one slice a minute, but at least ten. Return fewer if slices would be shorter than ten seconds."""
    of_short = min(USUAL_SLICES, int(duration / MIN_USUAL_SLICE))
    return max(1, of_short, round(duration / USUAL_SLICE))


def spread_slices(quantities: list[Decimal], start: datetime, end: datetime) -> tuple[SlicePlan, ...]:
    """Spread the quantities as slices of equal length that fill ``start`` to ``end`` without a gap."""
    count = len(quantities)
    edges = [start + (end - start) * number / count for number in range(count)] + [end]
    return tuple(
        SlicePlan(number + 1, edges[number], edges[number + 1], quantity)
        for number, quantity in enumerate(quantities)
    )


def shift_plan(
    slices: tuple[SlicePlan, ...], *, remaining: Decimal, paused_at: datetime, now: datetime
) -> tuple[SlicePlan, ...]:
    """Move the remaining slices of a plan by the time between ``paused_at`` and ``now``.

    The slice during which the pause began keeps the time that it still had. ``remaining`` is handed out from the last
    slice backwards. Each slice after the pause's beginning gets its planned quantity as long as enough is left. The
    slice during which the pause began gets everything else, so the sum is exactly ``remaining``. Slices that get
    nothing are dropped.
    """
    lost = now - paused_at
    future = [part for part in slices if part.ends_at > paused_at]
    kept: list[tuple[SlicePlan, Decimal]] = []
    left = remaining
    for part in reversed(future):
        if left <= ZERO:
            break
        quantity = min(part.quantity, left) if part is not future[0] else left
        kept.insert(0, (part, quantity))
        left -= quantity
    return tuple(
        SlicePlan(number, max(part.starts_at + lost, now), part.ends_at + lost, quantity)
        for number, (part, quantity) in enumerate(kept, start=1)
    )


def fit_plan(slices: tuple[SlicePlan, ...], *, lot: Decimal, least: Decimal) -> tuple[SlicePlan, ...]:
    """Return the plan, changed to fit another ``lot`` and another minimum ``least``.

    The sum, the first start and the last end stay the same. Every slice but the last becomes a multiple of ``lot``,
    and the last takes the remainder that is finer than the lot. A slice under ``least`` is merged with the next,
    which makes fewer and larger slices. A plan that fits already is unchanged.
    """
    if not slices:
        return slices
    total = sum((part.quantity for part in slices), ZERO)
    edges = [floor_to(edge, lot) for edge in accumulate(part.quantity for part in slices[:-1])]
    on_lots = [after - before for before, after in pairwise([ZERO, *edges, total])]
    parts = tuple(replace(part, quantity=quantity) for part, quantity in zip(slices, on_lots, strict=True))
    return _joined(parts, least)


def _joined(slices: tuple[SlicePlan, ...], least: Decimal) -> tuple[SlicePlan, ...]:
    """Merge each slice under ``least`` with the next slice. Merge the last slice with the one before if needed."""
    joined: list[SlicePlan] = []
    for part in slices:
        if joined and joined[-1].quantity < least:
            before = joined.pop()
            part = replace(part, starts_at=before.starts_at, quantity=before.quantity + part.quantity)
        joined.append(part)
    if len(joined) > 1 and joined[-1].quantity < least:
        last = joined.pop()
        joined[-1] = replace(joined[-1], ends_at=last.ends_at, quantity=joined[-1].quantity + last.quantity)
    return tuple(replace(part, number=number) for number, part in enumerate(joined, start=1))
