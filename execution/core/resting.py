"""Where a slice rests, and when what rests is moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from execution.core.parameters import SlicedParameters, narrowed
from execution.core.quantities import floor_to, round_price, worse_of_allowed
from execution.core.signals import others_quote
from execution.core.tactics import SliceWork
from execution.core.types import ZERO
from execution.core.view import ChildView, OrderView, VenueView

HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Manner:
    """What an urgency means, from 0 (only rests) over 0.5 to 1 (crosses at once).

    ``band``: slices that may be behind at a slice's end before it crosses. ``patience``: from a child's placing until
    it may be moved. ``concession``: of the way from the own side of the book to the other, at first and at most.
    """

    band: Decimal
    patience: timedelta
    concession: tuple[Decimal, Decimal]


def manner_of(view: OrderView) -> Manner:
    urgency = narrowed(view.parameters, SlicedParameters).urgency
    calm = 1 - urgency
    return Manner(
        band=2 * calm,
        patience=timedelta(seconds=float(10 * calm)),
        concession=(FIRST * urgency * 2, min(LAST * urgency * 2, Decimal(1))),
    )


FIRST, LAST = Decimal("0.1"), Decimal("0.7")


def behind(view: OrderView, work: SliceWork) -> Decimal:
    """How far the order is behind a straight line through its slice, in slices: 1 at the end of one that did nothing."""
    part = work.part
    elapsed = Decimal(str((view.now - part.starts_at) / (part.ends_at - part.starts_at)))
    due = work.target - part.quantity * (1 - elapsed)
    return (due - view.done) / part.quantity


def rest_price(view: OrderView, work: SliceWork, venue: VenueView, manner: Manner) -> Decimal:
    """The price at which the slice would rest there now: from the others' own side of the book towards the other
    side, further the more it is behind; always a tick before the other side, and within the limit."""
    quote, tick, sign = others_quote(view, venue), venue.market.tick, view.side.sign
    own, other = quote.passive(view.side), quote.aggressive(view.side)
    share = max(min(behind(view, work) / (1 + manner.band), Decimal(1)), ZERO)
    first, last = manner.concession
    step = floor_to(abs(other - own) * (first + (last - first) * share), tick)
    best = other - sign * tick
    price = own + sign * step
    price = min(price, best) if sign > 0 else max(price, best)
    return round_price(worse_of_allowed(price, view.limit_price, view.side), tick, view.side)


def is_to_move(view: OrderView, child: ChildView, price: Decimal, manner: Manner) -> bool:
    """Whether a resting child should stand at ``price`` instead, once it has had its patience."""
    if child.price is None or view.now - child.intended_at < manner.patience:
        return False
    return (price - child.price) * view.side.sign > ZERO
