"""Iceberg: an order that works its whole quantity from the start, and shows only one part of it at a time.

At most one part may be on the books of all accounts together (invariant I17). The next part waits until the one before
can certainly fill no more. So a fill during a cancel, a late report or a missing answer can only make the books show
less, never more.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from execution.core.algorithms.replan import is_outside, must_finish
from execution.core.market_rules import too_far_to_rest
from execution.core.numbers import grouped, plain
from execution.core.orders.parameters import IcebergParameters, narrowed
from execution.core.orders.plans import Plan, PlanInput, plan_bounds, spread_slices
from execution.core.orders.slices import IDLE_RECHECK, OPPOSED_RECHECK, SliceTask
from execution.core.orders.view import (
    CROSS,
    REST,
    AccountView,
    CancelChild,
    ChildView,
    Decision,
    OrderView,
    PlaceChild,
)
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.core.quantities import (
    ceil_to,
    common_step,
    floor_to,
    is_multiple,
    minimum_quantity,
)
from execution.core.routing.account_selection import (
    Choice,
    cheapest,
    child_price,
    crossing_quantity,
    known_quote,
    least_quantity,
    leaving_held_back,
    offered,
    opposed_cross,
)
from execution.core.types import BASIS_POINT, ZERO, OrderType, TimeInForce

#: A part is moved after this time if the book has moved away from it, unless the trader sets another time.
MOVE_AFTER = timedelta(seconds=10)
#: The rest is crossed in parts at the end: time for each part, least time for all, and largest share of the slice.
CROSS_EACH, CROSS_MIN, CROSS_SHARE = timedelta(seconds=0.5), timedelta(seconds=5), 0.1
#: Pause after a crossing part that was not filled completely, because the book needs a moment to refill.
CROSS_AGAIN = timedelta(seconds=1)


# --- the plan --------------------------------------------------------------------------------------


def plan_iceberg(plan_input: PlanInput) -> Plan:
    """Plan one slice of the whole quantity. Raise ``Refused`` when the visible quantity is above the total, finer
    than the lot, under the exchange's minimum, or leaves a remainder under the minimum.
    """
    parameters, base = narrowed(plan_input.parameters, IcebergParameters), plan_input.market.base
    if not plan_input.is_rest:
        _judge_visible(plan_input, parameters.visible_quantity)
    where = (
        f"at {plain(plan_input.limit_price)} or the best price of its own side, whichever rests"
        if plan_input.limit_price is not None
        else f"at the best price of its own side, within {plain(parameters.follow_within_bp)} bp of the arrival price"
    )
    parts = _ceil(plan_input.quantity / parameters.visible_quantity)
    shown = f"part{'s' if parts > 1 else ''} of at most {plain(parameters.visible_quantity)} {base}"
    forecast = {"seed": parameters.seed} if parameters.randomise_visible else {}
    slices = spread_slices([plan_input.quantity], plan_input.start, plan_input.end)
    return Plan(slices, forecast, (f"at least {parts} {shown}, {where}",))


def _judge_visible(plan_input: PlanInput, visible: Decimal) -> None:
    market, total, shown = plan_input.market, plan_input.quantity, grouped(visible)
    least, base = (
        plan_bounds(total, market, plan_input.price, plan_input.start, plan_input.end).minimum,
        market.base,
    )
    name, minimum = "visible_quantity", f"the minimum of {grouped(least)} {base}"
    if visible > total:
        message = f"Visible quantity {shown} {base} is above the total of {grouped(total)} {base}."
        refuse(name, message, visible, total, code=Code.VISIBLE_QUANTITY_ABOVE_TOTAL)
    if not is_multiple(visible, market.lot):
        message = f"Visible quantity {shown} is finer than the lot {grouped(market.lot)} {base}."
        refuse(name, message, visible, market.lot, code=Code.VISIBLE_QUANTITY_OFF_LOT)
    if visible < least:
        message = f"Visible quantity {shown} {base} is below {minimum}."
        refuse(name, message, visible, least, code=Code.VISIBLE_QUANTITY_BELOW_MINIMUM)
    parts = _ceil(total / visible)
    if parts * least > total:
        enough = ceil_to(total / (parts - 1), market.lot)
        message = (
            f"{grouped(total)} {base} in parts of at most {shown} leaves one part below {minimum}. "
            f"Show at least {grouped(enough)} {base}."
        )
        refuse(name, message, visible, enough, code=Code.VISIBLE_QUANTITY_BELOW_MINIMUM)


def _ceil(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_CEILING))


def part_quantity(remaining: Decimal, most: Decimal, least: Decimal, quantity: Decimal) -> Decimal:
    """Return a part's base quantity near ``quantity`` that leaves no remainder under ``least``.

    All quantities are multiples of the lot, and ``least`` ≤ ``quantity`` ≤ ``most``. A quantity can be divided into n
    parts when n × ``least`` ≤ it ≤ n × ``most``. If ``remaining`` can be divided into n parts, the returned part
    leaves a remainder that can be divided into one part less. After a partial fill, ``remaining`` may have no such n.
    In that case the part is as large as allowed.
    """
    parts = max(
        _ceil(remaining / most),
        min(_ceil(remaining / quantity), int((remaining / least).to_integral_value(ROUND_FLOOR))),
    )
    if parts * least > remaining:
        return min(remaining, most)
    low = max(least, remaining - (parts - 1) * most)
    return min(max(quantity, low), most, remaining - (parts - 1) * least)


# --- the tactic ------------------------------------------------------------------------------------


def show_part(view: OrderView, work: SliceTask) -> Decision:
    """Decide the next step of an iceberg.

    1. If the order crosses at its end, from ``closes_at`` on: cancel the resting part, then take the remaining
       quantity in parts.
    2. While the current part may still fill: wait for it. Cancel it to place it again if it has rested for its whole
       time and the book has moved away from it.
    3. Otherwise: show the next part, after the pause. An order that crosses at its end holds back one minimum from
       the last part, and crosses it as soon as that part is filled.
    """
    alive = [child for child in view.children if not child.is_over]
    if view.now >= (closes_at := _closes_at(view, work)):
        return _close_out(view, work, alive)
    return _tend(view, alive, closes_at) if alive else _refill(view, work, closes_at)


def _iceberg(view: OrderView) -> IcebergParameters:
    return narrowed(view.parameters, IcebergParameters)


def _closes_at(view: OrderView, work: SliceTask) -> datetime:
    """Return the time at which the order begins to cross; the slice's end if it need not or cannot cross."""
    parameters, part = _iceberg(view), work.part
    if not must_finish(view, work) or not view.crossable:
        return part.ends_at
    length = part.ends_at - part.starts_at
    wanted = _ceil(part.quantity / parameters.visible_quantity) * CROSS_EACH
    time = min(max(wanted, CROSS_MIN), max(length * CROSS_SHARE, CROSS_MIN), length / 2)
    return part.ends_at - time


def _bounded(view: OrderView) -> OrderView | None:
    """Return the view with a limit price for resting parts. None if there is no limit and no arrival price.

    The limit is the order's own, else ``follow_within_bp`` beyond the arrival price.
    """
    if view.limit_price is not None:
        return view
    if view.arrival_mid is None:
        return None
    distance = 1 + view.side.sign * _iceberg(view).follow_within_bp * BASIS_POINT
    return replace(view, limit_price=view.arrival_mid * distance)


def _price(view: OrderView, bounded: OrderView, venue: AccountView) -> Decimal:
    """Return the price of a resting part. It is the order's limit price. If there is none, or if it would
    trade at once, it is the best price on the order's side.
    """
    quote, side, limit = known_quote(venue), view.side, view.limit_price
    if limit is None or (quote.aggressive(side) - limit) * side.sign <= 0:
        return child_price(bounded, venue, REST)
    return child_price(view, venue, CROSS)  # the limit, within collar and price band


def _least(view: OrderView, bounded: OrderView, venue: AccountView) -> Decimal:
    return minimum_quantity(venue.market, min(_price(view, bounded, venue), known_quote(venue).mid))


# --- a part that is alive --------------------------------------------------------------------------


def _tend(view: OrderView, alive: Sequence[ChildView], closes_at: datetime) -> Decision:
    child = alive[0]
    if len(alive) > 1 or not child.can_be_cancelled:
        return Decision((), min(view.now + IDLE_RECHECK, closes_at), "waits for its last part to end")
    until = child.intended_at + (_iceberg(view).move_after or MOVE_AFTER)
    shown = f"shows {grouped(child.quantity)} at {grouped(child.price or ZERO)}"
    if view.now < until:
        return Decision((), min(until, closes_at), shown)
    if not _was_left(view, child):
        return Decision(
            (), min(view.now + IDLE_RECHECK, closes_at), f"{shown}, as near to the book as it may be"
        )
    why = f"moves its part: the book has moved away from {grouped(child.price or ZERO)}"
    return Decision((CancelChild(child.sequence, why),), view.now + IDLE_RECHECK, why)


def _was_left(view: OrderView, child: ChildView) -> bool:
    """Return whether a new part would rest nearer to the market than ``child``.

    False if too little remains for one.
    """
    venue = next((venue for venue in view.usable if venue.account == child.account), None)
    bounded = _bounded(view)
    if venue is None or bounded is None or child.price is None or child.purpose != REST:
        return False
    nearer = (_price(view, bounded, venue) - child.price) * view.side.sign > 0
    return nearer and view.remaining >= _least(view, bounded, venue)


# --- the next part ---------------------------------------------------------------------------------


def _refill(view: OrderView, work: SliceTask, closes_at: datetime) -> Decision:
    if (until := _pauses_until(view)) > view.now:
        return Decision((), min(until, closes_at), f"pauses until {until:%H:%M:%S} before its next part")
    bounded = _bounded(view)
    soon = min(view.now + IDLE_RECHECK, closes_at)
    if bounded is None:
        return Decision((), soon, "waits: the arrival price, which limits its prices, is not known")
    leasts = [_least(view, bounded, venue) for venue in view.usable]
    wanted = _next_quantity(view, leasts)
    if must_finish(view, work) and view.crossable and (most := _most_shown(view)) < wanted:
        if most >= max(leasts):
            wanted = most
        elif not is_outside(view):
            return _cross(view, work, soon)
    if wanted < min(leasts):
        return Decision(
            (), soon, f"waits: {grouped(wanted)} left is under the minimum of {grouped(min(leasts))}"
        )
    choice = cheapest(bounded, wanted, REST)
    if choice.venue is None:
        return Decision((), soon, f"waits: {choice.why}")
    if choice.quantity < (least := _least(view, bounded, choice.venue)):
        why = f"waits: {choice.venue.label} can take {grouped(choice.quantity)}, under its minimum of {grouped(least)}"
        return Decision((), soon, why)
    price = _price(view, bounded, choice.venue)
    if far := too_far_to_rest(choice.venue.market, view.side, price, known_quote(choice.venue).mid):
        return Decision((), soon, f"waits: {far}")
    why = f"shows {grouped(choice.quantity)} of {grouped(view.remaining)} left at {grouped(price)}"
    move_at = view.now + (_iceberg(view).move_after or MOVE_AFTER)
    return _place_child(work, choice, REST, price, why, min(move_at, closes_at))


def _pauses_until(view: OrderView) -> datetime:
    """Return the end of the pause before the next part.

    A pause follows only a part that was filled. A moved or refused part is placed again at once.
    """
    ended = [child for child in view.children if child.ended_at is not None]
    last = max(ended, key=lambda child: child.sequence, default=None)
    if last is None or last.ended_at is None or last.done < last.quantity:
        return view.now
    return last.ended_at + _iceberg(view).refill_pause


def _next_quantity(view: OrderView, leasts: Sequence[Decimal]) -> Decimal:
    """Return the next part's quantity, drawn at random from the seed and the child's sequence number.

    It is at most the visible quantity. ``leasts`` are the accounts' minimums. The quantity is at least the largest of
    them that is not above the visible quantity. The last part uses the finest lot of the accounts.
    """
    parameters = _iceberg(view)
    lots = [venue.market.lot for venue in view.usable]
    step = common_step(lots)
    most = floor_to(parameters.visible_quantity, step)
    least = max((each for each in leasts if each <= most), default=min(leasts))
    remaining = floor_to(view.remaining, step)
    if view.remaining <= most or remaining < least or most < least:
        return floor_to(min(view.remaining, parameters.visible_quantity), min(lots))
    sequence = 1 + max((child.sequence for child in view.children), default=0)
    drawn = Decimal(random.Random(f"{parameters.seed or 0}:part:{sequence}").random())
    wanted = floor_to(most * (1 - parameters.randomise_visible * drawn), step)
    return part_quantity(remaining, most, least, max(wanted, least))


# --- the end ---------------------------------------------------------------------------------------


def _close_out(view: OrderView, work: SliceTask, alive: Sequence[ChildView]) -> Decision:
    """Decide the next step in the order's last seconds: cross the remaining quantity, one part at a time,
    within limit and collar.
    """
    soon = min(view.now + IDLE_RECHECK, work.part.ends_at)
    least = min(least_quantity(view, venue, CROSS) for venue in view.usable)
    if view.remaining < least:
        return Decision((), soon, f"{grouped(view.remaining)} left is too little to cross")
    if alive:
        why = "cancels its part, then crosses the rest"
        cancels = tuple(
            CancelChild(c.sequence, why) for c in alive if c.can_be_cancelled and c.purpose == REST
        )
        return Decision(cancels, soon, why if cancels else "waits for its last part to end")
    return _cross(view, work, soon)


def _most_shown(view: OrderView) -> Decimal:
    """Return the largest quantity of the next part with which enough stays back for the cross at the end.

    If a part cannot be as large as the quantity that should stay back, everything may be shown.
    """
    most = leaving_held_back(view)
    return most if view.remaining - most <= _iceberg(view).visible_quantity else view.remaining


def _cross(view: OrderView, work: SliceTask, soon: datetime) -> Decision:
    """Take the next part from the book, within limit and collar."""
    end = work.part.ends_at
    crossed = [c.ended_at for c in view.children if c.purpose == CROSS and c.done < c.quantity and c.ended_at]
    again_at = max((ended_at + CROSS_AGAIN for ended_at in crossed), default=view.now)
    if again_at > view.now:
        return Decision((), min(again_at, end), "waits for the book to refill")
    leasts = [least_quantity(view, venue, CROSS) for venue in view.usable]
    choice = cheapest(view, _next_quantity(view, leasts), CROSS)
    if choice.venue is not None:
        quantity = crossing_quantity(view, choice.quantity, offered(view, choice.venue))
        choice = replace(choice, quantity=quantity)
    if choice.venue is None or choice.quantity < least_quantity(view, choice.venue, CROSS):
        return Decision((), soon, f"waits: {choice.why or 'too little is left to cross'}")
    price = child_price(view, choice.venue, CROSS)
    touch = known_quote(choice.venue).aggressive(view.side)
    if (touch - price) * view.side.sign > 0:
        if opposed := opposed_cross(view):
            return Decision((), min(view.now + OPPOSED_RECHECK, end), f"waits: {opposed}")
        return Decision(
            (), soon, f"waits: the other side of the book, {grouped(touch)}, is beyond {grouped(price)}"
        )
    why = f"crosses {grouped(choice.quantity)} of {grouped(view.remaining)} left, up to {grouped(price)}"
    return _place_child(work, choice, CROSS, price, why, end)


def _place_child(
    work: SliceTask, choice: Choice, purpose: str, price: Decimal, why: str, due_at: datetime
) -> Decision:
    if choice.venue is None:
        raise ValueError("a part needs an account")
    child = PlaceChild(
        account=choice.venue.account,
        slice_number=work.part.number,
        purpose=purpose,
        type=OrderType.LIMIT,
        price=price,
        quantity=choice.quantity,
        time_in_force=TimeInForce.POST_ONLY if purpose == REST else TimeInForce.IOC,
        why=f"{why}; {choice.why}" if choice.why else why,
    )
    return Decision((child,), due_at, child.why)
