"""How a slice is worked: it rests where it is likely to be filled, follows the book, and crosses what it must."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.parameters import SlicedParameters, narrowed
from execution.core.plans import plain
from execution.core.quantities import common_step, floor_to
from execution.core.replanning import must_finish
from execution.core.resting import Manner, is_to_move, manner_of, rest_price, wake_bounds
from execution.core.router import split_cross
from execution.core.routing import cheapest, known_quote, least_quantity
from execution.core.tactics import CROSS_AGAIN, IDLE_LOOK, SliceWork
from execution.core.types import ZERO, OrderType, Side, TimeInForce
from execution.core.view import CROSS, REST, CancelChild, ChildView, Decision, Intend, OrderView

#: A cross at the end of a slice has this long, one at the end of the order longer: for a cancel and several tries.
CROSSING, LAST_CROSSING = timedelta(seconds=2), timedelta(seconds=5)
#: Looks while something rests: a share of the slice within these bounds, since its price moves with the time left.
LOOK_SHARE, SHORTEST_LOOK = 1 / 20, timedelta(seconds=1)


def rest_and_cross(view: OrderView, work: SliceWork) -> Decision:
    """Rest post-only, follow the book, and cross only what the schedule cannot wait for any longer.

    1. At the I-would price everything that is left is taken. 2. What must be crossed is taken: more than the urgency's
    band behind when a slice ends, everything when the order does. 3. What the book has left behind is cancelled,
    and rests anew once it is settled. 4. What is due and not on the book comes to rest.
    """
    manner, room = manner_of(view), room_left(view)
    if room is None:
        return _unknown_volume(view, work)
    decision = _would(view, work, room)
    if decision is None and (must := must_cross(view, work, manner)) > ZERO:
        decision = _cross(view, work, min(must, room + _rested(view), _cap_left(view, work)))
    if decision is None:
        decision = _move(view, work, manner) or _rest(view, work, manner, room)
    below, above = wake_bounds(view, manner)
    return replace(decision, wake_below=below, wake_above=above)


# --- how much --------------------------------------------------------------------------------------


def room_left(view: OrderView) -> Decimal | None:
    """What the order may still put on the books; None while the volume that caps it is not known."""
    free = view.remaining - view.exposure
    cap = narrowed(view.parameters, SlicedParameters).participation_cap
    if cap is None:
        return max(free, ZERO)
    if view.traded_since_start is None:
        return None
    return max(min(free, cap * view.traded_since_start - view.done - view.exposure), ZERO)


def _cap_left(view: OrderView, work: SliceWork) -> Decimal:
    """What the catch-up cap leaves the slice beside what is done; what it rests can be taken off the book."""
    here = [child for child in view.children if child.slice_number == work.part.number]
    done_here = sum((child.done + child.exposure for child in here), ZERO) - _rested_here(view, work)
    cap = work.part.quantity * narrowed(view.parameters, SlicedParameters).catch_up_cap
    return max(cap - done_here, ZERO)


def crossing_from(view: OrderView, work: SliceWork) -> datetime:
    """When the slice stops waiting for those who come to it."""
    part, length = work.part, work.part.ends_at - work.part.starts_at
    least = min(LAST_CROSSING if must_finish(view, work) else CROSSING, length / 2)
    urgency = float(narrowed(view.parameters, SlicedParameters).urgency)
    return part.ends_at - max(least, length * (2 * urgency - 1))


def must_cross(view: OrderView, work: SliceWork, manner: Manner) -> Decimal:
    """Base quantity that has to be taken now."""
    if work.must is not None:
        return work.must
    if view.now < crossing_from(view, work):
        return ZERO
    late = max(work.target - view.done, ZERO)
    if must_finish(view, work):
        return late
    if manner.band is None or (work.is_last and manner.band > ZERO):
        return ZERO
    return max(late - manner.band * work.part.quantity, ZERO)


def _on_lots(view: OrderView, work: SliceWork, quantity: Decimal) -> Decimal:
    """On a lot that every account takes; only the last slice goes to the finest: a remainder that not every account
    takes is carried on, and would else bind the slices to come to one account."""
    lots = [venue.market.lot for venue in view.venues]
    return floor_to(quantity, min(lots) if work.is_last else common_step(lots))


# --- resting ---------------------------------------------------------------------------------------


def _resting(view: OrderView) -> list[ChildView]:
    return [child for child in view.children if child.purpose == REST and not child.is_settled]


def _move(view: OrderView, work: SliceWork, manner: Manner) -> Decision | None:
    venues = {venue.account: venue for venue in view.usable}
    moved = [
        child
        for child in _resting(view)
        if child.can_be_cancelled
        and (venue := venues.get(child.account)) is not None
        and is_to_move(view, child, rest_price(view, work, venue, manner), manner)
    ]
    if not moved:
        return None
    why = f"slice {work.part.number}: the book has left what rests, it follows"
    return Decision(tuple(CancelChild(child.sequence, why) for child in moved), _next_look(view, work), why)


def _rest(view: OrderView, work: SliceWork, manner: Manner, room: Decimal) -> Decision:
    number, until = work.part.number, _next_look(view, work)
    if any(child.cancel_wanted and not child.is_settled for child in view.children):
        return Decision((), work.part.ends_at, f"slice {number}: waits until what it cancelled is settled")
    due, cap = work.target - view.done - view.exposure, _cap_left(view, work) - _rested_here(view, work)
    wanted = _on_lots(view, work, max(min(due, cap, room), ZERO))
    leasts = [least_quantity(view, venue, REST) for venue in view.usable]
    # The end holds back one minimum for its cross: otherwise a part fill could leave dust that nobody takes.
    rests = wanted - max(leasts) if must_finish(view, work) else wanted
    if rests < min(leasts):
        return Decision((), until, _quiet(view, number, wanted))
    wanted = rests
    choice = cheapest(view, wanted, REST)
    if choice.venue is None:
        return Decision((), min(view.now + IDLE_LOOK, until), f"slice {number}: waits: {choice.why}")
    price = rest_price(view, work, choice.venue, manner)
    why = f"slice {number}: rests {plain(choice.quantity)} at {plain(price)}"
    child = Intend(
        account=choice.venue.account,
        slice_number=number,
        purpose=REST,
        type=OrderType.LIMIT,
        price=price,
        quantity=choice.quantity,
        time_in_force=TimeInForce.POST_ONLY,
        why=f"{why}; {choice.why}" if choice.why else why,
    )
    return Decision((child,), until, child.why)


def _quiet(view: OrderView, number: int, wanted: Decimal) -> str:
    if resting := _resting(view):
        prices = ", ".join(sorted({plain(child.price) for child in resting if child.price is not None}))
        return f"slice {number}: rests at {prices}"
    if wanted <= ZERO:
        return f"slice {number}: nothing to do, the schedule is met"
    return f"slice {number}: {plain(wanted)} is too little to rest, waits for the cross"


def _next_look(view: OrderView, work: SliceWork) -> datetime:
    part = work.part
    share = (part.ends_at - part.starts_at) * LOOK_SHARE
    moments = [view.now + min(max(share, SHORTEST_LOOK), IDLE_LOOK), part.ends_at]
    if view.now < (crossing := crossing_from(view, work)):
        moments.append(crossing)
    return min(moments)


def _unknown_volume(view: OrderView, work: SliceWork) -> Decision:
    """A cap on a volume that nobody knows lets nothing new through (I14); what rests counts already."""
    why = f"slice {work.part.number}: waits: what the market traded is not known, and the participation is capped"
    return Decision((), min(view.now + SHORTEST_LOOK, work.part.ends_at), why)


# --- crossing --------------------------------------------------------------------------------------


def _would(view: OrderView, work: SliceWork, room: Decimal) -> Decision | None:
    """Take all that is left at the I-would price or better; what rests is taken off the book for it."""
    price = narrowed(view.parameters, SlicedParameters).i_would_price
    if price is None:
        return None
    sign = view.side.sign
    if all((known_quote(venue).aggressive(view.side) - price) * sign > 0 for venue in view.usable):
        return None
    limit = view.limit_price
    tighter = price if limit is None else (min if view.side is Side.BUY else max)(price, limit)
    everything = replace(work, target=view.quantity)
    decision = _cross(
        replace(view, limit_price=tighter), everything, min(room + _rested(view), view.remaining)
    )
    return decision and replace(decision, why=f"I-would price {plain(price)}: {decision.why}")


def _rested(view: OrderView) -> Decimal:
    return sum((child.exposure for child in _resting(view)), ZERO)


def _rested_here(view: OrderView, work: SliceWork) -> Decimal:
    return sum((child.exposure for child in _resting(view) if child.slice_number == work.part.number), ZERO)


def _cross(view: OrderView, work: SliceWork, must: Decimal) -> Decision | None:
    """Take ``must``, from what rests if there is not as much beside it; None when nothing can be taken now."""
    number, free = work.part.number, min(view.remaining, work.target - view.done) - view.exposure
    if any(child.purpose == CROSS and not child.is_settled for child in view.children):
        return Decision((), work.part.ends_at, f"slice {number}: waits until its cross is settled")
    least = min(least_quantity(view, venue, CROSS) for venue in view.usable)
    wanted = _on_lots(view, work, must)
    if wanted < least:
        return None
    resting = [child for child in _resting(view) if child.can_be_cancelled]
    if free < must and resting:
        why = f"slice {number}: cancels what rests, to cross"
        return Decision(tuple(CancelChild(c.sequence, why) for c in resting), work.part.ends_at, why)
    again_at = max(
        (c.ended_at + CROSS_AGAIN for c in view.children if _crossed(c) and c.ended_at), default=view.now
    )
    if again_at > view.now:
        return Decision((), min(again_at, work.part.ends_at), f"slice {number}: lets the book come back")
    wanted = min(wanted, _on_lots(view, work, free))
    children = split_cross(view, work, wanted) if wanted >= least else ()
    return Decision(children, work.part.ends_at, children[0].why) if children else None


def _crossed(child: ChildView) -> bool:
    return child.purpose == CROSS
