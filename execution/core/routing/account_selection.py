"""Where a slice goes: to the account at which its quantity costs least after fees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.numbers import plain
from execution.core.orders.view import CROSS, HARMLESS_REJECTIONS, MAX_QUOTE_AGE, REST, AccountView, OrderView
from execution.core.quantities import collar_price, floor_to, minimum_quantity, round_price, worse_of_allowed
from execution.core.states import ChildStatus
from execution.core.types import BASIS_POINT, ZERO, Book, Level, Quote, Side

#: A book older than this says less than the newer touch.
MAX_BOOK_AGE = timedelta(seconds=3)


def reference_quote(quotes: Iterable[Quote], now: datetime) -> Quote | None:
    """One bid and ask for several venues: the best of either side among the fresh and sane quotes.

    Best bids and asks of different venues may cross, which is normal. Then they are no quote, and the means
    of the bids and of the asks stand for them: never crossed, and their mid is the mean of the venues' mids.
    """
    usable = [quote for quote in quotes if quote.is_sane and now - quote.at <= MAX_QUOTE_AGE]
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
    """What an order of ``side`` takes from: a book's other side, or a quote's touch where its size is known."""
    if isinstance(data, Book):
        return data.to_take(side)
    size = data.ask_size if side is Side.BUY else data.bid_size
    return () if size is None else ((data.aggressive(side), size),)


def average_price(quantity: Decimal, levels: Iterable[Level]) -> Decimal | None:
    """What taking ``quantity`` from the best levels costs on average; None when they do not carry it."""
    left, notional = quantity, ZERO
    for price, size in levels:
        taken = min(left, size)
        notional += taken * price
        left -= taken
        if left <= ZERO:
            return notional / quantity
    return None


def after_fee(side: Side, price: Decimal, fee: Decimal) -> Decimal:
    """What a buy pays and a sell gets for a unit, with a fee that is a fraction of the notional."""
    return price * (1 + side.sign * fee)


def effective_price(
    side: Side, quantity: Decimal, data: Book | Quote, taker_fee: Decimal | None
) -> Decimal | None:
    """The average price net of fee of taking ``quantity``; None when it is not carried or the fee unknown."""
    average = average_price(quantity, levels_to_take(side, data))
    return None if average is None or taker_fee is None else after_fee(side, average, taker_fee)


# --- what a child would be at a venue --------------------------------------------------------------


def child_price(view: OrderView, venue: AccountView, purpose: str) -> Decimal:
    """The price of a new child there, on its own tick: own side of its book, or the collar; within the limit."""
    quote, tick = known_quote(venue), venue.market.tick
    if purpose == REST:
        return round_price(
            worse_of_allowed(quote.passive(view.side), view.limit_price, view.side), tick, view.side
        )
    collar = collar_price(quote.mid, view.parameters.collar_bp, tick, view.side)
    # A limit need not be on this venue's tick: an I-would price is of no venue, and a tick may change.
    return round_price(worse_of_allowed(collar, view.limit_price, view.side), tick, view.side)


def least_quantity(view: OrderView, venue: AccountView, purpose: str) -> Decimal:
    """The least quantity of a child there. A buy limit far below the market is worth less than the mid says."""
    mid = known_quote(venue).mid
    price = min(child_price(view, venue, purpose), mid) if purpose == REST else mid
    return minimum_quantity(venue.market, price)


def known_quote(venue: AccountView) -> Quote:
    """The quote of a venue that is usable."""
    if venue.quote is None:
        raise ValueError(f"there is no quote of {venue.label}")
    return venue.quote


# --- the choice ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a quantity goes, how much of it that account takes at once, and why; or why nowhere."""

    venue: AccountView | None
    quantity: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A venue that takes at least its minimum of the quantity.

    ``takes`` fits its lot, its maximum and its known balance; ``carried`` is how much of that its market
    offers within the collar and the limit. ``price`` is for what is carried (the touch when nothing is),
    net of the fee where it is known. ``unknown`` names what is not known of it.
    """

    venue: AccountView
    takes: Decimal
    carried: Decimal
    price: Decimal
    unknown: tuple[str, ...]
    was_refused: bool
    has_book: bool

    def rank(self, side: Side, quantity: Decimal) -> tuple[object, ...]:
        """Smaller is better. What is known goes before what is not, the full quantity before a part."""
        short = max(quantity - self.carried, ZERO)
        return (self.carried <= ZERO, self.was_refused, bool(self.unknown), short, side.sign * self.price)


def cheapest(view: OrderView, quantity: Decimal, purpose: str = CROSS) -> Choice:
    """The account at which ``quantity`` costs least (a sell: brings most) after fees.

    1. Out are venues that are blocked, or whose quote is missing, stale or crossed, and those that take less
       than their minimum: by their lot, their maximum or what they are known to hold.
    2. Of those whose market carries all of it inside the collar and the limit, the cheapest; if none does,
       the one that carries most. Ties go by the order of the accounts.
    3. Where fee, depth or balance are unknown, or a child of this slice was refused, the others go first.

    An order of one account is not weighed: all that its account takes at once goes there.
    """
    if len(view.accounts) == 1:
        return Choice(view.accounts[0], at_once(view.accounts[0], quantity), "")
    ranked, left_out = ranking(view, quantity, purpose)
    if not ranked:
        return Choice(None, ZERO, "; ".join(left_out))
    why = "; ".join([_compared(ranked, quantity, view.side), *left_out])
    return Choice(ranked[0].venue, ranked[0].takes, why)


def ranking(view: OrderView, quantity: Decimal, purpose: str) -> tuple[list[Candidate], list[str]]:
    """The venues that take something of ``quantity``, best first, and why each other one is out."""
    candidates, left_out = [], []
    for venue in view.accounts:
        found = _candidate(view, venue, quantity, purpose)
        if isinstance(found, Candidate):
            candidates.append(found)
        else:
            left_out.append(f"{venue.label}: {found}")
    return sorted(candidates, key=lambda candidate: candidate.rank(view.side, quantity)), left_out


def _candidate(view: OrderView, venue: AccountView, quantity: Decimal, purpose: str) -> Candidate | str:
    """The venue as a candidate, or why it is none."""
    if trouble := venue.trouble(view.now):
        return trouble
    least, fee = least_quantity(view, venue, purpose), venue.market.taker_fee
    fits = at_once(venue, quantity)
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


def at_once(venue: AccountView, quantity: Decimal) -> Decimal:
    """What of ``quantity`` one child may have there: on the lot, at most the exchange's maximum."""
    most = venue.market.max_quantity
    return floor_to(quantity if most is None else min(quantity, most), venue.market.lot)


def affordable(view: OrderView, venue: AccountView, purpose: str, quantity: Decimal) -> Decimal:
    """What of ``quantity`` the known balance pays at the child's own price, which is what exchanges lock."""
    if venue.free is None:
        return quantity
    if view.side is Side.SELL:
        return min(quantity, venue.free)
    price = after_fee(view.side, child_price(view, venue, purpose), venue.market.taker_fee or ZERO)
    return min(quantity, venue.free / price)


def _is_fresh(book: Book | None, now: datetime) -> bool:
    return book is not None and book.is_sane and now - book.at <= MAX_BOOK_AGE


def was_refused(view: OrderView, venue: AccountView) -> bool:
    """The account has refused a child among those that the view shows: the ones of this slice."""
    return any(
        child.account == venue.account
        and child.status is ChildStatus.REJECTED
        and child.reason.partition(":")[0] not in HARMLESS_REJECTIONS
        for child in view.children
    )


# --- in words --------------------------------------------------------------------------------------


def _compared(ranked: list[Candidate], quantity: Decimal, side: Side) -> str:
    """The choice against the next best: ``alpha 64,510.2 after fees, 0.8 bp better than beta``."""
    best = ranked[0]
    words = f"{best.venue.label} {_price(best)} {'before' if 'fee' in best.unknown else 'after'} fees"
    if best.carried < quantity:
        words += f", carries {plain(best.carried)} of {plain(quantity)}"
    if len(ranked) > 1:
        words += _against(best, ranked[1], side)
    if best.unknown:
        words += f" ({' and '.join(best.unknown)} unknown)"
    elif not best.has_book:
        words += " (by its touch, no book)"
    return words


def _against(best: Candidate, following: Candidate, side: Side) -> str:
    label = following.venue.label
    if following.was_refused and not best.was_refused:
        return f", {label} has refused"
    if following.unknown and not best.unknown:
        return f", {label}'s {' and '.join(following.unknown)} unknown"
    if following.carried < best.carried:
        return f", {label} carries {plain(following.carried)}"
    better = (following.price / best.price - 1) * side.sign / BASIS_POINT
    return f", {better:.1f} bp better than {label}" if round(better, 1) else f", as {label}"


def _price(candidate: Candidate) -> str:
    """On the venue's tick: an average has more digits than anybody reads."""
    text = f"{candidate.price.quantize(candidate.venue.market.tick):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
