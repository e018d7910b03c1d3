"""The smart order router's split: one quantity over the books of several venues, at the best total after fees.

Quantities are in the base currency, prices and cash in the quote currency. Fees are fractions of the notional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from itertools import pairwise

from execution.core.market_data.freshness import is_fresh
from execution.core.numbers import plain
from execution.core.orders.view import AccountView
from execution.core.quantities import NOTIONAL_MARGIN, ceil_to, floor_to, round_price, side_cost_bp
from execution.core.routing.account_selection import MAX_BOOK_AGE, after_fee, levels_to_take
from execution.core.routing.split_search import EXACT, Curve, curve_of, least_cost, most_within
from execution.core.types import ZERO, Book, Level, Side


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a split for one venue: a child of ``quantity`` with the limit price ``price``.

    ``price`` is the order's limit price, or, if it has none, that of the worst level taken. It is on the venue's
    tick. ``cash`` is the exact amount that the levels cost a buy or bring a sell, after the taker fee; None when the
    fee is unknown.
    """

    venue: AccountView
    quantity: Decimal
    price: Decimal
    cash: Decimal | None

    @property
    def average_price(self) -> Decimal | None:
        """Return the average price of a unit after fees; None when the fee is unknown."""
        return None if self.cash is None else self.cash / self.quantity


@dataclass(frozen=True, slots=True)
class Alone:
    """The result if one venue had to take the full quantity.

    ``cash`` is the amount after the fee, and ``price`` the average price. Both are None when the venue cannot take the
    full quantity as one child, or when its fee is unknown. ``takes`` is the most that the venue can take. ``trouble``
    says why the venue is left out; empty when it is not.
    """

    venue: AccountView
    takes: Decimal
    cash: Decimal | None
    price: Decimal | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """A split of ``quantity`` over venues, and the reason ``why``. ``parts`` and ``alone`` keep the venues' order.

    ``cash`` and ``average_price`` are for the quantity that can be filled, after fees. Both are None when nothing can
    be filled, or when a part's fee is unknown. ``best_alone`` is the cheapest single venue with a known fee that can
    take as much as all parts together. ``saved_bp`` is the saving against that venue; + is a saving. ``best_alone``
    and ``saved_bp`` are None if there is no such venue.
    """

    side: Side
    quantity: Decimal
    parts: tuple[Part, ...]
    alone: tuple[Alone, ...]
    saved_bp: Decimal | None
    best_alone: AccountView | None
    why: str

    @property
    def filled(self) -> Decimal:
        """Return the quantity that can be traded now, in the base currency."""
        return sum((part.quantity for part in self.parts), ZERO)

    @property
    def unfilled(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def cash(self) -> Decimal | None:
        return _cash_of(self.parts)

    @property
    def average_price(self) -> Decimal | None:
        return None if self.cash is None else self.cash / self.filled

    def cost_bp(self, mid: Decimal) -> Decimal | None:
        """Return the cost against ``mid`` of the quantity that can be filled, in bp with fees; + is cost.

        Return None if the average price is unknown.
        """
        return None if self.average_price is None else side_cost_bp(self.side, self.average_price, mid)


@dataclass(frozen=True, slots=True)
class _Offer:
    venue: AccountView
    levels: tuple[Level, ...]
    curve: Curve

    def cash(self, quantity: Decimal) -> Decimal | None:
        """Return the cash that ``quantity`` costs or brings, after the fee; None when the fee is unknown."""
        return None if self.venue.market.taker_fee is None else abs(self.curve.cost(quantity))

    def unknown(self, *, is_only: bool) -> str:
        """Return which figures are unknown. The balance of an order's only account is not asked for."""
        unknowns = {
            "fee": self.venue.market.taker_fee is None,
            "balance": self.venue.free is None and not is_only,
        }
        return " and ".join(name for name, is_unknown in unknowns.items() if is_unknown)


def split(
    side: Side,
    quantity: Decimal,
    venues: Sequence[AccountView],
    limit_price: Decimal | None,
    single: bool = False,
    *,
    now: datetime,
    notional_margin: Decimal = NOTIONAL_MARGIN,
) -> Split:
    """Return the split of ``quantity`` that trades as much of it as possible, at the best cash after fees.

    1. Leave out venues that are blocked, whose book is missing, stale, crossed or out of order, or that can only take
       less than their minimum. A venue without a book takes part with its best price, if the size at that price is
       known.
    2. Each remaining venue may take nothing, or in lots from its minimum up to its depth within the limit, its maximum
       and its balance. A minimum notional, times ``notional_margin``, is judged by the prices of the levels taken. A
       buy's balance must cover the limit price and the fee, because exchanges lock both. Without a limit, it must
       cover the levels' prices and the fee.
    3. Find exactly the split with the largest total. Among equals, take the one with the least at venues whose fee or
       balance is unknown, then the best cash. An unknown fee counts as zero, an unknown balance as sufficient.
    4. With ``single``, only one venue may get a part: take the best split of that kind.

    Among equally good splits the order of the venues decides. The books of different venues may cross each other,
    which is normal.

    Raise ``ValueError`` when ``quantity`` or ``limit_price`` is not finite and above zero.
    """
    _check(quantity, limit_price)
    with localcontext(EXACT):
        found = [_offer(side, quantity, venue, limit_price, now, notional_margin) for venue in venues]
        offers = [offer for offer in found if isinstance(offer, _Offer)]
        shares = (_single if single else _shares)([offer.curve for offer in offers], quantity)
        parts = tuple(
            Part(offer.venue, share, _limit(side, offer, share, limit_price), offer.cash(share))
            for offer, share in zip(offers, shares, strict=True)
            if share
        )
    alone = tuple(_alone(venue, offer, quantity) for venue, offer in zip(venues, found, strict=True))
    saved, best = _saved(side, parts, offers)
    why = _in_words(quantity, parts, alone, offers, saved, best)
    return Split(side, quantity, parts, alone, saved, best, why)


def _check(quantity: Decimal, limit_price: Decimal | None) -> None:
    for name, number in (("quantity", quantity), ("limit price", limit_price)):
        if number is not None and not (number.is_finite() and number > ZERO):
            raise ValueError(f"the {name} is {number}; it must be above zero")


# --- how much goes where ---------------------------------------------------------------------------


def _shares(curves: Sequence[Curve], quantity: Decimal) -> tuple[Decimal, ...]:
    return least_cost(curves, most_within(curves, quantity))


def _single(curves: Sequence[Curve], quantity: Decimal) -> tuple[Decimal, ...]:
    takes = [most_within([curve], quantity) for curve in curves]
    ranks = [
        (-taken, curve.comes_last, curve.cost(taken), place)
        for place, (curve, taken) in enumerate(zip(curves, takes, strict=True))
    ]
    best = min(ranks)[-1] if ranks else None
    return tuple(taken if place == best else ZERO for place, taken in enumerate(takes))


# --- what a venue offers ---------------------------------------------------------------------------


def _offer(
    side: Side,
    quantity: Decimal,
    venue: AccountView,
    limit_price: Decimal | None,
    now: datetime,
    notional_margin: Decimal,
) -> _Offer | str:
    data = venue.book if venue.book is not None else venue.quote
    trouble = venue.blocked or (
        _book_problem(side, data, now) if isinstance(data, Book) else venue.trouble(now)
    )
    if trouble or data is None:
        return trouble
    market, sign = venue.market, side.sign
    levels = [(price, size) for price, size in levels_to_take(side, data) if size > ZERO]
    bound = None if limit_price is None else round_price(limit_price, market.tick, side)
    within = tuple(level for level in levels if bound is None or (level[0] - bound) * sign <= ZERO)
    if not within:
        return (
            f"nothing within the limit of {plain(bound)}" if levels and bound is not None else "depth unknown"
        )
    depth = sum((size for _, size in within), ZERO)
    least = _least(venue, within, notional_margin)
    fits = floor_to(min(quantity, depth, market.max_quantity or quantity), market.lot)
    if least is None or fits < least:
        needed = "its minimum notional" if least is None else f"its minimum of {plain(least)}"
        return f"{plain(fits)} is under {needed}"
    most = floor_to(min(fits, _affordable(side, venue, within, bound, fits)), market.lot)
    if most < least:
        return f"its balance is too small ({plain(venue.free or ZERO)} free)"
    factor = sign * after_fee(side, Decimal(1), market.taker_fee or ZERO)
    costs = ((factor * price, size) for price, size in within)
    comes_last = market.taker_fee is None or venue.free is None
    return _Offer(
        venue, within, curve_of(costs, lot=market.lot, least=least, most=most, comes_last=comes_last)
    )


def _book_problem(side: Side, book: Book, now: datetime) -> str:
    if not is_fresh(book.at, now, MAX_BOOK_AGE):
        return f"the book is stale since {book.at:%H:%M:%S} UTC (at most {MAX_BOOK_AGE.seconds} s old)"
    levels = book.to_take(side)
    if not levels:
        return f"nobody {'offers' if side is Side.BUY else 'bids'}"
    if not all(price.is_finite() and size.is_finite() and price > ZERO <= size for price, size in levels):
        return "the book has an invalid price or size"
    if book.bids and book.asks and not book.is_sane:
        return f"the book is crossed (bid {book.bids[0][0]}, ask {book.asks[0][0]})"
    if any((after[0] - before[0]) * side.sign < ZERO for before, after in pairwise(levels)):
        return "the book is out of order"
    return ""


def _least(venue: AccountView, levels: Sequence[Level], notional_margin: Decimal) -> Decimal | None:
    market, quantity = venue.market, ZERO
    missing = market.min_notional * notional_margin
    for price, size in levels:
        if missing <= size * price:
            quantity += max(missing, ZERO) / price
            return max(ceil_to(max(market.min_quantity, quantity), market.lot), market.lot)
        quantity, missing = quantity + size, missing - size * price
    return None


def _affordable(
    side: Side, venue: AccountView, levels: Sequence[Level], bound: Decimal | None, needed: Decimal
) -> Decimal:
    """Return the quantity that the balance pays for. A result above ``needed`` may be inexact.

    A buy pays the limit ``bound``, or without one the prices of ``levels``, plus the fee.
    """
    if venue.free is None:
        return needed
    if side is Side.SELL:
        return venue.free
    quantity, free = ZERO, venue.free
    factor = after_fee(side, Decimal(1), venue.market.taker_fee or ZERO)
    for price, size in ((bound, needed),) if bound is not None else levels:
        cost = factor * price * size
        if free < cost:
            return quantity + max(free, ZERO) / (factor * price)
        quantity, free = quantity + size, free - cost
        if quantity >= needed:
            break
    return quantity


def _limit(side: Side, offer: _Offer, quantity: Decimal, limit_price: Decimal | None) -> Decimal:
    tick = offer.venue.market.tick
    if limit_price is not None:
        return round_price(limit_price, tick, side)
    left, worst = quantity, offer.levels[0][0]
    for price, size in offer.levels:
        if left <= ZERO:
            break
        worst, left = price, left - size
    return round_price(worst, tick, side.opposite)


# --- against one venue -----------------------------------------------------------------------------


def _cash_of(parts: Sequence[Part]) -> Decimal | None:
    known = [part.cash for part in parts if part.cash is not None]
    with localcontext(EXACT):
        return sum(known, ZERO) if parts and len(known) == len(parts) else None


def _alone(venue: AccountView, offer: _Offer | str, quantity: Decimal) -> Alone:
    if isinstance(offer, str):
        return Alone(venue, ZERO, None, None, offer)
    with localcontext(EXACT):
        cash = offer.cash(quantity) if offer.curve.allows(quantity) else None
    return Alone(venue, offer.curve.most, cash, None if cash is None else cash / quantity)


def _saved(
    side: Side, parts: tuple[Part, ...], offers: Sequence[_Offer]
) -> tuple[Decimal | None, AccountView | None]:
    total, cash = sum((part.quantity for part in parts), ZERO), _cash_of(parts)
    with localcontext(EXACT):
        able = [offer for offer in offers if offer.curve.allows(total)]
        known = [(offer.cash(total), offer.venue) for offer in able]
    prices = [(side.sign * each, each, venue) for each, venue in known if each is not None]
    if cash is None or not prices:
        return None, None
    _, single, venue = min(prices, key=lambda found: found[0])
    return side_cost_bp(side, single, cash), venue


# --- in words --------------------------------------------------------------------------------------


def _in_words(
    quantity: Decimal,
    parts: Sequence[Part],
    alone: Sequence[Alone],
    offers: Sequence[_Offer],
    saved: Decimal | None,
    best: AccountView | None,
) -> str:
    left_out = [f"{each.venue.label}: {each.trouble}" for each in alone if each.trouble]
    if not parts:
        return "; ".join(left_out) or f"no account takes {plain(quantity)}"
    filled, cash = sum((part.quantity for part in parts), ZERO), _cash_of(parts)
    words = ", ".join(f"{part.venue.label} {plain(part.quantity)}" for part in parts)
    if cash is not None:
        tick = min(part.venue.market.tick for part in parts)
        words += f" at {(cash / filled).quantize(tick):,f} after fees"
    if filled < quantity:
        words = f"{plain(filled)} of {plain(quantity)} is available: {words}"
    if saved is not None and best is not None and len(parts) > 1:
        words += f", {saved:z.1f} bp better than {best.label} alone"
    used = [part.venue for part in parts]
    unknown = [
        f"{each.venue.label}'s {what} unknown"
        for each in offers
        if each.venue in used and (what := each.unknown(is_only=len(alone) == 1))
    ]
    return "; ".join([words, *unknown, *left_out])
