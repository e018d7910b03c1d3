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
    crossing_price,
    floor_to,
    minimum_quantity,
    round_price,
    worse_of_allowed,
)
from execution.core.types import BASIS_POINT, ZERO, Book, Level, MarketStatus, Quote, Side

#: A book older than this says less than the newer touch.
MAX_BOOK_AGE = timedelta(seconds=3)


def reference_quote(quotes: Iterable[Quote], now: datetime) -> Quote | None:
    """Return one bid and ask for several venues: the best of either side among the fresh and sane quotes.

    Best bids and asks of different venues may cross, which is normal. Then they are no quote, and the means of the
    bids and of the asks stand for them: never crossed, and their mid is the mean of the venues' mids.
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
    """Return the levels of a book's other side, or a quote's touch where its size is known."""
    if isinstance(data, Book):
        return data.to_take(side)
    size = data.ask_size if side is Side.BUY else data.bid_size
    return () if size is None else ((data.aggressive(side), size),)


def average_price(quantity: Decimal, levels: Iterable[Level]) -> Decimal | None:
    """Return the average price of taking ``quantity`` from the best levels; None when they hold too little."""
    left, notional = quantity, ZERO
    for price, size in levels:
        taken = min(left, size)
        notional += taken * price
        left -= taken
        if left <= ZERO:
            return notional / quantity
    return None


def after_fee(side: Side, price: Decimal, fee: Decimal) -> Decimal:
    """Return the price of a unit after a fee, which is a fraction of the notional: a buy pays more, a sell gets
    less.
    """
    return price * (1 + side.sign * fee)


def effective_price(
    side: Side, quantity: Decimal, data: Book | Quote, taker_fee: Decimal | None
) -> Decimal | None:
    """Return the average price of taking ``quantity``, after fees; None when the book holds too little or the fee is
    unknown.
    """
    average = average_price(quantity, levels_to_take(side, data))
    return None if average is None or taker_fee is None else after_fee(side, average, taker_fee)


# --- what a child would be at a venue --------------------------------------------------------------


def child_price(view: OrderView, venue: AccountView, purpose: str) -> Decimal:
    """Return a new child's price on its own tick: its own side of the book, or just inside the collar.

    It is within the limit, and at least a tick behind another order of the desk on the other side.
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
    """Say which orders of the desk keep this one from the other side of the book; empty where something can be taken.

    An account counts only if its touch is inside limit and collar, and not a tick behind the opposing order.
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
    """Return the least quantity of a child on the account.

    A buy limit far below the market makes a quantity worth less than the mid says.
    """
    mid = known_quote(venue).mid
    price = min(child_price(view, venue, purpose), mid) if purpose == REST else mid
    return minimum_quantity(venue.market, price)


def known_quote(venue: AccountView) -> Quote:
    """Return the quote of a venue that is usable."""
    if venue.quote is None:
        raise ValueError(f"there is no quote of {venue.label}")
    return venue.quote


# --- the choice ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """The account for a quantity, the part that it takes at once, and the reason; or the reason why there is no
    account.
    """

    venue: AccountView | None
    quantity: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A venue that takes at least its minimum of the quantity.

    ``takes`` fits its lot, its maximum and its known balance. ``carried`` is the part of it that its market offers
    within the collar and the limit. ``price`` is that of ``carried`` (of the touch when that is zero), after the fee
    where it is known. ``unknown`` names the figures that are not known.
    """

    venue: AccountView
    takes: Decimal
    carried: Decimal
    price: Decimal
    unknown: tuple[str, ...]
    was_refused: bool
    has_book: bool

    def rank(self, side: Side, quantity: Decimal) -> tuple[object, ...]:
        """Return the sort key, smaller is better: known figures before unknown ones, the full quantity before a
        part.
        """
        short = max(quantity - self.carried, ZERO)
        return (self.carried <= ZERO, self.was_refused, bool(self.unknown), short, side.sign * self.price)


def cheapest(view: OrderView, quantity: Decimal, purpose: str = CROSS) -> Choice:
    """Return the account at which ``quantity`` costs least (a sell: brings most) after fees.

    1. Leave out venues that are blocked, or whose quote is missing, stale or crossed. Leave out those that take less
       than their minimum, by their lot, their maximum or their known balance.
    2. Of those whose market carries all of it inside the collar and the limit, take the cheapest. If none does, take
       the one that carries most. Ties go by the order of the accounts.
    3. Where fee, depth or balance are unknown, or a child of this slice was refused, the others go first.

    An order of one account is not compared: everything that its account takes at once goes there.
    """
    if len(view.accounts) == 1:
        return Choice(view.accounts[0], at_once(view, view.accounts[0], quantity), "")
    ranked, left_out = ranking(view, quantity, purpose)
    if not ranked:
        return Choice(None, ZERO, "; ".join(left_out))
    why = "; ".join([_compared(ranked, quantity, view.side), *left_out])
    return Choice(ranked[0].venue, ranked[0].takes, why)


def ranking(view: OrderView, quantity: Decimal, purpose: str) -> tuple[list[Candidate], list[str]]:
    """Return the venues that take some of ``quantity``, best first, and the reason why each other one is left out."""
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
    has_book = _is_fresh(venue.book, view.now)
    levels = levels_to_take(view.side, venue.book if venue.book is not None and has_book else quote)
    worst, sign = child_price(view, venue, CROSS), view.side.sign
    within = [(price, size) for price, size in levels if (price - worst) * sign <= 0]
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
        has_book=has_book,
    )


def at_once(view: OrderView, venue: AccountView, quantity: Decimal) -> Decimal:
    """Return the quantity that one child may have on the account: on the lot, at most the exchange's maximums."""
    most = most_at_once(view, venue)
    return floor_to(quantity if most is None else min(quantity, most), venue.market.lot)


def most_at_once(view: OrderView, venue: AccountView) -> Decimal | None:
    """Return the largest quantity of one child on the account, at its highest possible price; None: not limited."""
    if venue.market.max_quantity is None and venue.market.max_notional is None:
        return None
    prices = [child_price(view, venue, purpose) for purpose in (REST, CROSS)]
    return largest_quantity(venue.market, max(known_quote(venue).mid, *prices))


def affordable(view: OrderView, venue: AccountView, purpose: str, quantity: Decimal) -> Decimal:
    """Return the quantity that the known balance pays for at the child's own price, which exchanges lock."""
    if venue.free is None:
        return quantity
    if view.side is Side.SELL:
        return min(quantity, venue.free)
    price = after_fee(view.side, child_price(view, venue, purpose), venue.market.taker_fee or ZERO)
    return min(quantity, venue.free / price)


def _is_fresh(book: Book | None, now: datetime) -> bool:
    return book is not None and book.is_sane and is_fresh(book.at, now, MAX_BOOK_AGE)


def was_refused(view: OrderView, venue: AccountView) -> bool:
    """Return True if the account refused a child of this slice, as far as the view shows."""
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
