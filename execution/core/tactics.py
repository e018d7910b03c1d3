"""How a slice is worked: rest at a passive price, then cross what is left inside the collar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.plans import SlicePlan, plain
from execution.core.quantities import collar_price, floor_to, minimum_quantity, round_price, worse_of_allowed
from execution.core.types import ZERO, OrderType, Quote, Side, TimeInForce
from execution.core.view import CROSS, REST, CancelChild, Decision, Intend, OrderView

#: The book needs a moment to come back after we took from it.
CROSS_AGAIN = timedelta(seconds=1)
#: A cancel, its settling and the crossing order need this long, however large the resting share is.
LEAST_CROSSING = timedelta(seconds=2)
#: Without a fact or a due time the driver looks again after this long.
IDLE_LOOK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class SliceWork:
    """The current slice and its times. ``target`` is what should be done when it ends."""

    part: SlicePlan
    is_last: bool
    target: Decimal
    cross_at: datetime

    def is_crossing(self, now: datetime) -> bool:
        return now >= self.cross_at


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
                cross_at=cross_time(part, view.parameters.rest_share),
            )
        after += part.quantity
    return None


def cross_time(part: SlicePlan, rest_share: Decimal) -> datetime:
    """When a slice stops resting: after its share of the time, early enough to cancel, settle and cross."""
    length = part.ends_at - part.starts_at
    return min(part.starts_at + length * float(rest_share), part.ends_at - min(LEAST_CROSSING, length / 2))


def allowed_now(view: OrderView, work: SliceWork) -> Decimal:
    """What the slice may still do: up to its target and the catch-up cap, minus what may be filled already."""
    need = work.target - view.done - view.exposure
    done_here = sum((c.done + c.exposure for c in view.children if c.slice_number == work.part.number), ZERO)
    cap = work.part.quantity * view.parameters.catch_up_cap - done_here
    return max(min(need, cap, view.remaining - view.exposure), ZERO)


def rest_then_cross(view: OrderView, work: SliceWork, quote: Quote) -> Decision:
    """Rest post-only at the own side of the book until the slice's crossing time, then take what is left."""
    crossing = work.is_crossing(view.now)
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
    return _cross(view, work, quote) if crossing else _rest(view, work, quote)


def _rest(view: OrderView, work: SliceWork, quote: Quote) -> Decision:
    number = work.part.number
    if any(not c.is_settled and c.slice_number == number for c in view.children):
        return Decision((), work.cross_at, f"slice {number}: rests until {work.cross_at:%H:%M:%S}")
    price = round_price(
        worse_of_allowed(quote.passive(view.side), view.limit_price, view.side), view.market.tick, view.side
    )
    # A buy limit far below the market is worth less than the mid says, and refused under the minimum notional.
    least = minimum_quantity(view.market, min(price, quote.mid))
    quantity = floor_to(allowed_now(view, work), view.market.lot)
    if work.is_last:
        # Hold back one minimum for the cross: otherwise a part fill could leave dust that nobody takes.
        quantity = quantity - least if quantity >= 2 * least else ZERO
    if quantity < least:
        return Decision((), work.cross_at, _too_little(number, quantity, work))
    why = f"slice {number}: rests {plain(quantity)} at {plain(price)}, own side of the book"
    return _intend(view, work, REST, price, quantity, TimeInForce.POST_ONLY, why, work.cross_at)


def _too_little(number: int, quantity: Decimal, work: SliceWork) -> str:
    if quantity <= ZERO and not work.is_last:
        return f"slice {number}: nothing to do, the schedule is met"
    return f"slice {number}: {plain(quantity)} is under the minimum to rest, waits for the cross"


def _cross(view: OrderView, work: SliceWork, quote: Quote) -> Decision:
    number = work.part.number
    unsettled = [child for child in view.children if not child.is_settled]
    if any(child.slice_number == number for child in unsettled):
        return Decision((), work.part.ends_at, f"slice {number}: waits until its last child is settled")
    least = minimum_quantity(view.market, quote.mid)
    quantity = floor_to(allowed_now(view, work), view.market.lot)
    if quantity < least:
        left = f"{plain(quantity)} left is under the minimum" if quantity > ZERO else "its target is met"
        return Decision((), work.part.ends_at, f"slice {number}: {left}")
    again_at = max(
        (c.ended_at + CROSS_AGAIN for c in view.children if c.purpose == CROSS and c.ended_at is not None),
        default=view.now,
    )
    if again_at > view.now:
        return Decision((), min(again_at, work.part.ends_at), f"slice {number}: lets the book come back")
    collar = collar_price(quote.mid, view.parameters.collar_bp, view.market.tick, view.side)
    price = worse_of_allowed(collar, view.limit_price, view.side)
    touch = quote.aggressive(view.side)
    if (touch - price) * view.side.sign > 0:
        return _outside(view, work, touch, price)
    why = f"slice {number}: crosses {plain(quantity)} left, up to {plain(price)}"
    return _intend(view, work, CROSS, price, quantity, TimeInForce.IOC, why, work.part.ends_at)


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
    view: OrderView,
    work: SliceWork,
    purpose: str,
    price: Decimal,
    quantity: Decimal,
    time_in_force: TimeInForce,
    why: str,
    due_at: datetime,
) -> Decision:
    if view.market.max_quantity is not None:
        quantity = min(quantity, floor_to(view.market.max_quantity, view.market.lot))
    child = Intend(
        account=view.account,
        slice_number=work.part.number,
        purpose=purpose,
        type=OrderType.LIMIT,
        price=price,
        quantity=quantity,
        time_in_force=time_in_force,
        why=why,
    )
    return Decision((child,), due_at, why)
