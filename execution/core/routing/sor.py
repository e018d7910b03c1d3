"""The smart order router: it takes a quantity at once over several accounts, and routes the unfilled part again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.market_data.freshness import is_fresh
from execution.core.market_rules import status_words
from execution.core.numbers import grouped, plain
from execution.core.orders.parameters import (
    AlgorithmParameters,
    InsufficientLiquidity,
    RouteMode,
    SlicedParameters,
    SorParameters,
    narrowed,
)
from execution.core.orders.plans import Plan, PlanInput, SlicePlan
from execution.core.orders.slices import IDLE_RECHECK, OPPOSED_RECHECK, SliceTask
from execution.core.orders.view import CROSS, AccountView, ChangeStatus, Decision, OrderView, PlaceChild
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse, refuse_if
from execution.core.quantities import crossing_price, floor_to, in_pieces, worse_of_allowed
from execution.core.routing.account_selection import (
    MAX_BOOK_AGE,
    affordable,
    cheapest,
    child_price,
    crossing_quantity,
    known_quote,
    least_quantity,
    levels_to_take,
    levels_within,
    most_at_once,
    opposed_cross,
    was_refused,
)
from execution.core.routing.split import Alone, Part, Split, split
from execution.core.states import OrderEvent, OrderStatus
from execution.core.types import ZERO, Book, MarketStatus, OrderType, Side, TimeInForce

#: Pause until the next check for newer books. A book from before our last child there still shows what we took.
BOOK_RECHECK = timedelta(seconds=0.5)
#: Longest wait for books. After it, an account without a book is used with its best price and size.
BOOKS_WITHIN = timedelta(seconds=2)
#: Most orders at a time for a quantity above an exchange's maximum order. Exchanges count orders.
MAX_PIECES = 10


def plan_sor(plan_input: PlanInput) -> Plan:
    """Plan one slice: the whole quantity, as soon as it starts."""
    return Plan((SlicePlan(1, plan_input.start, plan_input.end, plan_input.quantity),))


# --- before launch ---------------------------------------------------------------------------------


def route_now(plan_input: PlanInput, venues: Sequence[AccountView]) -> Split:
    """Return the split that the router would make now, inside limit and collar. The ticket shows it."""
    parameters = narrowed(plan_input.parameters, SorParameters)
    usable = [
        _within(_unbounded(venue), plan_input.side, _worst(venue, plan_input, parameters), plan_input.now)
        for venue in venues
    ]
    is_single = parameters.mode is RouteMode.SINGLE
    return split(plan_input.side, plan_input.quantity, usable, None, is_single, now=plan_input.now)


def may_take_at_once(parameters: AlgorithmParameters) -> bool:
    """Return True if an order with these parameters can take everything at its start."""
    if isinstance(parameters, SlicedParameters):
        return parameters.i_would_price is not None
    return isinstance(parameters, SorParameters)


def route_would(plan_input: PlanInput, venues: Sequence[AccountView]) -> Split | None:
    """Return the split of an order that would take everything at once at its I-would price.

    An I-would price is a price at which the whole remaining quantity may be traded at once. Return None if the order
    has none, has a participation cap, or starts later. Return None too if no venue's market has reached the price, or
    if all books are fresh and hold less than the quantity.
    """
    parameters = plan_input.parameters
    if not isinstance(parameters, SlicedParameters) or parameters.i_would_price is None:
        return None
    if plan_input.start > plan_input.now or parameters.participation_cap is not None:
        return None
    price, side = parameters.i_would_price, plan_input.side
    quotes = [
        venue.quote for venue in venues if venue.quote is not None and not venue.trouble(plan_input.now)
    ]
    if not any((quote.aggressive(side) - price) * side.sign <= 0 for quote in quotes):
        return None
    limit = price if plan_input.limit_price is None else worse_of_allowed(price, plan_input.limit_price, side)
    inside = replace(plan_input, limit_price=limit)
    usable = [
        _within(_unbounded(venue), side, _worst(venue, inside, parameters), plan_input.now)
        for venue in venues
    ]
    found = split(side, plan_input.quantity, usable, None, now=plan_input.now)
    has_books = all(_has_book(venue, plan_input.now) for venue in venues)
    return None if found.unfilled and has_books else found


def judge_sor(plan_input: PlanInput, venues: Sequence[AccountView], allocation: Split) -> None:
    """Raise ``Refused`` if an account cannot be used now, or if the books hold too little for an order that must fill
    completely.

    In the second case the problem says how much is available, and at what price. ``allocation`` comes from
    ``route_now``. An order that starts later is not judged.
    """
    if plan_input.start > plan_input.now:
        return  # what the venues are like then is not known
    unavailable = Code.ACCOUNT_UNAVAILABLE
    problems = [
        Problem("accounts", f"{venue.label} cannot be routed to: {trouble}.", venue.label, code=unavailable)
        for venue in venues
        if (trouble := venue.trouble(plan_input.now) or _no_taking(venue))
    ]
    refuse_if(problems)
    parameters = narrowed(plan_input.parameters, SorParameters)
    has_books = all(_has_book(venue, plan_input.now) for venue in venues)
    if parameters.shortfall is InsufficientLiquidity.REFUSE and has_books and allocation.unfilled:
        quantity = f"{grouped(allocation.quantity)} {plan_input.market.base}"
        message = f"The books cannot fill {quantity} within limit and collar: {can_be_had(allocation)}."
        refuse("quantity", message, allocation.quantity, allocation.filled, code=Code.INSUFFICIENT_LIQUIDITY)


def _no_taking(venue: AccountView) -> str:
    """Return why the venue accepts only resting orders now; empty if it accepts orders that take."""
    return status_words(venue.market) if venue.market.status is MarketStatus.POST_ONLY else ""


def _worst(venue: AccountView, plan_input: PlanInput, parameters: AlgorithmParameters) -> Decimal | None:
    if venue.quote is None or not venue.quote.is_sane:
        return plan_input.limit_price
    collar = crossing_price(venue.quote, parameters.collar_bp, venue.market.tick, plan_input.side)
    return worse_of_allowed(collar, plan_input.limit_price, plan_input.side)


def can_be_had(allocation: Split) -> str:
    """Return how much is available and at what price, such as ``0.7 of 1 is available, at 60,012.3 after fees``."""
    if not allocation.parts:
        return f"nothing of {grouped(allocation.quantity)} is available"
    had = f"{grouped(allocation.filled)} of {grouped(allocation.quantity)} is available"
    if allocation.average_price is None:
        return had
    tick = min(part.venue.market.tick for part in allocation.parts)
    return f"{had}, at {allocation.average_price.quantize(tick):,f} after fees"


@dataclass(frozen=True, slots=True)
class RouteRow:
    """The router's result for one account, for a page.

    ``price`` (of a unit) and ``cash`` tell what the full quantity would cost on this account alone, after fees. They
    are None if the account cannot take all of it, or if its fee is unknown. ``takes`` is the most that the account can
    take.

    ``part`` is the quantity that the split gives to the account, at ``part_price`` a unit and ``part_cash`` in all,
    after fees. ``child_limit`` is the limit price of that child, before fees. An account without a part has the
    ``part`` 0, and None as ``part_price``, ``part_cash`` and ``child_limit``.

    ``trouble`` says why the account is left out. ``is_best_alone`` marks the account against which the split's saving
    is measured.
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


def route_rows(allocation: Split) -> tuple[RouteRow, ...]:
    """Return the split account by account, in the order of the accounts. The parts sum to the filled quantity."""
    parts = {part.venue.account: part for part in allocation.parts}
    best = None if allocation.best_alone is None else allocation.best_alone.account
    return tuple(_row(each, parts.get(each.venue.account), best) for each in allocation.alone)


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
    """Split the remaining quantity over the accounts and send it. Later split the unfilled quantity again.

    1. Wait until no child can fill any more.
    2. Close the order when the remainder is under every account's minimum.
    3. Wait for books that are newer than the last children.
    4. If the order must fill completely, close it when its first split is less than its quantity.
    5. Wait while no price is inside limit and collar.
    6. Send the split in one decision.
    """
    waiting = sum(1 for child in view.children if not child.is_over)
    if waiting:
        return Decision((), work.part.ends_at, f"routed: waits for its children to end ({waiting} left)")
    if not view.crossable:
        closed = "; ".join(status_words(venue.market) for venue in view.usable)
        return Decision((), min(view.now + IDLE_RECHECK, work.part.ends_at), f"waits: {closed}")
    if all(view.remaining < least_quantity(view, venue, CROSS) for venue in view.usable):
        if len(view.usable) < len(view.accounts):
            why = f"waits: {grouped(view.remaining)} left is under the minimum of every account that can be used now"
            return Decision((), min(view.now + IDLE_RECHECK, work.part.ends_at), why)
        return _close(
            f"{grouped(view.remaining)} {view.base} left is under every exchange's minimum",
            OrderStatus.EXPIRED,
        )
    venues = _fresh(view)
    if not venues or (len(venues) < len(_unrefused(view, view.crossable)) and view.now < _books_due(view)):
        return Decision((), view.now + BOOK_RECHECK, "waits for order books newer than its last children")
    found = _split(view, venues, view.remaining)
    parameters = narrowed(view.parameters, SorParameters)
    if found.unfilled and not view.children and parameters.shortfall is InsufficientLiquidity.REFUSE:
        return _close(f"nothing was sent: {can_be_had(found)}", OrderStatus.CANCELLED)
    if not found.parts:
        return _beyond(view, work, found)
    found = _leaving_a_minimum(view, venues, found)
    return Decision(_within_maximums(view, _place_children(work, found)), work.part.ends_at, found.why)


def split_cross(view: OrderView, work: SliceTask, quantity: Decimal) -> tuple[PlaceChild, ...]:
    """Return children that take ``quantity`` at once over the order's accounts, at the least total cost after fees.

    Return none if no level is inside limit and collar. Each child is priced at the limit or the collar, and not at the
    level that it should take. Otherwise it would miss after a small move of the market, and a slice has no time to try
    again. If the known levels hold less than ``quantity``, the difference goes to the account with the largest part,
    because its book may be deeper than is known.
    """
    venues = _unrefused(view, view.crossable)
    found = _leaving_a_minimum(view, venues, _split(view, venues, quantity))
    largest = max(found.parts, key=lambda part: part.quantity, default=None)
    children = []
    for part, child in zip(found.parts, _place_children(work, found), strict=True):
        asked = child.quantity + (found.unfilled if part is largest else ZERO)
        venue = next(venue for venue in view.usable if venue.account == child.account)
        price = child_price(view, venue, CROSS)
        pays = floor_to(affordable(view, venue, CROSS, asked), venue.market.lot)
        if pays >= least_quantity(view, venue, CROSS):
            why = f"slice {work.part.number}: crosses {grouped(pays)}, up to {grouped(price)}; {found.why}"
            children.append(replace(child, price=price, quantity=pays, why=why))
    return _within_maximums(view, children) or _by_touch(view, work, quantity)


def _within_maximums(view: OrderView, children: Sequence[PlaceChild]) -> tuple[PlaceChild, ...]:
    """Return the children, cut into pieces where one exceeds its exchange's maximum.

    At most ``MAX_PIECES`` pieces of a child are returned. The next decision sends its remaining quantity.
    """
    venues = {venue.account: venue for venue in view.accounts}
    placed: list[PlaceChild] = []
    for child in children:
        venue = venues[child.account]
        most, least = most_at_once(view, venue, child.price), least_quantity(view, venue, CROSS)
        pieces = in_pieces(child.quantity, venue.market.lot, most, least)[:MAX_PIECES]
        of_all = "" if len(pieces) == 1 else f" (in {len(pieces)} orders, the exchange takes no larger one)"
        placed += [replace(child, quantity=piece, why=child.why + of_all) for piece in pieces]
    return tuple(placed)


def _by_touch(view: OrderView, work: SliceTask, quantity: Decimal) -> tuple[PlaceChild, ...]:
    choice = cheapest(view, quantity, CROSS)
    if choice.venue is None or choice.quantity < least_quantity(view, choice.venue, CROSS):
        return ()
    price = child_price(view, choice.venue, CROSS)
    if (known_quote(choice.venue).aggressive(view.side) - price) * view.side.sign > 0:
        return ()
    why = (
        f"slice {work.part.number}: crosses {grouped(choice.quantity)}, up to {grouped(price)}; {choice.why}"
    )
    return (_place_child(work, choice.venue.account, choice.quantity, price, why.removesuffix("; ")),)


def _split(view: OrderView, venues: Iterable[AccountView], quantity: Decimal) -> Split:
    within = [
        _within(_unbounded(venue), view.side, child_price(view, venue, CROSS), view.now) for venue in venues
    ]
    is_single = getattr(view.parameters, "mode", RouteMode.SPLIT) is RouteMode.SINGLE
    return split(view.side, quantity, within, None, is_single, now=view.now)


def _leaving_a_minimum(view: OrderView, venues: Iterable[AccountView], found: Split) -> Split:
    quantity = crossing_quantity(view, found.quantity, found.filled)
    return found if quantity == found.quantity else _split(view, venues, quantity)


def _place_children(work: SliceTask, allocation: Split) -> tuple[PlaceChild, ...]:
    total = plain(allocation.quantity)
    return tuple(
        _place_child(
            work,
            part.venue.account,
            part.quantity,
            part.price,
            f"takes {grouped(part.quantity)} of {total} up to {grouped(part.price)}; {allocation.why}",
        )
        for part in allocation.parts
    )


def _place_child(work: SliceTask, account: str, quantity: Decimal, price: Decimal, why: str) -> PlaceChild:
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
    data = venue.book if _has_book(venue, now) else venue.quote
    if data is None or worst is None:
        return venue
    levels = levels_within(levels_to_take(side, data), worst, side)
    other = levels_to_take(side.opposite, data)
    return replace(venue, book=Book(*((other, levels) if side is Side.BUY else (levels, other)), data.at))


def _unbounded(venue: AccountView) -> AccountView:
    """Return the venue without its maximum quantity, because a larger quantity is cut into several orders."""
    return replace(venue, market=replace(venue.market, max_quantity=None))


def _has_book(venue: AccountView, now: datetime) -> bool:
    return venue.book is not None and is_fresh(venue.book.at, now, MAX_BOOK_AGE)


def _fresh(view: OrderView) -> tuple[AccountView, ...]:
    """Return the venues to route to: usable, and with a book from after the order's last child there.

    Once ``BOOKS_WITHIN`` has passed since the order's start, the quote of a venue replaces a missing book. Venues
    that refused a child are left out, unless all venues refused one.
    """
    return _unrefused(view, tuple(venue for venue in view.crossable if _is_fresh(view, venue)))


def _books_due(view: OrderView) -> datetime:
    """Return the time until which the router waits for the books of all accounts.

    Without this wait, a split could leave out the best account because its book is still missing.
    """
    ended = max((child.ended_at for child in view.children if child.ended_at), default=view.start_at)
    return ended + BOOKS_WITHIN


def _is_fresh(view: OrderView, venue: AccountView) -> bool:
    ends = [child.ended_at for child in view.children if child.account == venue.account and child.ended_at]
    data = venue.book or known_quote(venue)
    if ends and data.at <= max(ends):
        return False
    return _has_book(venue, view.now) or view.now >= view.start_at + BOOKS_WITHIN


def _unrefused(view: OrderView, venues: tuple[AccountView, ...]) -> tuple[AccountView, ...]:
    return tuple(venue for venue in venues if not was_refused(view, venue)) or venues


def _beyond(view: OrderView, work: SliceTask, allocation: Split) -> Decision:
    worst = [child_price(view, venue, CROSS) for venue in view.usable]
    buying, opposed = view.side is Side.BUY, opposed_cross(view)
    return Decision(
        (),
        min(view.now + (OPPOSED_RECHECK if opposed else IDLE_RECHECK), work.part.ends_at),
        f"waits: {opposed or allocation.why}",
        wake_below=max(worst, default=None) if buying else None,
        wake_above=None if buying else min(worst, default=None),
    )


def _close(reason: str, outcome: OrderStatus) -> Decision:
    return Decision((ChangeStatus(OrderEvent.CLOSE, reason, outcome=outcome),), None, reason)
