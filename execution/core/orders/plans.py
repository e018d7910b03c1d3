"""Plans: the slices of an order, with exact totals that respect lots and minimums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from execution.core.durations import as_clock
from execution.core.numbers import plain
from execution.core.orders.parameters import (
    MIN_SLICE,
    AlgorithmParameters,
    TwapParameters,
    i_would_price,
    narrowed,
)
from execution.core.problems import Problem, Refused
from execution.core.quantities import (
    ceil_to,
    floor_to,
    is_multiple,
    minimum_quantity,
    side_cost_bp,
    split_even,
)
from execution.core.types import BASIS_POINT, ZERO, Candle, Market, Quote, Side, Unit

#: How an order is sliced that does not say: so long a slice, at least so many, none shorter than this for it.
USUAL_SLICE, USUAL_SLICES, SHORTEST_USUAL = timedelta(minutes=1), 10, timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """This base quantity between these times."""

    number: int
    starts_at: datetime
    ends_at: datetime
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class PlanInput:
    """What a plan is made from. ``market`` has the limits that fit every venue; ``quote`` is the venues'
    reference, ``price`` the mid, else the limit; None when unknown. ``candles`` are of five minutes, of all
    venues together, oldest first, with holes where nobody traded or nothing is known. ``is_rest``: of an order that
    runs, whose parameters were judged against all of it."""

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
    """Slices whose quantities sum exactly to the order's; ``forecast`` (JSON) is what they were made with, kept
    for decisions and pages; ``notes`` are what the trader should know of it."""

    slices: tuple[SlicePlan, ...]
    forecast: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanBounds:
    """What the market allows: the least base quantity of a child, and how many slices that makes."""

    minimum: Decimal
    max_slices: int


def base_quantity(quantity: Decimal, unit: Unit, market: Market, price: Decimal | None) -> Decimal:
    """The base quantity of what was asked; a quote amount is converted at ``price``, down to the lot.

    Raises ``Refused`` when it is finer than the lot, under the minimum, above the maximum, or when a quote
    amount meets no known price.
    """
    if unit is Unit.QUOTE:
        if price is None:
            raise Refused(
                [Problem("quantity", f"no price of {market.symbol} is known to convert {market.quote}")]
            )
        base = floor_to(quantity / price, market.lot)
    else:
        base = quantity
        if not is_multiple(base, market.lot):
            message = f"quantity {plain(base)} is finer than the lot {plain(market.lot)} {market.base}"
            raise Refused([Problem("quantity", message, plain(base), plain(market.lot))])
    least = market.min_quantity if price is None else minimum_quantity(market, price)
    if base < least:
        message = (
            f"quantity {plain(base)} {market.base} is under the minimum of {plain(least)} {market.base} "
            f"({plain(market.min_notional)} {market.quote} at the exchange)"
        )
        raise Refused([Problem("quantity", message, plain(base), plain(least))])
    return base


def check_limit_price(limit: Decimal | None, market: Market) -> None:
    """Raises ``Refused`` when the limit price is not on the tick."""
    if limit is not None and not is_multiple(limit, market.tick):
        message = f"limit price {plain(limit)} is finer than the tick {plain(market.tick)} {market.quote}"
        raise Refused([Problem("limit_price", message, plain(limit), plain(market.tick))])


#: An order's prices by field: how a message calls each, and the field that confirms it.
PRICES = {
    "limit_price": ("limit price", "confirm_limit"),
    "i_would_price": ("I-would price", "confirm_i_would"),
}


def far_price_problems(
    side: Side, name: str, price: Decimal | None, quote: Quote | None, collar_bp: Decimal
) -> list[Problem]:
    """Why one of ``PRICES`` must be confirmed: it is on the wrong side of the mid by more than the collar.

    Nothing where it need not be, or cannot be judged.
    """
    if (
        price is None
        or quote is None
        or not quote.is_sane
        or side_cost_bp(side, price, quote.mid) <= collar_bp
    ):
        return []
    label, confirmed_by = PRICES[name]
    beyond = abs(price / quote.mid - 1) * 100
    message = (
        f"{label} {plain(price)} is {beyond:,.1f} % {'above' if side is Side.BUY else 'below'} the mid "
        f"{plain(quote.mid)}, more than the collar of {plain(collar_bp)} bp; confirm that it is meant"
    )
    worst = quote.mid * (1 + side.sign * collar_bp * BASIS_POINT)
    return [Problem(confirmed_by, message, plain(price), plain(worst))]


def far_prices(
    side: Side, limit_price: Decimal | None, parameters: AlgorithmParameters, quote: Quote | None
) -> dict[str, Problem]:
    """Return, by field of ``PRICES``, why a price of an order must be confirmed."""
    prices = {"limit_price": limit_price, "i_would_price": i_would_price(parameters)}
    return {
        name: problem
        for name, price in prices.items()
        for problem in far_price_problems(side, name, price, quote, parameters.collar_bp)
    }


def plan_bounds(
    quantity: Decimal, market: Market, price: Decimal | None, start: datetime, end: datetime
) -> PlanBounds:
    """How many slices the exchange's minimum and the shortest slice allow."""
    if price is None:
        least = max(ceil_to(market.min_quantity, market.lot), market.lot)
    else:
        least = minimum_quantity(market, price)
    by_time = max(1, int((end - start) / MIN_SLICE))
    return PlanBounds(minimum=least, max_slices=max(1, min(int(quantity / least), by_time)))


def plan_twap(given: PlanInput) -> Plan:
    """Even slices."""
    slices = plan_even(
        quantity=given.quantity,
        parameters=narrowed(given.parameters, TwapParameters),
        market=given.market,
        price=given.price,
        start=given.start,
        end=given.end,
    )
    return Plan(slices)


def plan_even(
    *,
    quantity: Decimal,
    parameters: TwapParameters,
    market: Market,
    price: Decimal | None,
    start: datetime,
    end: datetime,
) -> tuple[SlicePlan, ...]:
    """Even slices from ``start`` to ``end`` whose quantities sum exactly to ``quantity``; as many as
    ``slice_count`` says, which raises ``Refused``."""
    count = slice_count(parameters.slices, quantity, market, price, start, end)
    return spread_slices(split_even(quantity, market.lot, count), start, end)


def slice_count(
    asked: int | None,
    quantity: Decimal,
    market: Market,
    price: Decimal | None,
    start: datetime,
    end: datetime,
) -> int:
    """How many slices: as asked, else as usual, fewer where the minimum wants larger ones. Raises ``Refused``
    when more were asked for than the minimum allows; the problem says how many it allows."""
    bounds = plan_bounds(quantity, market, price, start, end)
    if asked is None:
        return min(_usual_count(end - start), bounds.max_slices)
    if asked > bounds.max_slices:
        message = (
            f"{asked} slices are too many: {plain(quantity)} {market.base} over {as_clock(end - start)} allows "
            f"at most {bounds.max_slices} (least child {plain(bounds.minimum)} {market.base}, "
            f"least slice {MIN_SLICE.seconds} s)"
        )
        raise Refused([Problem("slices", message, str(asked), str(bounds.max_slices))])
    return asked


def _usual_count(duration: timedelta) -> int:
    """One a minute; of an order under ten minutes ten, or as many as ten seconds go into it."""
    of_short = min(USUAL_SLICES, int(duration / SHORTEST_USUAL))
    return max(1, of_short, round(duration / USUAL_SLICE))


def spread_slices(quantities: list[Decimal], start: datetime, end: datetime) -> tuple[SlicePlan, ...]:
    """The quantities as slices of equal length that fill ``start`` to ``end`` without a gap."""
    count = len(quantities)
    edges = [start + (end - start) * number / count for number in range(count)] + [end]
    return tuple(
        SlicePlan(number + 1, edges[number], edges[number + 1], quantity)
        for number, quantity in enumerate(quantities)
    )


def shift_plan(
    slices: tuple[SlicePlan, ...], *, remaining: Decimal, paused_at: datetime, now: datetime
) -> tuple[SlicePlan, ...]:
    """What is left of a plan, moved by the time between ``paused_at`` and ``now``.

    The slice that the pause cut keeps the rest of its time. The last slices keep their quantities and the
    first takes whatever else remains, so the sum is exactly ``remaining``.
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
