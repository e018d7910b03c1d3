"""How a slice is worked: rest at a passive price, then cross what is left inside the collar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.parameters import SlicedParameters, TwapParameters, narrowed
from execution.core.plans import SlicePlan, plain
from execution.core.quantities import common_step, floor_to
from execution.core.replanning import must_finish
from execution.core.routing import Choice, cheapest, child_price, known_quote, least_quantity
from execution.core.types import ZERO, OrderType, Side, TimeInForce
from execution.core.view import CROSS, REST, CancelChild, Decision, Intend, OrderView

#: The book needs a moment to come back after we took from it.
CROSS_AGAIN = timedelta(seconds=1)
#: A cancel, its settling and the crossing order need this long, however large the resting share is.
LEAST_CROSSING = timedelta(seconds=2)
#: How long the slices of an algorithm rest that does not say it.
REST_SHARE = Decimal("0.8")
#: Without a fact or a due time the driver looks again after this long.
IDLE_LOOK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class SliceWork:
    """The current slice. ``target`` is what should be done when it ends."""

    part: SlicePlan
    is_last: bool
    target: Decimal


def slice_at(view: OrderView) -> SliceWork | None:
    """The slice whose time it is; None before the first and after the last.

    The target counts back from the order's quantity, so that it holds for every version of the plan.
    """
    after = ZERO
    for part in reversed(view.slices):
        if part.starts_at <= view.now < part.ends_at:
            return SliceWork(
                part=part,
                is_last=part is view.slices[-1],
                target=view.quantity - after,
            )
        after += part.quantity
    return None


def crossing_at(view: OrderView, work: SliceWork) -> datetime:
    """When this slice stops resting; one that need not finish the order rests to its end."""
    if work.is_last and not must_finish(view, work):
        return work.part.ends_at
    parameters = view.parameters
    share = parameters.rest_share if isinstance(parameters, TwapParameters) else REST_SHARE
    return cross_time(work.part, share)


def cross_time(part: SlicePlan, rest_share: Decimal) -> datetime:
    """When a slice stops resting: after its share of the time, early enough to cancel, settle and cross."""
    length = part.ends_at - part.starts_at
    return min(part.starts_at + length * float(rest_share), part.ends_at - min(LEAST_CROSSING, length / 2))


def allowed_now(view: OrderView, work: SliceWork) -> Decimal:
    """What the slice may still do: up to its target and the catch-up cap, minus what may be filled already."""
    need = work.target - view.done - view.exposure
    done_here = sum((c.done + c.exposure for c in view.children if c.slice_number == work.part.number), ZERO)
    cap = work.part.quantity * narrowed(view.parameters, SlicedParameters).catch_up_cap - done_here
    return max(min(need, cap, view.remaining - view.exposure), ZERO)


def wanted_now(view: OrderView, work: SliceWork) -> Decimal:
    """What the slice may still do, on a lot. Only the last slice goes to the finest lot: a remainder that not
    every account takes is carried on, and would else bind the slices to come to one account."""
    lots = [venue.market.lot for venue in view.venues]
    return floor_to(allowed_now(view, work), min(lots) if work.is_last else common_step(lots))


def rest_then_cross(view: OrderView, work: SliceWork) -> Decision:
    """Rest post-only at the own side of the book until the slice's crossing time, then take what is left.

    Either goes to the account that is cheapest for its quantity at that moment.
    """
    crossing = view.now >= crossing_at(view, work)
    stale = [
        child
        for child in view.children
        if child.can_be_cancelled
        and (crossing or child.slice_number != work.part.number)
        and child.purpose == REST
    ]
    if stale:
        why = f"slice {work.part.number}: cancel what rests, {'then cross' if crossing else 'its slice is over'}"
        return Decision(tuple(CancelChild(child.sequence, why) for child in stale), view.now + IDLE_LOOK, why)
    return _cross(view, work) if crossing else _rest(view, work)


def _rest(view: OrderView, work: SliceWork) -> Decision:
    number, until = work.part.number, crossing_at(view, work)
    if any(not c.is_settled and c.slice_number == number for c in view.children):
        return Decision((), until, f"slice {number}: rests until {until:%H:%M:%S}")
    leasts = [least_quantity(view, venue, REST) for venue in view.usable]
    wanted = wanted_now(view, work)
    if must_finish(view, work):
        # Hold back one minimum for the cross: otherwise a part fill could leave dust that nobody takes.
        wanted = wanted - max(leasts) if wanted >= 2 * max(leasts) else ZERO
    if wanted < min(leasts):
        return Decision((), until, _too_little(number, wanted, work))
    choice = cheapest(view, wanted, REST)
    if choice.venue is None:
        return _nowhere(view, work, choice.why, until)
    price = child_price(view, choice.venue, REST)
    why = f"slice {number}: rests {plain(choice.quantity)} at {plain(price)}, own side of the book"
    return _intend(work, choice, REST, price, TimeInForce.POST_ONLY, why, until)


def _too_little(number: int, quantity: Decimal, work: SliceWork) -> str:
    if quantity <= ZERO and not work.is_last:
        return f"slice {number}: nothing to do, the schedule is met"
    return f"slice {number}: {plain(quantity)} is under the minimum to rest, waits for the cross"


def _nowhere(view: OrderView, work: SliceWork, why: str, until: datetime) -> Decision:
    return Decision((), min(view.now + IDLE_LOOK, until), f"slice {work.part.number}: waits: {why}")


def _cross(view: OrderView, work: SliceWork) -> Decision:
    number = work.part.number
    unsettled = [child for child in view.children if not child.is_settled]
    if any(child.slice_number == number for child in unsettled):
        return Decision((), work.part.ends_at, f"slice {number}: waits until its last child is settled")
    wanted = wanted_now(view, work)
    if wanted < min(least_quantity(view, venue, CROSS) for venue in view.usable):
        left = f"{plain(wanted)} left is under the minimum" if wanted > ZERO else "its target is met"
        return Decision((), work.part.ends_at, f"slice {number}: {left}")
    again_at = max(
        (c.ended_at + CROSS_AGAIN for c in view.children if c.purpose == CROSS and c.ended_at is not None),
        default=view.now,
    )
    if again_at > view.now:
        return Decision((), min(again_at, work.part.ends_at), f"slice {number}: lets the book come back")
    choice = cheapest(view, wanted, CROSS)
    if choice.venue is None:
        return _nowhere(view, work, choice.why, work.part.ends_at)
    price = child_price(view, choice.venue, CROSS)
    touch = known_quote(choice.venue).aggressive(view.side)
    if (touch - price) * view.side.sign > 0:
        return _outside(view, work, touch, price)
    why = f"slice {number}: crosses {plain(choice.quantity)} left, up to {plain(price)}"
    return _intend(work, choice, CROSS, price, TimeInForce.IOC, why, work.part.ends_at)


def _outside(view: OrderView, work: SliceWork, touch: Decimal, price: Decimal) -> Decision:
    """The market is beyond the limit or the collar: wait until it comes back."""
    buying = view.side is Side.BUY
    why = (
        f"slice {work.part.number}: the {'ask' if buying else 'bid'} {plain(touch)} is "
        f"{'above' if buying else 'below'} {plain(price)}, waits"
    )
    return Decision(
        (),
        min(view.now + IDLE_LOOK, work.part.ends_at),
        why,
        wake_below=price if buying else None,
        wake_above=None if buying else price,
    )


def _intend(
    work: SliceWork,
    choice: Choice,
    purpose: str,
    price: Decimal,
    time_in_force: TimeInForce,
    why: str,
    due_at: datetime,
) -> Decision:
    if choice.venue is None:
        raise ValueError("a child needs an account")
    child = Intend(
        account=choice.venue.account,
        slice_number=work.part.number,
        purpose=purpose,
        type=OrderType.LIMIT,
        price=price,
        quantity=choice.quantity,
        time_in_force=time_in_force,
        why=f"{why}; {choice.why}" if choice.why else why,
    )
    return Decision((child,), due_at, child.why)
