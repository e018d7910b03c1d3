"""How a slice is worked: it rests where it is likely to be filled, follows the book, and crosses what it must."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.parameters import SlicedParameters, narrowed
from execution.core.plans import plain
from execution.core.replanning import must_finish
from execution.core.resting import Manner, is_to_move, manner_of, rest_price
from execution.core.router import split_cross
from execution.core.routing import cheapest, least_quantity
from execution.core.tactics import CROSS_AGAIN, IDLE_LOOK, LEAST_CROSSING, SliceWork, wanted_now
from execution.core.types import ZERO, OrderType, TimeInForce
from execution.core.view import CROSS, REST, CancelChild, ChildView, Decision, Intend, OrderView

#: While something rests the book is looked at this often: between two looks of the engine's books.
REST_LOOK = timedelta(seconds=2)
#: What is left at the order's end is crossed this early: a cancel and several tries must have the time.
LAST_CROSSING = timedelta(seconds=5)


def work(view: OrderView, work: SliceWork) -> Decision:
    """Rest post-only, follow the book, and cross only what the schedule cannot wait for any longer.

    1. What must be crossed now is: more than the urgency's band behind when a slice ends, everything when the order
       does. 2. What rests where the book has left it is cancelled, and rests anew once it is settled.
    3. What is due and not on the book yet comes to rest.
    """
    manner = manner_of(view)
    must = must_cross(view, work, manner)
    if must > ZERO and (crossed := _cross(view, work, must)) is not None:
        return crossed
    if moved := _to_move(view, work, manner):
        why = f"slice {work.part.number}: follows the book"
        return Decision(tuple(CancelChild(c.sequence, why) for c in moved), _next_look(view, work), why)
    return _rest(view, work, manner)


def crossing_from(view: OrderView, work: SliceWork) -> datetime:
    """When the slice stops waiting for those who come to it."""
    part = work.part
    length = part.ends_at - part.starts_at
    if narrowed(view.parameters, SlicedParameters).urgency >= 1:
        return part.starts_at
    return part.ends_at - min(LAST_CROSSING if must_finish(view, work) else LEAST_CROSSING, length / 2)


def must_cross(view: OrderView, work: SliceWork, manner: Manner) -> Decimal:
    """Base quantity that has to be taken now."""
    if view.now < crossing_from(view, work):
        return ZERO
    late = work.target - view.done
    if must_finish(view, work):
        return max(late, ZERO)
    if work.is_last:
        return ZERO
    return max(late - manner.band * work.part.quantity, ZERO)


def _next_look(view: OrderView, work: SliceWork) -> datetime:
    moments = [view.now + REST_LOOK, work.part.ends_at]
    if view.now < (crossing := crossing_from(view, work)):
        moments.append(crossing)
    return min(moments)


# --- resting ---------------------------------------------------------------------------------------


def _resting(view: OrderView) -> list[ChildView]:
    return [child for child in view.children if child.purpose == REST and not child.is_settled]


def _to_move(view: OrderView, work: SliceWork, manner: Manner) -> list[ChildView]:
    venues = {venue.account: venue for venue in view.usable}
    return [
        child
        for child in _resting(view)
        if child.can_be_cancelled
        and (venue := venues.get(child.account)) is not None
        and is_to_move(view, child, rest_price(view, work, venue, manner), manner)
    ]


def _rest(view: OrderView, work: SliceWork, manner: Manner) -> Decision:
    number, until = work.part.number, _next_look(view, work)
    if any(child.cancel_wanted and not child.is_settled for child in view.children):
        return Decision((), work.part.ends_at, f"slice {number}: waits for a cancel")
    leasts = [least_quantity(view, venue, REST) for venue in view.usable]
    wanted = wanted_now(view, work)
    if work.is_last:
        # Hold back one minimum for the cross: otherwise a part fill could leave dust that nobody takes.
        wanted = wanted - max(leasts) if wanted >= 2 * max(leasts) else ZERO
    if wanted < min(leasts):
        return Decision((), until, f"slice {number}: rests" if _resting(view) else _nothing(number, wanted))
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


def _nothing(number: int, quantity: Decimal) -> str:
    if quantity <= ZERO:
        return f"slice {number}: nothing to do, the schedule is met"
    return f"slice {number}: {plain(quantity)} is under the minimum to rest"


# --- crossing --------------------------------------------------------------------------------------


def _cross(view: OrderView, work: SliceWork, must: Decimal) -> Decision | None:
    """Take ``must``; None when nothing of it can be taken now."""
    number = work.part.number
    if any(child.purpose == CROSS and not child.is_settled for child in view.children):
        return Decision((), work.part.ends_at, f"slice {number}: waits until its cross is settled")
    resting = _resting(view)
    free = view.remaining - sum((child.exposure for child in view.children), ZERO)
    if free < must and resting:
        why = f"slice {number}: cancels what rests, to cross"
        cancels = tuple(CancelChild(child.sequence, why) for child in resting if child.can_be_cancelled)
        return Decision(cancels, work.part.ends_at, why)
    wanted = min(must, free)
    again_at = max(
        (c.ended_at + CROSS_AGAIN for c in view.children if c.purpose == CROSS and c.ended_at is not None),
        default=view.now,
    )
    if again_at > view.now:
        return Decision((), min(again_at, work.part.ends_at), f"slice {number}: lets the book come back")
    if wanted < min(least_quantity(view, venue, CROSS) for venue in view.usable):
        return None
    children = split_cross(view, work, wanted)
    if not children:
        return None
    return Decision(children, work.part.ends_at, children[0].why)
