"""Percentage of volume: a share of what the market trades, with own volume not the market's.

With a rate r, others having traded V, the share is kept when own / (own + V) = r: own = V × r / (1 - r).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from execution.core.algorithms.slice_tactic import rest_and_cross
from execution.core.numbers import plain
from execution.core.orders.parameters import MIN_SLICE, AtEnd, PovParameters, narrowed
from execution.core.orders.plans import Plan, PlanInput, plan_bounds, spread_slices
from execution.core.orders.slices import IDLE_LOOK, SliceTask
from execution.core.orders.view import CROSS, REST, Decision, OrderView
from execution.core.quantities import split_even
from execution.core.routing.account_selection import least_quantity
from execution.core.types import ZERO

SLICE = timedelta(minutes=5)
#: Of a shorter order, a slice is this part.
SLICES_OF_SHORT = 12
#: The forecast of the market's volume is that of the last day.
LOOKBACK = timedelta(days=1)
#: The market's volume comes in seconds: a look is worth it as often.
LOOK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of all that is traded, own included."""

    low: Decimal
    rate: Decimal
    high: Decimal


def rates_of(parameters: PovParameters) -> Rates:
    """The three rates; half and one and a half of the rate where they are not named, at most 1."""
    rate = parameters.participation_rate
    low = rate / 2 if parameters.minimum_rate is None else parameters.minimum_rate
    high = min(rate * 3 / 2, Decimal(1)) if parameters.maximum_rate is None else parameters.maximum_rate
    return Rates(min(low, rate), rate, max(high, rate))


def own_share(others: Decimal, rate: Decimal, quantity: Decimal) -> Decimal:
    """What of ``quantity`` is to be done when others have traded ``others``; everything at a rate of 1."""
    return quantity if rate >= 1 else min(others * rate / (1 - rate), quantity)


def others_volume(view: OrderView) -> Decimal | None:
    """What others have traded since the start; None while it is unknown. Our fills may be known before the market's
    trades list them: then it is too small for a moment, and nothing more is done."""
    return None if view.traded_since_start is None else max(view.traded_since_start - view.done, ZERO)


# --- the plan --------------------------------------------------------------------------------------


def plan_pov(given: PlanInput) -> Plan:
    """Even slices, which only say where the order would be if the market traded evenly; the volume decides."""
    parameters, duration = narrowed(given.parameters, PovParameters), given.end - given.start
    length = parameters.slice_length or max(min(SLICE, duration / SLICES_OF_SHORT), MIN_SLICE)
    bounds = plan_bounds(given.quantity, given.market, given.price, given.start, given.end)
    count = min(max(round(duration / length), 1), bounds.max_slices)
    slices = spread_slices(split_even(given.quantity, given.market.lot, count), given.start, given.end)
    rates, expected = rates_of(parameters), _expected_volume(given)
    forecast = {
        "minimum_rate": plain(rates.low),
        "participation_rate": plain(rates.rate),
        "maximum_rate": plain(rates.high),
        "expected_volume": None if expected is None else plain(expected),
    }
    return Plan(slices, forecast, (_note(given, rates, expected),))


def _expected_volume(given: PlanInput) -> Decimal | None:
    """What the market would trade in the order's time at the pace of the last day; None without history."""
    candles = [candle for candle in given.candles if candle.opened_at >= given.now - LOOKBACK]
    if not candles:
        return None
    span = given.now - candles[0].opened_at
    volume = sum((candle.volume for candle in candles), ZERO)
    if span <= timedelta(0) or volume <= ZERO:
        return None
    micro = timedelta(microseconds=1)
    return (volume * ((given.end - given.start) // micro) / (span // micro)).quantize(given.market.lot)


def _note(given: PlanInput, rates: Rates, expected: Decimal | None) -> str:
    base, share = given.market.base, f"{plain(rates.rate * 100)} %"
    if expected is None:
        return f"the market's volume is unknown: how much {share} of it is, and when this is done, cannot be said"
    words = f"at the last day's pace the market trades about {plain(expected)} {base} in the time"
    most = own_share(expected, rates.rate, given.quantity)
    if most < given.quantity:
        return f"{words}: {share} of it does about {plain(most.quantize(given.market.lot))} of {plain(given.quantity)}"
    return f"{words}: {share} of it does all of {plain(given.quantity)} before the end"


# --- the tactic ------------------------------------------------------------------------------------


def pov_target(view: OrderView, _work: SliceTask) -> Decimal:
    """What should be done by now at the rate; what is done, while the market's volume is unknown."""
    rate, others = rates_of(narrowed(view.parameters, PovParameters)).rate, others_volume(view)
    if others is None:
        return view.quantity if rate >= 1 else view.done
    return own_share(others, rate, view.quantity)


def pov_bound(view: OrderView) -> str:
    """That the market traded too little for the rest at the maximum rate, or that nobody knows what it traded."""
    rates, others = rates_of(narrowed(view.parameters, PovParameters)), others_volume(view)
    if rates.high >= 1:
        return ""
    if others is None:
        return "what the market traded is not known"
    allowed = own_share(others, rates.high, view.quantity)
    least = min((least_quantity(view, venue, CROSS) for venue in view.usable), default=ZERO)
    if allowed - view.done >= least:
        return ""
    return f"others traded {plain(others)} {view.base}, and it is at most {plain(rates.high * 100)} % of the volume"


def follow_volume(view: OrderView, work: SliceTask) -> Decision:
    """Rest up to the rate; below the minimum rate cross up to it. More than the maximum rate is never proposed.

    1. Unknown volume: nothing new. 2. Behind the minimum by a child or more: as if the slice were over.
    3. Else as if the slice began: it only rests. An exchange's minimum that the rate does not reach yet may rest
    ahead of it, within the maximum.
    """
    parameters = narrowed(view.parameters, PovParameters)
    rates, others = rates_of(parameters), others_volume(view)
    if others is None and rates.rate < 1:
        return Decision((), view.now + LOOK, "waits: what the market has traded since the start is not known")
    volume, target = others or ZERO, pov_target(view, work)
    least = min(least_quantity(view, venue, REST) for venue in view.usable)
    # A share of the market has no catch-up of its own: the maximum rate is its cap.
    part = replace(work.part, quantity=view.quantity, starts_at=view.now, ends_at=view.now + SLICE)
    if rates.rate >= 1 or own_share(volume, rates.low, view.quantity) - view.done >= least:
        is_last = target == view.quantity and parameters.at_end is AtEnd.CROSS
        return _soon(view, rest_and_cross(view, SliceTask(part, is_last, target, must=target - view.done)))
    ahead = view.done + least
    if view.exposure > ZERO:
        # One order at a time: the market's volume comes in seconds, and each would be a small order of its own.
        target = view.done
    elif target < ahead <= own_share(volume, rates.high, view.quantity):
        target = ahead
    return _soon(view, rest_and_cross(view, SliceTask(part, is_last=False, target=target, must=ZERO)))


def _soon(view: OrderView, decision: Decision) -> Decision:
    """The next look is by the market's volume, not by the slice's time."""
    latest = view.now + (LOOK if not decision.commands else IDLE_LOOK)
    return replace(decision, due_at=latest if decision.due_at is None else min(decision.due_at, latest))
