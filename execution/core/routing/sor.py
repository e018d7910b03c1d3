"""The smart order router: takes a quantity now, over every account that helps, and routes again what was missed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.numbers import plain
from execution.core.orders.parameters import (
    AlgorithmParameters,
    InsufficientLiquidity,
    RouteMode,
    SlicedParameters,
    SorParameters,
    narrowed,
)
from execution.core.orders.plans import Plan, PlanInput, SlicePlan
from execution.core.orders.slices import IDLE_LOOK, SliceTask
from execution.core.orders.view import CROSS, AccountView, ChangeStatus, Decision, OrderView, PlaceChild
from execution.core.problems import Problem, Refused
from execution.core.quantities import collar_price, worse_of_allowed
from execution.core.routing.account_selection import (
    MAX_BOOK_AGE,
    affordable,
    at_once,
    cheapest,
    child_price,
    known_quote,
    least_quantity,
    levels_to_take,
    was_refused,
)
from execution.core.routing.split import Alone, Part, Split, split
from execution.core.states import OrderEvent, OrderStatus
from execution.core.types import ZERO, Book, OrderType, Side, TimeInForce

#: A book that is older than what we took from it shows what is gone. Without a newer one it is looked again.
BOOK_LOOK = timedelta(seconds=0.5)
#: At the start books are waited for so long; then the touch with its size stands in.
BOOKS_WITHIN = timedelta(seconds=2)


def plan_sor(given: PlanInput) -> Plan:
    """One slice: the whole quantity, as soon as it starts."""
    return Plan((SlicePlan(1, given.start, given.end, given.quantity),))


# --- before launch ---------------------------------------------------------------------------------


def route_now(given: PlanInput, venues: Sequence[AccountView]) -> Split:
    """What the router would do at this moment, inside limit and collar; for the ticket."""
    parameters = narrowed(given.parameters, SorParameters)
    usable = [_within(venue, given.side, _worst(venue, given, parameters), given.now) for venue in venues]
    is_single = parameters.mode is RouteMode.SINGLE
    return split(given.side, given.quantity, usable, None, is_single, now=given.now)


def may_take_at_once(parameters: AlgorithmParameters) -> bool:
    """Whether an order with these parameters can be one that takes everything at the moment at which it starts."""
    if isinstance(parameters, SlicedParameters):
        return parameters.i_would_price is not None
    return isinstance(parameters, SorParameters)


def route_would(given: PlanInput, venues: Sequence[AccountView]) -> Split | None:
    """Where an order goes at once because the market has come to its I-would price; None when it does not, or when
    the books do not carry all of it."""
    parameters = given.parameters
    if not isinstance(parameters, SlicedParameters) or parameters.i_would_price is None:
        return None
    if given.start > given.now or parameters.participation_cap is not None:
        return None
    price, side = parameters.i_would_price, given.side
    quotes = [venue.quote for venue in venues if venue.quote is not None and not venue.trouble(given.now)]
    if not any((quote.aggressive(side) - price) * side.sign <= 0 for quote in quotes):
        return None
    limit = price if given.limit_price is None else worse_of_allowed(price, given.limit_price, side)
    inside = replace(given, limit_price=limit)
    usable = [_within(venue, side, _worst(venue, inside, parameters), given.now) for venue in venues]
    found = split(side, given.quantity, usable, None, now=given.now)
    has_books = all(_has_book(venue, given.now) for venue in venues)
    return None if found.unfilled and has_books else found


def judge_sor(given: PlanInput, venues: Sequence[AccountView], found: Split) -> None:
    """Raises ``Refused`` when an account cannot be used now, or when the books do not carry an order that asks
    to be refused then; how much can be had, and at what price, is in the problem. ``found`` is ``route_now``'s."""
    if given.start > given.now:
        return  # what the venues are like then is not known
    problems = [
        Problem("accounts", f"{venue.label} cannot be routed to: {trouble}", venue.label)
        for venue in venues
        if (trouble := venue.trouble(given.now))
    ]
    if problems:
        raise Refused(problems)
    parameters = narrowed(given.parameters, SorParameters)
    has_books = all(_has_book(venue, given.now) for venue in venues)
    if parameters.shortfall is InsufficientLiquidity.REFUSE and has_books and found.unfilled:
        raise Refused([_too_little(found, given.market.base)])


def _worst(venue: AccountView, given: PlanInput, parameters: AlgorithmParameters) -> Decimal | None:
    """The worst price that a child may have there; None without a quote to measure the collar from."""
    if venue.quote is None or not venue.quote.is_sane:
        return given.limit_price
    collar = collar_price(venue.quote.mid, parameters.collar_bp, venue.market.tick, given.side)
    return worse_of_allowed(collar, given.limit_price, given.side)


def _too_little(found: Split, base: str) -> Problem:
    message = (
        f"the books do not carry {plain(found.quantity)} {base} within limit and collar: {can_be_had(found)}"
    )
    return Problem("quantity", message, plain(found.quantity), plain(found.filled))


def can_be_had(found: Split) -> str:
    """How much, and at what price after fees: ``0.7 of 1 can be had, at 60,012.3 after fees``."""
    if not found.parts:
        return f"nothing of {plain(found.quantity)} can be had"
    had = f"{plain(found.filled)} of {plain(found.quantity)} can be had"
    if found.average_price is None:
        return had
    tick = min(part.venue.market.tick for part in found.parts)
    return f"{had}, at {found.average_price.quantize(tick):,f} after fees"


@dataclass(frozen=True, slots=True)
class RouteRow:
    """What the router makes of one account, for a page. ``price`` and ``cash`` of the full quantity there alone
    are after fees, None when it cannot do all of it or its fee is unknown; ``takes`` is the most that it can do.
    ``part`` is what it gets, at ``part_price`` a unit and for ``part_cash``, after fees; ``child_limit`` is the limit
    of its child, before fees. 0 and None when it gets nothing. ``trouble``: why it is out.
    ``is_best_alone``: the single venue that the saving is measured against.
    """

    account: str
    label: str
    price: Decimal | None
    cash: Decimal | None
    takes: Decimal
    part: Decimal
    part_price: Decimal | None
    part_cash: Decimal | None
    child_limit: Decimal | None
    trouble: str
    is_best_alone: bool


def route_rows(found: Split) -> tuple[RouteRow, ...]:
    """A split, explained account by account, in the order of the accounts; the parts sum to what is filled."""
    parts = {part.venue.account: part for part in found.parts}
    best = None if found.best_alone is None else found.best_alone.account
    return tuple(_row(each, parts.get(each.venue.account), best) for each in found.alone)


def _row(each: Alone, part: Part | None, best: str | None) -> RouteRow:
    return RouteRow(
        account=each.venue.account,
        label=each.venue.label,
        price=each.price,
        cash=each.cash,
        takes=each.takes,
        part=ZERO if part is None else part.quantity,
        part_price=None if part is None else part.average_price,
        part_cash=None if part is None else part.cash,
        child_limit=None if part is None else part.price,
        trouble=each.trouble,
        is_best_alone=each.venue.account == best,
    )


# --- the tactic ------------------------------------------------------------------------------------


def work_route(view: OrderView, work: SliceTask) -> Decision:
    """Send what remains, split over the accounts, and again what they did not fill.

    1. Children under way are waited for. 2. So are books newer than what was last taken from them.
    3. The split goes out in one decision. 4. An order that would rather do nothing than a part closes when its
    first split falls short. 5. Beyond limit and collar it waits; a remainder under every minimum ends it.
    """
    waiting = sum(1 for child in view.children if not child.is_settled)
    if waiting:
        return Decision((), work.part.ends_at, f"routed: waits until {waiting} children are settled")
    if all(view.remaining < least_quantity(view, venue, CROSS) for venue in view.usable):
        if len(view.usable) < len(view.accounts):
            why = f"waits: {plain(view.remaining)} left is under the minimum of the accounts that can be used now"
            return Decision((), min(view.now + IDLE_LOOK, work.part.ends_at), why)
        return _close(
            f"{plain(view.remaining)} {view.base} left is under every exchange's minimum", OrderStatus.EXPIRED
        )
    venues = _fresh(view)
    if not venues or (len(venues) < len(_unrefused(view, view.usable)) and view.now < _books_due(view)):
        return Decision((), view.now + BOOK_LOOK, "waits for books that are newer than its last children")
    found = _split(view, venues, view.remaining)
    parameters = narrowed(view.parameters, SorParameters)
    if found.unfilled and not view.children and parameters.shortfall is InsufficientLiquidity.REFUSE:
        return _close(f"nothing was sent: {can_be_had(found)}", OrderStatus.CANCELLED)
    if not found.parts:
        return _beyond(view, work, found)
    children = _intends(work, found)
    return Decision(children, work.part.ends_at, found.why)


def split_cross(view: OrderView, work: SliceTask, quantity: Decimal) -> tuple[PlaceChild, ...]:
    """Children that take ``quantity`` at once over the order's accounts at the least total cost after fees; none
    where nothing can be had inside limit and collar.

    Each is priced at the limit or the collar, not at the level that it is to take: a slice cannot wait for a tick.
    What the known levels do not carry is asked for where the most is: deeper than they go there may be more.
    """
    found = _split(view, _unrefused(view, view.usable), quantity)
    largest = max(found.parts, key=lambda part: part.quantity, default=None)
    children = []
    for part, child in zip(found.parts, _intends(work, found), strict=True):
        asked = child.quantity + (quantity - found.filled if part is largest else ZERO)
        venue = next(venue for venue in view.usable if venue.account == child.account)
        price = child_price(view, venue, CROSS)
        pays = at_once(venue, affordable(view, venue, CROSS, asked))
        if pays >= least_quantity(view, venue, CROSS):
            why = f"slice {work.part.number}: crosses {plain(pays)}, up to {plain(price)}; {found.why}"
            children.append(replace(child, price=price, quantity=pays, why=why))
    return tuple(children) or _by_touch(view, work, quantity)


def _by_touch(view: OrderView, work: SliceTask, quantity: Decimal) -> tuple[PlaceChild, ...]:
    """One child at the cheapest account whose touch is within limit and collar, where no depth is known."""
    choice = cheapest(view, quantity, CROSS)
    if choice.venue is None:
        return ()
    price = child_price(view, choice.venue, CROSS)
    if (known_quote(choice.venue).aggressive(view.side) - price) * view.side.sign > 0:
        return ()
    why = f"slice {work.part.number}: crosses {plain(choice.quantity)}, up to {plain(price)}; {choice.why}"
    return (_intend(work, choice.venue.account, choice.quantity, price, why.removesuffix("; ")),)


def _split(view: OrderView, venues: Iterable[AccountView], quantity: Decimal) -> Split:
    within = [_within(venue, view.side, child_price(view, venue, CROSS), view.now) for venue in venues]
    is_single = getattr(view.parameters, "mode", RouteMode.SPLIT) is RouteMode.SINGLE
    return split(view.side, quantity, within, None, is_single, now=view.now)


def _intends(work: SliceTask, found: Split) -> tuple[PlaceChild, ...]:
    total = plain(found.quantity)
    return tuple(
        _intend(
            work,
            part.venue.account,
            part.quantity,
            part.price,
            f"takes {plain(part.quantity)} of {total} up to {plain(part.price)}; {found.why}",
        )
        for part in found.parts
    )


def _intend(work: SliceTask, account: str, quantity: Decimal, price: Decimal, why: str) -> PlaceChild:
    return PlaceChild(
        account=account,
        slice_number=work.part.number,
        purpose=CROSS,
        type=OrderType.LIMIT,
        price=price,
        quantity=quantity,
        time_in_force=TimeInForce.IOC,
        why=why,
    )


def _within(venue: AccountView, side: Side, worst: Decimal | None, now: datetime) -> AccountView:
    """The venue with what a child priced ``worst`` at most may take: levels of its book while it is fresh,
    else its touch."""
    data = venue.book if _has_book(venue, now) else venue.quote
    if data is None or worst is None:
        return venue
    levels = tuple(
        (price, size)
        for price, size in levels_to_take(side, data)
        if price.is_finite() and (price - worst) * side.sign <= 0
    )
    other = levels_to_take(side.opposite, data)
    return replace(venue, book=Book(*((other, levels) if side is Side.BUY else (levels, other)), data.at))


def _has_book(venue: AccountView, now: datetime) -> bool:
    return venue.book is not None and now - venue.book.at <= MAX_BOOK_AGE


def _fresh(view: OrderView) -> tuple[AccountView, ...]:
    """The usable venues whose book is newer than the end of what was last taken there.

    A venue without any book counts with its touch, once books had the time to come.
    """
    return _unrefused(view, tuple(venue for venue in view.usable if _is_fresh(view, venue)))


def _books_due(view: OrderView) -> datetime:
    """Until when the books of all accounts are waited for: a part of them would send what remains to the wrong one."""
    return (
        max((child.ended_at for child in view.children if child.ended_at), default=view.start_at)
        + BOOKS_WITHIN
    )


def _is_fresh(view: OrderView, venue: AccountView) -> bool:
    ends = [child.ended_at for child in view.children if child.account == venue.account and child.ended_at]
    data = venue.book or known_quote(venue)
    if ends and data.at <= max(ends):
        return False
    return _has_book(venue, view.now) or view.now >= view.start_at + BOOKS_WITHIN


def _unrefused(view: OrderView, venues: tuple[AccountView, ...]) -> tuple[AccountView, ...]:
    """Without those that refused a child of this slice, unless there is no other."""
    return tuple(venue for venue in venues if not was_refused(view, venue)) or venues


def _beyond(view: OrderView, work: SliceTask, found: Split) -> Decision:
    """Nothing within limit and collar: wait until a market comes back into it."""
    worst = [child_price(view, venue, CROSS) for venue in view.usable]
    buying = view.side is Side.BUY
    return Decision(
        (),
        min(view.now + IDLE_LOOK, work.part.ends_at),
        f"waits: {found.why}",
        wake_below=max(worst, default=None) if buying else None,
        wake_above=None if buying else min(worst, default=None),
    )


def _close(reason: str, outcome: OrderStatus) -> Decision:
    return Decision((ChangeStatus(OrderEvent.CLOSE, reason, outcome=outcome),), None, reason)
