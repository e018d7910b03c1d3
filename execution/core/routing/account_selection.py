"""The choice of the account at which a slice's quantity costs least after fees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.market_data.freshness import is_fresh
from execution.core.market_rules import band_edge, largest_quantity, status_words
from execution.core.numbers import plain
from execution.core.orders.view import CROSS, HARMLESS_REJECTIONS, REST, AccountView, OrderView, is_refused
from execution.core.quantities import (
    common_step,
    crossing_price,
    floor_to,
    minimum_quantity,
    round_price,
    worse_of_allowed,
)
from execution.core.types import BASIS_POINT, ZERO, Book, Level, MarketStatus, Quote, Side

#: An older book is not used. The best bid and ask of the newer quote then say more.
MAX_BOOK_AGE = timedelta(seconds=3)
#: A quantity that is held back must still be worth the minimum notional after the price has fallen by this share.
FALL_ALLOWED = Decimal("0.1")


def reference_quote(quotes: Iterable[Quote], now: datetime) -> Quote | None:
    """Return one quote for several venues: the best bid and the best ask among their fresh quotes that are not
    crossed.

    The best bid of one venue may be above the best ask of another, which is normal. In that case return the mean of
    the bids and the mean of the asks. These never cross.
    """
    usable = [quote for quote in quotes if quote.is_sane and is_fresh(quote.at, now)]
    if not usable:
        return None
    bid, ask = max(usable, key=lambda quote: quote.bid), min(usable, key=lambda quote: quote.ask)
    at = min(quote.at for quote in usable)
    if len(usable) == 1 or bid.bid < ask.ask:
        return Quote(bid.bid, ask.ask, bid.bid_size, ask.ask_size, at)
    count = len(usable)
    mean_bid = sum((quote.bid for quote in usable), ZERO) / count
    mean_ask = sum((quote.ask for quote in usable), ZERO) / count
    return Quote(mean_bid, mean_ask, None, None, at)


# --- prices of a quantity --------------------------------------------------------------------------


def levels_to_take(side: Side, data: Book | Quote) -> tuple[Level, ...]:
    """Return the levels that an order of ``side`` can take. A quote has one level, or none if its size is unknown."""
    if isinstance(data, Book):
        return data.to_take(side)
    size = data.ask_size if side is Side.BUY else data.bid_size
    return () if size is None else ((data.aggressive(side), size),)


def levels_within(levels: Iterable[Level], worst: Decimal, side: Side) -> tuple[Level, ...]:
    """Return the levels whose price is a number and, for an order of ``side``, no worse than ``worst``."""
    return tuple(
        (price, size) for price, size in levels if price.is_finite() and (price - worst) * side.sign <= 0
    )


def average_price(quantity: Decimal, levels: Iterable[Level]) -> Decimal | None:
    """Return the average price of taking ``quantity`` from ``levels``, best first; None when they hold too little."""
    left, notional = quantity, ZERO
    for price, size in levels:
        taken = min(left, size)
        notional += taken * price
        left -= taken
        if left <= ZERO:
            return notional / quantity
    return None


def after_fee(side: Side, price: Decimal, fee: Decimal) -> Decimal:
    """Return the price of a unit after ``fee``, a fraction of the notional.

    A buy pays more than ``price``, a sell gets less.
    """
    return price * (1 + side.sign * fee)


def effective_price(
    side: Side, quantity: Decimal, data: Book | Quote, taker_fee: Decimal | None
) -> Decimal | None:
    """Return the average price of taking ``quantity``, after fees.

    None when the book holds too little or the fee is unknown.
    """
    average = average_price(quantity, levels_to_take(side, data))
    return None if average is None or taker_fee is None else after_fee(side, average, taker_fee)


# --- what a child would be at a venue --------------------------------------------------------------


def child_price(view: OrderView, venue: AccountView, purpose: str) -> Decimal:
    """Return a new child's price: the best price of its side if it rests, or the edge of the collar if it crosses.

    The price is on the venue's tick and within the limit. If another order of the desk is on the opposite side, the
    price stays at least a tick away from it.
    """
    quote, tick = known_quote(venue), venue.market.tick
    limit = view.limit_price
    if venue.opposing is not None and not view.is_opposed_at(venue):
        limit = worse_of_allowed(venue.opposing.worst_allowed(tick), limit, view.side)
    if purpose == REST:
        return round_price(worse_of_allowed(quote.passive(view.side), limit, view.side), tick, view.side)
    collar = crossing_price(quote, view.parameters.collar_bp, tick, view.side)
    if (edge := band_edge(venue.market, view.side, quote.mid)) is not None:
        collar = worse_of_allowed(collar, edge, view.side)
    # A limit need not be on this venue's tick: an I-would price is of no venue, and a tick may change.
    return round_price(worse_of_allowed(collar, limit, view.side), tick, view.side)


def opposed_cross(view: OrderView) -> str:
    """Return words for the desk's opposite orders that keep this order from crossing.

    If the order can cross on at least one account, the text is empty. Otherwise it names each account where only the
    desk's opposite order prevents a cross within limit and collar.
    """
    words = []
    for venue in view.crossable:
        touch, sign = known_quote(venue).aggressive(view.side), view.side.sign
        if (touch - child_price(view, venue, CROSS)) * sign <= ZERO:
            return ""
        alone = child_price(view, replace(venue, opposing=None), CROSS)
        if venue.opposing is not None and (touch - alone) * sign <= ZERO:
            words.append(venue.opposing_words)
    return "; ".join(words)


def least_quantity(view: OrderView, venue: AccountView, purpose: str) -> Decimal:
    """Return the smallest quantity that the exchange accepts for a child on the account.

    A minimum notional is judged at the mid, or at a resting child's price if that is lower.
    """
    mid = known_quote(venue).mid
    price = min(child_price(view, venue, purpose), mid) if purpose == REST else mid
    return minimum_quantity(venue.market, price)


def held_back(view: OrderView) -> Decimal:
    """Return the base quantity that an order keeps off the book for its cross at the end.

    It is the largest minimum of the usable accounts. Without it, a part fill of the order's last resting child could
    leave less than a minimum, which no exchange accepts. A minimum notional is judged at a price that is lower by
    ``FALL_ALLOWED``, because the price may fall before the cross.
    """
    return max(
        minimum_quantity(venue.market, known_quote(venue).mid * (1 - FALL_ALLOWED)) for venue in view.usable
    )


def leaving_held_back(view: OrderView) -> Decimal:
    """Return the quantity that leaves the order at least ``held_back``, on a lot that every usable account takes.

    It is negative if less remains.
    """
    return floor_to(view.remaining - held_back(view), common_step(venue.market.lot for venue in view.usable))


def crossing_quantity(view: OrderView, quantity: Decimal, offered: Decimal) -> Decimal:
    """Return how much of ``quantity`` an order takes from books that offer ``offered`` within limit and collar.

    Normally it is all of ``quantity``, because a book may be deeper than is known. It is less if a fill of only
    ``offered`` would leave the order with less than ``held_back``. The quantity that this leaves can still cross.
    """
    if offered >= quantity or view.remaining - offered >= held_back(view):
        return quantity
    less = leaving_held_back(view)
    return less if less >= max(least_quantity(view, venue, CROSS) for venue in view.usable) else quantity


def known_quote(venue: AccountView) -> Quote:
    """Return the quote of a usable venue. Raise ``ValueError`` if it has none."""
    if venue.quote is None:
        raise ValueError(f"there is no quote of {venue.label}")
    return venue.quote


# --- the choice ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """The account chosen for a quantity, the part that one child may have on it, and the reason.

    If ``venue`` is None, ``why`` says why no account can be used.
    """

    venue: AccountView | None
    quantity: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A venue that can take at least its minimum of the quantity.

    ``takes`` is the largest quantity that one child may have at the venue, by lot, maximum and known balance.
    ``carried`` is the part of ``takes`` that the book offers within the collar and the limit. ``price`` is the average
    price of ``carried``, or the best price if ``carried`` is zero, with the fee if that is known. ``unknown`` names
    the unknown figures.
    """

    venue: AccountView
    takes: Decimal
    carried: Decimal
    price: Decimal
    unknown: tuple[str, ...]
    was_refused: bool
    has_book: bool

    def rank(self, side: Side, quantity: Decimal) -> tuple[object, ...]:
        """Return the sort key; a smaller key means a better venue.

        Venues whose book offers something come first. Among them, those that refused no child come first. Known
        figures come before unknown ones, the full quantity before a part, and then the price decides.
        """
        short = max(quantity - self.carried, ZERO)
        return (self.carried <= ZERO, self.was_refused, bool(self.unknown), short, side.sign * self.price)


def cheapest(view: OrderView, quantity: Decimal, purpose: str = CROSS) -> Choice:
    """Return the account at which ``quantity`` costs least (a sell: brings most) after fees.

    1. Leave out venues that are blocked, or whose quote is missing, stale or crossed. Leave out those that take less
       than their minimum, by their lot, their maximum or their known balance.
    2. If books offer the full quantity inside the collar and the limit, take the cheapest of these venues. Otherwise
       take the venue that offers most. Among equally good venues the first account is taken.
    3. A venue comes last if its fee, depth or balance is unknown, or if it refused a child of this slice.

    For an order with one account nothing is compared. The account gets as much of the quantity as one child may have.
    """
    if len(view.accounts) == 1:
        return Choice(view.accounts[0], at_once(view, view.accounts[0], quantity), "")
    ranked, left_out = ranking(view, quantity, purpose)
    if not ranked:
        return Choice(None, ZERO, "; ".join(left_out))
    why = "; ".join([_compared(ranked, quantity, view.side), *left_out])
    return Choice(ranked[0].venue, ranked[0].takes, why)


def ranking(view: OrderView, quantity: Decimal, purpose: str) -> tuple[list[Candidate], list[str]]:
    """Return the venues that can take some of ``quantity``, best first, and why each remaining venue cannot."""
    candidates, left_out = [], []
    for venue in view.accounts:
        found = _candidate(view, venue, quantity, purpose)
        if isinstance(found, Candidate):
            candidates.append(found)
        else:
            left_out.append(f"{venue.label}: {found}")
    return sorted(candidates, key=lambda candidate: candidate.rank(view.side, quantity)), left_out


def _candidate(view: OrderView, venue: AccountView, quantity: Decimal, purpose: str) -> Candidate | str:
    if trouble := view.trouble_at(venue):
        return trouble
    if purpose == CROSS and venue.market.status is MarketStatus.POST_ONLY:
        return status_words(venue.market)
    least, fee = least_quantity(view, venue, purpose), venue.market.taker_fee
    fits = at_once(view, venue, quantity)
    if fits < least:
        return f"{plain(fits)} is under its minimum of {plain(least)}"
    takes = floor_to(min(fits, affordable(view, venue, purpose, fits)), venue.market.lot)
    if takes < least:
        return f"its balance is too small ({plain(venue.free or ZERO)} free)"
    quote = known_quote(venue)
    levels, worst, sign = _known_levels(view, venue), child_price(view, venue, CROSS), view.side.sign
    within = levels_within(levels, worst, view.side)
    carried = min(takes, sum((size for _, size in within), ZERO))
    touch = levels[0][0] if levels else quote.aggressive(view.side)
    if not levels and (touch - worst) * sign <= 0:
        carried = takes  # how much it carries is unknown, and said to be
    gross = (average_price(carried, within) if carried > ZERO else None) or touch
    unknowns = {"fee": fee is None, "depth": not levels, "balance": venue.free is None}
    return Candidate(
        venue=venue,
        takes=takes,
        carried=carried,
        price=gross if fee is None else after_fee(view.side, gross, fee),
        unknown=tuple(name for name, is_unknown in unknowns.items() if is_unknown),
        was_refused=was_refused(view, venue),
        has_book=_is_fresh(venue.book, view.now),
    )


def _known_levels(view: OrderView, venue: AccountView) -> tuple[Level, ...]:
    book = venue.book if _is_fresh(venue.book, view.now) else None
    return levels_to_take(view.side, book or known_quote(venue))


def offered(view: OrderView, venue: AccountView) -> Decimal:
    """Return the base quantity that the venue's known levels offer within limit and collar; zero if none is known."""
    within = levels_within(_known_levels(view, venue), child_price(view, venue, CROSS), view.side)
    return sum((size for _, size in within), ZERO)


def at_once(view: OrderView, venue: AccountView, quantity: Decimal) -> Decimal:
    """Return how much of ``quantity`` one child may have on the account, by the lot and the exchange's maximums."""
    most = most_at_once(view, venue)
    return floor_to(quantity if most is None else min(quantity, most), venue.market.lot)


def most_at_once(view: OrderView, venue: AccountView, price: Decimal | None = None) -> Decimal | None:
    """Return the largest quantity of one child on the account; None without a maximum.

    A maximum notional is judged at the mid or at the highest price that the child may have, whichever is higher.
    ``price`` is the child's price if it is known already. A book's bid may be above the mid of an older quote.
    """
    if venue.market.max_quantity is None and venue.market.max_notional is None:
        return None
    prices = [child_price(view, venue, purpose) for purpose in (REST, CROSS)]
    return largest_quantity(venue.market, max(known_quote(venue).mid, price or ZERO, *prices))


def affordable(view: OrderView, venue: AccountView, purpose: str, quantity: Decimal) -> Decimal:
    """Return how much of ``quantity`` the account's balance can pay for; all of it if the balance is unknown.

    For a buy, the price is the child's limit price plus the fee, because exchanges lock this amount.
    """
    if venue.free is None:
        return quantity
    if view.side is Side.SELL:
        return min(quantity, venue.free)
    price = after_fee(view.side, child_price(view, venue, purpose), venue.market.taker_fee or ZERO)
    return min(quantity, venue.free / price)


def _is_fresh(book: Book | None, now: datetime) -> bool:
    return book is not None and book.is_sane and is_fresh(book.at, now, MAX_BOOK_AGE)


def was_refused(view: OrderView, venue: AccountView) -> bool:
    """Return True if the account refused a child of this slice, except for ``HARMLESS_REJECTIONS``."""
    return any(
        child.account == venue.account
        and is_refused(child.status, child.reason)
        and child.reason.partition(":")[0] not in HARMLESS_REJECTIONS
        for child in view.children
    )


# --- in words --------------------------------------------------------------------------------------


def _compared(ranked: list[Candidate], quantity: Decimal, side: Side) -> str:
    best = ranked[0]
    words = f"{best.venue.label} {_price(best)} {'before' if 'fee' in best.unknown else 'after'} fees"
    if best.carried < quantity:
        words += f", can fill {plain(best.carried)} of {plain(quantity)}"
    if len(ranked) > 1:
        words += _against(best, ranked[1], side)
    if best.unknown:
        words += f" ({' and '.join(best.unknown)} unknown)"
    elif not best.has_book:
        words += " (no order book, only its best price is known)"
    return words


def _against(best: Candidate, following: Candidate, side: Side) -> str:
    label = following.venue.label
    if following.was_refused and not best.was_refused:
        return f", {label} refused a child"
    if following.unknown and not best.unknown:
        return f", {label}'s {' and '.join(following.unknown)} unknown"
    if following.carried < best.carried:
        return f", {label} can fill {plain(following.carried)}"
    better = (following.price / best.price - 1) * side.sign / BASIS_POINT
    return f", {better:.1f} bp better than {label}" if round(better, 1) else f", same as {label}"


def _price(candidate: Candidate) -> str:
    text = f"{candidate.price.quantize(candidate.venue.market.tick):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
