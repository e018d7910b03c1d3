"""The tactic of a slice: rest where a fill is likely, follow the book, and cross only what cannot wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.algorithms.passive_pricing import (
    UrgencyProfile,
    at_i_would,
    is_to_move,
    rest_price,
    urgency_profile,
    wake_bounds,
)
from execution.core.algorithms.replan import must_finish
from execution.core.market_rules import too_far_to_rest, within_most
from execution.core.numbers import grouped
from execution.core.orders.parameters import SlicedParameters, narrowed
from execution.core.orders.slices import CROSS_AGAIN, IDLE_RECHECK, OPPOSED_RECHECK, UNSENT_AGAIN, SliceTask
from execution.core.orders.view import CROSS, REST, CancelChild, ChildView, Decision, OrderView, PlaceChild
from execution.core.orders.volume_gaps import unknown_since
from execution.core.quantities import common_step, floor_to, minimum_quantity, worse_of_allowed
from execution.core.routing.account_selection import (
    cheapest,
    held_back,
    known_quote,
    least_quantity,
    opposed_cross,
)
from execution.core.routing.sor import MAX_PIECES, split_cross
from execution.core.types import ZERO, OrderType, TimeInForce

#: Time to cross at the end of a slice, and at the end of the order. It allows for a cancel and several tries.
CROSSING, LAST_CROSSING = timedelta(seconds=2), timedelta(seconds=5)
#: Pause between checks while a child rests, as a share of the slice, and its least. The price changes with time.
RECHECK_SHARE, MIN_LOOK = 1 / 20, timedelta(seconds=1)


def rest_and_cross(view: OrderView, work: SliceTask) -> Decision:
    """Rest post-only, follow the book, and cross only the quantity that the schedule cannot wait for any longer.

    1. At the I-would price, take the order's whole remaining quantity.
    2. Near a slice's end, take the quantity by which the order is further behind than its urgency allows. Near the
       order's end, take the whole remaining quantity.
    3. If the book has moved away from a child, cancel it. Place its quantity again once the cancelled child can fill
       no more.
    4. Rest any due quantity that is not on the book yet.
    """
    profile = urgency_profile(view)
    if volume_left(view) is None:
        return _unknown_volume(view, work)
    decision, must = _would(view, work), must_cross(view, work, profile)
    if decision is None and must > ZERO:
        decision = _cross(view, work, must)
    if decision is None:
        decision = _move(view, work, profile) or _rest(view, work, profile)
        if must > ZERO and (opposed := opposed_cross(view)):
            decision = _waits_for_desk(view, work, decision, opposed)
    below, above = wake_bounds(view, profile, must=must > ZERO)
    return replace(decision, wake_below=below, wake_above=above)


def _waits_for_desk(view: OrderView, work: SliceTask, decision: Decision, opposed: str) -> Decision:
    """Return ``decision`` with an earlier next check, and with the reason that an order of the desk blocks
    the cross.

    In its last seconds the order also cancels its resting children, because the other order may be waiting for their
    end. Otherwise the two orders would wait for each other.
    """
    if must_finish(view, work) and view.now >= work.part.ends_at - LAST_CROSSING:
        why = f"slice {work.part.number}: makes room for an order of the desk that may wait for it"
        resting = [child for child in _resting(view) if child.can_be_cancelled]
        commands = tuple(CancelChild(child.sequence, why) for child in resting)
        decision = Decision(commands, decision.due_at, f"slice {work.part.number}")
    soon = view.now + OPPOSED_RECHECK
    due_at = soon if decision.due_at is None else min(decision.due_at, soon)
    return replace(decision, due_at=due_at, why=f"{decision.why}; waits to cross: {opposed}")


# --- how much --------------------------------------------------------------------------------------


def volume_left(view: OrderView) -> Decimal | None:
    """Return the quantity that the participation cap still allows; None while the volume is unknown or too old."""
    cap = narrowed(view.parameters, SlicedParameters).participation_cap
    if cap is None:
        return view.remaining
    if view.traded_since_start is None or unknown_since(view):
        return None
    return cap * view.traded_since_start - view.done


def _room(
    view: OrderView, work: SliceTask, released: Decimal, *, at_once: bool, finish: bool = False
) -> Decimal:
    """Return the quantity that the slice may still put on the books, once ``released`` is cancelled.

    The order's remaining quantity and the participation cap always limit it. The schedule and the catch-up cap limit
    it too, unless ``at_once`` allows everything at once. With ``finish`` the catch-up cap does not apply, because no
    later slice could take the remaining quantity.
    """
    exposure = view.exposure - released
    bounds = [view.remaining - exposure, (volume_left(view) or ZERO) - exposure]
    if not at_once:
        here = [child for child in view.children if child.slice_number == work.part.number]
        used = sum((child.done + child.exposure for child in here), ZERO)
        if released:
            used -= sum((child.exposure for child in here if child.purpose == REST), ZERO)
        cap = work.part.quantity * narrowed(view.parameters, SlicedParameters).catch_up_cap
        bounds.append(work.target - view.done - exposure)
        if not finish:
            bounds.append(cap - used)
    return max(min(bounds), ZERO)


def _released(view: OrderView) -> Decimal:
    """Return the unfilled quantity of all resting children, which is free again once they are cancelled."""
    return sum((child.exposure for child in _resting(view)), ZERO)


def crossing_from(view: OrderView, work: SliceTask) -> datetime:
    """Return the time in the slice from which the order may cross.

    Until then it waits for its resting children to fill.
    """
    part, length = work.part, work.part.ends_at - work.part.starts_at
    least = min(LAST_CROSSING if must_finish(view, work) else CROSSING, length / 2)
    urgency = float(narrowed(view.parameters, SlicedParameters).urgency)
    return part.ends_at - max(least, length * (2 * urgency - 1))


def must_cross(view: OrderView, work: SliceTask, profile: UrgencyProfile) -> Decimal:
    """Return the base quantity that the order has to take from the book now.

    It is zero before ``crossing_from``, unless only ``held_back`` is left: waiting could not fill that at rest.
    """
    if work.must is not None:
        return work.must
    finish = must_finish(view, work)
    if view.now < crossing_from(view, work) and not (finish and _only_held_back(view, work)):
        return ZERO
    late = max(work.target - view.done, ZERO)
    if finish:
        return late
    if profile.band is None or (work.is_last and profile.band > ZERO):
        return ZERO
    return max(late - profile.band * work.part.quantity, ZERO)


def _only_held_back(view: OrderView, work: SliceTask) -> bool:
    """Return True if nothing of the order rests, and what remains is too little to rest without ``held_back``."""
    if _resting(view):
        return False
    can_rest = _on_lots(view, work, view.remaining) - held_back(view)
    return can_rest < min(least_quantity(view, venue, REST) for venue in view.usable)


def _on_lots(view: OrderView, work: SliceTask, quantity: Decimal) -> Decimal:
    """Round ``quantity`` down to a lot that every account takes. Only the last slice uses the finest lot.

    In an earlier slice, a quantity in the finest lot would leave the next slices a remainder in that lot too. They
    could then use only the account with the finest lot.
    """
    lots = [venue.market.lot for venue in view.accounts]
    return floor_to(quantity, min(lots) if work.is_last else common_step(lots))


# --- resting ---------------------------------------------------------------------------------------


def _resting(view: OrderView) -> list[ChildView]:
    return [child for child in view.children if child.purpose == REST and not child.is_over]


def _move(view: OrderView, work: SliceTask, profile: UrgencyProfile) -> Decision | None:
    venues = {venue.account: venue for venue in view.usable}
    moved = [
        child
        for child in _resting(view)
        if child.can_be_cancelled
        and (venue := venues.get(child.account)) is not None
        and is_to_move(view, work, venue, child, profile)
    ]
    if not moved:
        return None
    why = f"slice {work.part.number}: moves its resting orders to follow the book"
    return Decision(tuple(CancelChild(child.sequence, why) for child in moved), _next_check(view, work), why)


def _rest(view: OrderView, work: SliceTask, profile: UrgencyProfile) -> Decision:
    number, until = work.part.number, _next_check(view, work)
    if any(child.cancel_wanted and not child.is_over for child in view.children):
        return Decision((), work.part.ends_at, f"slice {number}: waits for its cancelled orders to end")
    wanted = _on_lots(view, work, _room(view, work, ZERO, at_once=False))
    leasts = [least_quantity(view, venue, REST) for venue in view.usable]
    if must_finish(view, work) and view.crossable:
        wanted -= held_back(view)
    if wanted < min(leasts):
        return Decision((), until, _quiet(view, number, wanted))
    choice = cheapest(view, wanted, REST)
    if choice.venue is None:
        return Decision((), min(view.now + IDLE_RECHECK, until), f"slice {number}: waits: {choice.why}")
    if choice.quantity < wanted and len(_resting(view)) >= MAX_PIECES:
        return Decision((), until, _quiet(view, number, wanted))  # exchanges count what is open, too
    price = rest_price(view, work, choice.venue, profile)
    # Its book may be far from its quote, by which minimum and maximum were judged.
    quantity = within_most(choice.venue.market, choice.quantity, price)
    if quantity < (least := minimum_quantity(choice.venue.market, price)):
        why = f"slice {number}: {grouped(quantity)} at {grouped(price)} is under the minimum {grouped(least)}, waits"
        return Decision((), min(view.now + MIN_LOOK, until), why)
    if far := too_far_to_rest(choice.venue.market, view.side, price, known_quote(choice.venue).mid):
        return Decision((), min(view.now + IDLE_RECHECK, until), f"slice {number}: waits: {far}")
    why = f"slice {number}: rests {grouped(quantity)} at {grouped(price)}"
    child = PlaceChild(
        account=choice.venue.account,
        slice_number=number,
        purpose=REST,
        type=OrderType.LIMIT,
        price=price,
        quantity=quantity,
        time_in_force=TimeInForce.POST_ONLY,
        why=f"{why}; {choice.why}" if choice.why else why,
    )
    return Decision((child,), until, _rests(number, {price, *_prices(view)}))


def _prices(view: OrderView) -> set[Decimal]:
    return {child.price for child in _resting(view) if child.price is not None}


def _rests(number: int, prices: set[Decimal]) -> str:
    """Return the reason for a decision to let children rest. It changes only when their prices change."""
    return f"slice {number}: rests at {', '.join(sorted(map(grouped, prices)))}"


def _quiet(view: OrderView, number: int, quantity: Decimal) -> str:
    if _resting(view):
        return _rests(number, _prices(view))
    if quantity <= ZERO:
        return f"slice {number}: on schedule, nothing to do"
    return f"slice {number}: {grouped(quantity)} is under the minimum of a resting order, waits"


def _next_check(view: OrderView, work: SliceTask) -> datetime:
    part = work.part
    if view.done >= work.target and not _resting(view):
        return part.ends_at  # what could change that, a fill or an amendment, is news by itself
    share = (part.ends_at - part.starts_at) * RECHECK_SHARE
    moments = [view.now + min(max(share, MIN_LOOK), IDLE_RECHECK), part.ends_at]
    if view.now < (crossing := crossing_from(view, work)):
        moments.append(crossing)
    return min(moments)


def _unknown_volume(view: OrderView, work: SliceTask) -> Decision:
    """Return the decision to place no child while a participation cap needs an unknown volume (I14).

    Resting children may stay, because the cap allowed their quantity when they were placed.
    """
    why = (
        f"slice {work.part.number}: waits: the participation cap needs the market's volume,"
        f" which is not known {unknown_since(view)}"
    )
    return Decision((), min(view.now + MIN_LOOK, work.part.ends_at), why)


# --- crossing --------------------------------------------------------------------------------------


def _would(view: OrderView, work: SliceTask) -> Decision | None:
    """Take the whole remaining quantity at the I-would price or better; None if that is not possible now.

    Resting children are cancelled first.
    """
    price = narrowed(view.parameters, SlicedParameters).i_would_price
    if price is None or not at_i_would(view):
        return None
    tighter = price if view.limit_price is None else worse_of_allowed(price, view.limit_price, view.side)
    decision = _cross(replace(view, limit_price=tighter), work, view.remaining, at_once=True)
    return decision and replace(decision, why=f"I-would price {grouped(price)}: {decision.why}")


def _cross(view: OrderView, work: SliceTask, must: Decimal, *, at_once: bool = False) -> Decision | None:
    """Take the quantity ``must``, and cancel resting children before that if needed. None if nothing can be taken."""
    number, part = work.part.number, work.part
    if any(child.purpose == CROSS and not child.is_over for child in view.children):
        return Decision((), part.ends_at, f"slice {number}: waits for its crossing order to end")
    finish = must_finish(view, work)
    now = min(must, _room(view, work, ZERO, at_once=at_once, finish=finish))
    later = min(must, _room(view, work, _released(view), at_once=at_once, finish=finish))
    wanted = _crossing(view, work, later)
    if not wanted:
        return None  # beyond limit or collar, or under every minimum: what rests stays
    if any(child.cancel_wanted and not child.is_over for child in view.children):
        return Decision((), part.ends_at, f"slice {number}: waits for its cancelled orders to end")
    again_at = max(
        (
            c.ended_at + (CROSS_AGAIN if c.was_sent else UNSENT_AGAIN)
            for c in view.children
            if c.purpose == CROSS and c.ended_at
        ),
        default=view.now,
    )
    if again_at > view.now:
        return Decision((), min(again_at, part.ends_at), f"slice {number}: waits for the book to refill")
    resting = [child for child in _resting(view) if child.can_be_cancelled]
    if now < later and resting:
        why = f"slice {number}: cancels its resting orders before it crosses"
        return Decision(tuple(CancelChild(child.sequence, why) for child in resting), part.ends_at, why)
    children = wanted if now == later else _crossing(view, work, now)  # a split over venues is not cheap
    return Decision(children, part.ends_at, children[0].why) if children else None


def _crossing(view: OrderView, work: SliceTask, quantity: Decimal) -> tuple[PlaceChild, ...]:
    quantity = _on_lots(view, work, quantity)
    if quantity < min((least_quantity(view, venue, CROSS) for venue in view.crossable), default=quantity + 1):
        return ()
    return split_cross(view, work, quantity)
