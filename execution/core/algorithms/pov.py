"""Percentage of volume: the order trades a fixed share of the market's volume, its own volume included.

At a rate r, when others have traded V, the order's own volume should satisfy own / (own + V) = r. So
own = V × r / (1 - r).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from execution.core.algorithms.slice_tactic import rest_and_cross
from execution.core.numbers import plain
from execution.core.orders.parameters import MIN_SLICE, AtEnd, PovParameters, narrowed
from execution.core.orders.plans import Plan, PlanInput, plan_bounds, spread_slices
from execution.core.orders.slices import IDLE_RECHECK, SliceTask
from execution.core.orders.view import CROSS, REST, Decision, OrderView
from execution.core.orders.volume_gaps import gaps_note, unknown_since, volume_trouble
from execution.core.quantities import split_even
from execution.core.routing.account_selection import least_quantity
from execution.core.types import ZERO

SLICE = timedelta(minutes=5)
#: Slices of an order that is too short for slices of ``SLICE``.
SLICES_OF_SHORT = 12
#: The market's volume is forecast from this much history.
LOOKBACK = timedelta(days=1)
#: Pause between checks. New market volume arrives within seconds.
VOLUME_RECHECK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Rates:
    """The least, the wanted and the highest rate: shares of the market's volume, the order's own included."""

    low: Decimal
    rate: Decimal
    high: Decimal


def rates_of(parameters: PovParameters) -> Rates:
    """Return the three rates of ``parameters``, with defaults for two of them.

    If no least rate is given, it is half of the wanted rate. If no highest rate is given, it is 1.5 times the wanted
    rate, at most 1.
    """
    rate = parameters.participation_rate
    low = rate / 2 if parameters.minimum_rate is None else parameters.minimum_rate
    high = min(rate * 3 / 2, Decimal(1)) if parameters.maximum_rate is None else parameters.maximum_rate
    return Rates(min(low, rate), rate, max(high, rate))


def own_share(others: Decimal, rate: Decimal, quantity: Decimal) -> Decimal:
    """Return the part of ``quantity`` that is due when the other participants have traded the volume ``others``.

    At a rate of 1 it is all of ``quantity``.
    """
    return quantity if rate >= 1 else min(others * rate / (1 - rate), quantity)


def others_volume(view: OrderView) -> Decimal | None:
    """Return the known volume of other participants since the start; None while it is unknown or too old.

    The result is the market's volume minus the desk's own fills. The desk may know its fills before the market's
    trades include them. Until they do, the result is too small, and the order trades too little rather than too much.
    """
    if view.traded_since_start is None or unknown_since(view):
        return None
    return max(view.traded_since_start - view.done, ZERO)


# --- the plan --------------------------------------------------------------------------------------


def plan_pov(plan_input: PlanInput) -> Plan:
    """Plan even slices, which are only for display.

    They show where the order would be if the market traded evenly. What the order really trades follows from the
    market's volume.
    """
    parameters, duration = narrowed(plan_input.parameters, PovParameters), plan_input.end - plan_input.start
    length = parameters.slice_length or max(min(SLICE, duration / SLICES_OF_SHORT), MIN_SLICE)
    bounds = plan_bounds(
        plan_input.quantity, plan_input.market, plan_input.price, plan_input.start, plan_input.end
    )
    count = min(max(round(duration / length), 1), bounds.max_slices)
    slices = spread_slices(
        split_even(plan_input.quantity, plan_input.market.lot, count), plan_input.start, plan_input.end
    )
    rates, expected = rates_of(parameters), _expected_volume(plan_input)
    forecast = {
        "minimum_rate": plain(rates.low),
        "participation_rate": plain(rates.rate),
        "maximum_rate": plain(rates.high),
        "expected_volume": None if expected is None else plain(expected),
    }
    return Plan(slices, forecast, (_note(plan_input, rates, expected),))


def _expected_volume(plan_input: PlanInput) -> Decimal | None:
    """Return the market's volume during the order at the pace of the last day; None without history."""
    candles = [candle for candle in plan_input.candles if candle.opened_at >= plan_input.now - LOOKBACK]
    if not candles:
        return None
    span = plan_input.now - candles[0].opened_at
    volume = sum((candle.volume for candle in candles), ZERO)
    if span <= timedelta(0) or volume <= ZERO:
        return None
    micro = timedelta(microseconds=1)
    return (volume * ((plan_input.end - plan_input.start) // micro) / (span // micro)).quantize(
        plan_input.market.lot
    )


def _note(plan_input: PlanInput, rates: Rates, expected: Decimal | None) -> str:
    base, share = plan_input.market.base, f"{plain(rates.rate * 100)} %"
    if expected is None:
        return f"the market's volume is not known: no estimate of how much {share} of it will fill, or when"
    words = f"at the last day's pace the market trades about {plain(expected)} {base} in this time"
    most = own_share(expected, rates.rate, plan_input.quantity)
    if most < plan_input.quantity:
        filled = plain(most.quantize(plan_input.market.lot))
        return f"{words}: {share} of that fills about {filled} of {plain(plan_input.quantity)}"
    return f"{words}: {share} of that fills all of {plain(plan_input.quantity)} before the end"


# --- the tactic ------------------------------------------------------------------------------------


def pov_target(view: OrderView, _work: SliceTask) -> Decimal:
    """Return the quantity that the order should have traded by now at its rate.

    While the market's volume is unknown, return the quantity that it has traded.
    """
    rate, others = rates_of(narrowed(view.parameters, PovParameters)).rate, others_volume(view)
    if others is None:
        return view.quantity if rate >= 1 else view.done
    return own_share(others, rate, view.quantity)


def pov_bound(view: OrderView) -> str:
    """Return why the order could not trade more: the market traded too little, or its volume is unknown."""
    rates, others = rates_of(narrowed(view.parameters, PovParameters)), others_volume(view)
    if rates.high >= 1:
        return ""
    if others is None:
        return volume_trouble(view) if view.volume_gaps.until else "the market's volume is not known"
    allowed = own_share(others, rates.high, view.quantity)
    least = min((least_quantity(view, venue, CROSS) for venue in view.usable), default=ZERO)
    if allowed - view.done >= least:
        return ""
    traded = f"others traded only {plain(others)} {view.base}"
    if note := gaps_note(view):
        traded = f"others are known to have traded only {plain(others)} {view.base} ({note})"
    return f"{traded}, and the order may be at most {plain(rates.high * 100)} % of the volume"


def follow_volume(view: OrderView, work: SliceTask) -> Decision:
    """Rest up to the rate, and cross when the order is under its minimum rate. Never exceed the maximum rate.

    1. The market's volume is unknown or too old: place nothing new.
    2. The order is behind its minimum rate by the smallest allowed child or more: cross up to the rate.
    3. Otherwise: only rest. If less than the exchange's minimum is due, a child of that minimum may rest early, within
       the maximum rate.

    At a rate of 1 the volume does not matter, and the second rule always applies.
    """
    parameters = narrowed(view.parameters, PovParameters)
    rates, others = rates_of(parameters), others_volume(view)
    if others is None and rates.rate < 1:
        return Decision((), view.now + VOLUME_RECHECK, f"waits: {volume_trouble(view)}")
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
    """Return the decision with an earlier next check, because new market volume can make more quantity due."""
    latest = view.now + (VOLUME_RECHECK if not decision.commands else IDLE_RECHECK)
    return replace(decision, due_at=latest if decision.due_at is None else min(decision.due_at, latest))
