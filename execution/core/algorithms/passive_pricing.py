"""The price at which a slice rests, and the moment at which a resting child is moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from execution.core.algorithms.book_imbalance import imbalance, others_book, others_quote
from execution.core.orders.parameters import SlicedParameters, narrowed
from execution.core.orders.slices import SliceTask
from execution.core.orders.view import CROSS, REST, AccountView, ChildView, OrderView
from execution.core.quantities import floor_to, round_price, worse_of_allowed
from execution.core.routing.account_selection import child_price, known_quote
from execution.core.types import ZERO, Side

#: Resting prices at the usual urgency, as shares of the way across the spread: on schedule, and one band behind.
#: Near the order's own side most of the spread is earned. At the far end, resting still costs less than taking.
FIRST, LAST = Decimal("0.1"), Decimal("0.7")
#: Time before a resting order may be moved: at the usual urgency, and at least. Exchanges count messages, and an
#: order that moves loses its place in the queue.
PATIENCE, MIN_PATIENCE = timedelta(seconds=5), timedelta(seconds=1)
USUAL = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class UrgencyProfile:
    """The settings that follow from an urgency between 0 (only rests) and 1 (crosses at once); 0.5 is usual.

    ``band`` is the number of slices by which the order may be behind its schedule at a slice's end. If it is further
    behind, it crosses. None means that it never crosses for this reason. ``patience`` is the time from placing a child
    until it may be moved. ``first`` and ``last`` are resting prices on a scale from the order's side of the book (0)
    to the opposite side (1). An order on schedule rests at ``first``. An order that is ``band`` + 1 slices behind
    rests at ``last``.
    """

    band: Decimal | None
    patience: timedelta
    first: Decimal
    last: Decimal


def urgency_profile(view: OrderView) -> UrgencyProfile:
    parameters = narrowed(view.parameters, SlicedParameters)
    urgency = parameters.urgency
    share = urgency / USUAL
    patience = PATIENCE * float(2 - share)
    return UrgencyProfile(
        # No wider than what the last slice may catch up: an order that is to end done would else not be.
        band=None if urgency <= ZERO else min(2 - share, parameters.catch_up_cap - 1),
        patience=max(patience, MIN_PATIENCE),
        first=FIRST * share,
        last=min(LAST * share, Decimal(1)),
    )


def behind(view: OrderView, work: SliceTask) -> Decimal:
    """Return how many slices the order is behind its schedule now. The schedule fills each slice evenly over its time.

    If an order was on schedule and then fills nothing in a slice, the result is 1 at the end of that slice. In a slice
    without a quantity the result is 0.
    """
    part = work.part
    if part.quantity <= ZERO:
        return ZERO
    elapsed = Decimal(str((view.now - part.starts_at) / (part.ends_at - part.starts_at)))
    return (work.target - part.quantity * (1 - elapsed) - view.done) / part.quantity


def rest_price(view: OrderView, work: SliceTask, venue: AccountView, profile: UrgencyProfile) -> Decimal:
    """Return the price at which the slice would rest on the account now.

    The price lies between the other participants' best price on the order's own side and the opposite side. The
    further the order is behind its schedule, the nearer the price is to the opposite side. It is on the tick, within
    the limit and the collar, and at least a tick before the opposite side.
    """
    quote, tick, sign = others_quote(view, venue), venue.market.tick, view.side.sign
    own, other = quote.passive(view.side), quote.aggressive(view.side)
    share = (
        ZERO if profile.band is None else min(max(behind(view, work), ZERO) / (1 + profile.band), Decimal(1))
    )
    step = floor_to(abs(other - own) * (profile.first + (profile.last - profile.first) * share), tick)
    best = other - sign * tick
    price = min(own + step, best) if sign > 0 else max(own - step, best)
    # The collar is measured from the quote, the price from the book: they need not be of the same moment.
    return round_price(worse_of_allowed(price, child_price(view, venue, CROSS), view.side), tick, view.side)


def patience_at(view: OrderView, venue: AccountView, profile: UrgencyProfile) -> timedelta:
    """Return how long a resting child on the account may wait before it is moved.

    Without a book it is ``profile.patience``. It is shorter when the other participants' book suggests that the price
    will move away. It is up to twice as long when the book suggests that the price will come nearer.
    """
    book = others_book(view, venue)
    if book is None:
        return profile.patience
    return max(profile.patience * (1 - imbalance(book) * int(view.side.sign)), MIN_PATIENCE)


def is_to_move(
    view: OrderView, work: SliceTask, venue: AccountView, child: ChildView, profile: UrgencyProfile
) -> bool:
    """Return whether a resting child should move nearer to the opposite side now.

    A child never moves away from the opposite side, and it moves only after the time that ``patience_at`` returns.
    Without a book, the desk's own child may itself be the best price. So a child at the best price is not moved,
    because the desk would outbid itself.
    """
    if child.price is None or view.now - child.intended_at < patience_at(view, venue, profile):
        return False
    sign = view.side.sign
    if (
        others_book(view, venue) is None
        and (known_quote(venue).passive(view.side) - child.price) * sign <= ZERO
    ):
        return False
    return (rest_price(view, work, venue, profile) - child.price) * sign > ZERO


def at_i_would(view: OrderView) -> bool:
    """Return whether the market has reached the order's I-would price at any usable venue.

    At this price the order may trade its whole remaining quantity at once. The opposite side of the book has to reach
    it.
    """
    price, sign = narrowed(view.parameters, SlicedParameters).i_would_price, view.side.sign
    return price is not None and any(
        (others_quote(view, venue).aggressive(view.side) - price) * sign <= ZERO for venue in view.usable
    )


def wake_bounds(
    view: OrderView, profile: UrgencyProfile, *, must: bool
) -> tuple[Decimal | None, Decimal | None]:
    """Return two prices that wake the order early: an ask at or below the first, or a bid at or above the second.

    The order wakes when the market moves away from a child that has rested long enough, or reaches the I-would price.
    ``must`` says that a quantity has to be crossed now. If it is set, the order also wakes when the opposite side of
    the book comes back within limit and collar.
    """
    comes, leaves = _coming(view, must=must), _leaving(view, profile)
    if view.side is Side.BUY:
        return max(comes, default=None), min(leaves, default=None)
    return max(leaves, default=None), min(comes, default=None)


def _coming(view: OrderView, *, must: bool) -> list[Decimal]:
    would = narrowed(view.parameters, SlicedParameters).i_would_price
    bounds = [] if would is None or at_i_would(view) else [would]
    if must:
        worst = [(venue, child_price(view, venue, CROSS)) for venue in view.usable]
        bounds += [price for venue, price in worst if _is_beyond(view, venue, price)]
    return bounds


def _is_beyond(view: OrderView, venue: AccountView, price: Decimal) -> bool:
    return (known_quote(venue).aggressive(view.side) - price) * view.side.sign > ZERO


def _leaving(view: OrderView, profile: UrgencyProfile) -> list[Decimal]:
    usable = {venue.account: venue for venue in view.usable}
    left = []
    for child in view.children:
        venue = usable.get(child.account)
        if venue is None or child.price is None or child.is_over or child.purpose != REST:
            continue
        if view.now - child.intended_at < patience_at(view, venue, profile):
            continue
        beyond = child.price + view.side.sign * venue.market.tick
        if (known_quote(venue).passive(view.side) - beyond) * view.side.sign < ZERO:
            left.append(beyond)
    return left
