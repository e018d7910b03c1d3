"""Where a slice rests, and when what rests is moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from execution.core.parameters import SlicedParameters, narrowed
from execution.core.quantities import floor_to, round_price, worse_of_allowed
from execution.core.replanning import is_outside
from execution.core.routing import known_quote
from execution.core.signals import others_quote
from execution.core.tactics import SliceWork
from execution.core.types import ZERO, Side
from execution.core.view import REST, ChildView, OrderView, VenueView

#: At the usual urgency: how far towards the other side of the book a slice rests at first, and when it is a band
#: behind. Near its own side most of the spread is earned; at the far end it still costs less than taking.
FIRST, LAST = Decimal("0.1"), Decimal("0.7")
#: A resting order is left alone for so long at the usual urgency, and never for less: exchanges count messages, and
#: an order that moves loses its place.
PATIENCE, LEAST_PATIENCE = timedelta(seconds=5), timedelta(seconds=1)
USUAL = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Manner:
    """What an urgency means, from 0 (only rests) over 0.5 to 1 (crosses at once).

    ``band``: slices that may be missing at a slice's end before it crosses; None: any number. ``patience``: from a
    child's placing until it may be moved. ``first`` and ``last``: of the way from the own side of the book to the
    other, where a slice rests that is on its schedule, and one that is a band behind.
    """

    band: Decimal | None
    patience: timedelta
    first: Decimal
    last: Decimal


def manner_of(view: OrderView) -> Manner:
    urgency = narrowed(view.parameters, SlicedParameters).urgency
    share = urgency / USUAL
    patience = PATIENCE * float(2 - share)
    return Manner(
        band=None if urgency <= ZERO else 2 - share,
        patience=max(patience, LEAST_PATIENCE),
        first=FIRST * share,
        last=min(LAST * share, Decimal(1)),
    )


def behind(view: OrderView, work: SliceWork) -> Decimal:
    """Slices that are missing on a straight line through this one: 1 at the end of one that did nothing."""
    part = work.part
    elapsed = Decimal(str((view.now - part.starts_at) / (part.ends_at - part.starts_at)))
    return (work.target - part.quantity * (1 - elapsed) - view.done) / part.quantity


def rest_price(view: OrderView, work: SliceWork, venue: VenueView, manner: Manner) -> Decimal:
    """Where the slice would rest there now: from the others' own side of the book towards the other one, further the
    more it is behind; always a tick before the other side, within the limit and on the tick."""
    quote, tick, sign = others_quote(view, venue), venue.market.tick, view.side.sign
    own, other = quote.passive(view.side), quote.aggressive(view.side)
    share = (
        ZERO if manner.band is None else min(max(behind(view, work), ZERO) / (1 + manner.band), Decimal(1))
    )
    step = floor_to(abs(other - own) * (manner.first + (manner.last - manner.first) * share), tick)
    best = other - sign * tick
    price = min(own + step, best) if sign > 0 else max(own - step, best)
    return round_price(worse_of_allowed(price, view.limit_price, view.side), tick, view.side)


def is_to_move(view: OrderView, child: ChildView, price: Decimal, manner: Manner) -> bool:
    """Whether a resting child should stand at ``price`` instead: only forwards, once it has had its patience."""
    if child.price is None or view.now - child.intended_at < manner.patience:
        return False
    return (price - child.price) * view.side.sign > ZERO


def wake_bounds(view: OrderView, manner: Manner) -> tuple[Decimal | None, Decimal | None]:
    """Quotes at which a look is worth it before its time: ask at or below, bid at or above.

    One that leaves behind what has rested long enough, and one that comes to the I-would price, or back within
    the limit.
    """
    comes = [
        narrowed(view.parameters, SlicedParameters).i_would_price,
        view.limit_price if is_outside(view) else None,
    ]
    known = [price for price in comes if price is not None]
    would = (max if view.side is Side.BUY else min)(known, default=None)
    usable = {venue.account: venue for venue in view.usable}
    left = []
    for child in view.children:
        venue = usable.get(child.account)
        is_due = view.now - child.intended_at >= manner.patience
        if venue is None or child.price is None or child.is_settled or child.purpose != REST or not is_due:
            continue
        beyond = child.price + view.side.sign * venue.market.tick
        if (known_quote(venue).passive(view.side) - beyond) * view.side.sign < ZERO:
            left.append(beyond)
    if view.side is Side.BUY:
        return would, min(left, default=None)
    return max(left, default=None), would
