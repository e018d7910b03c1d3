"""The order books of the accounts of a ticket or an order, merged to one ladder, with the desk's resting children."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from execution.core import types
from execution.core.market_data.feeds import Feed, FeedStatus, feeds_words
from execution.core.market_data.freshness import is_fresh
from execution.core.market_data.merged_book import newest_quote, up_to_date
from execution.core.orders.terms import parse_parameters
from execution.core.quantities import collar_price, combined_market
from execution.core.routing.account_selection import MAX_BOOK_AGE, reference_quote
from execution.core.routing.ladder import LadderRow, OwnChild, Reach, ladder_side, reach
from execution.core.states import ORDER_FINAL
from execution.core.types import BASIS_POINT, ZERO, Book, Quote, Side
from execution.models import Account, ChildOrder, Order
from execution.payloads.encode import decimal_str, epoch_ms, rounded_str
from execution.payloads.market import Ladder, LadderBook, LadderChild, LadderReach, LadderStep
from execution.selectors.decisions.order_view import accounts_of
from execution.selectors.decisions.resting import SHOWN
from execution.selectors.markets import markets_of
from execution.selectors.orders.schedules import has_schedule
from execution.selectors.orders.visibility import order_alone, orders_visible
from execution.selectors.quotes import books_latest, feeds_latest, quotes_latest
from execution.selectors.ticket import accounts_trading

if TYPE_CHECKING:
    from execution.models import User

#: The number of steps shown on each side.
ROWS = 12
#: The possible numbers of ticks in a step.
GROUPS = (1, 10, 100, 1000)


@dataclass(frozen=True, slots=True)
class LadderPlace:
    """The venues whose books are merged, and the desk's orders on these books. It changes only when rows change.

    ``venues`` has the labels of the chosen accounts by the venue's primary key: accounts of one venue share its book.
    ``slice_quantity`` and ``quantity`` are the unfilled quantities of the slice and of the order, in base currency.
    None means that nothing is unfilled, or that the quantity is not known yet. An order without a schedule has no
    slice.
    """

    venues: Mapping[int, str]
    market: types.Market
    own: tuple[OwnChild, ...] = ()
    side: Side | None = None
    slice_quantity: Decimal | None = None
    quantity: Decimal | None = None
    limit: Decimal | None = None
    collar_bp: Decimal | None = None
    is_of_order: bool = False

    @property
    def pairs(self) -> list[tuple[int, str]]:
        return [(venue, self.market.symbol) for venue in self.venues]


# --- the place -------------------------------------------------------------------------------------


def ladder_of_ticket(*, person: User, accounts: Collection[str], symbol: str) -> LadderPlace | None:
    """Return the venues and market of a symbol at a trader's accounts, and the resting children that the trader sees.

    Return None if none of the accounts belongs to the trader and trades the symbol.
    """
    there = accounts_trading(person=person, accounts=accounts, symbol=symbol)
    if there is None:
        return None
    found, market = there
    venues = _labels(found)
    return LadderPlace(venues, market, _own(venues, symbol, orders_visible(person)))


def ladder_of_order(*, order_pk: int, now: datetime) -> LadderPlace | None:
    """Return the venues and market of an order, with its own children and its remaining quantities.

    None if none of the order's accounts trades its symbol now.
    """
    order = Order.objects.select_related("terms").get(pk=order_pk)
    accounts = accounts_of(order)
    listings = markets_of(accounts, order.symbol)
    found = [account for account in accounts if account.pk in listings]
    if not found or order.terms is None:
        return None
    venues = _labels(found)
    left = ZERO if order.status in ORDER_FINAL else max(order.quantity - order.filled, ZERO)
    parameters = parse_parameters(order.algorithm, order.terms.parameters)
    return LadderPlace(
        venues,
        combined_market([listings[account.pk] for account in found]),
        own=_own(venues, order.symbol, order_alone(order.pk)),
        side=Side(order.side),
        slice_quantity=_slice_left(order, now),
        quantity=left or None,
        limit=order.terms.limit_price,
        collar_bp=parameters.collar_bp if left else None,
        is_of_order=True,
    )


def _labels(accounts: Iterable[Account]) -> dict[int, str]:
    labels: defaultdict[int, list[str]] = defaultdict(list)
    for account in accounts:
        labels[account.venue_id].append(account.label)
    return {venue: ", ".join(names) for venue, names in labels.items()}


def _slice_left(order: Order, now: datetime) -> Decimal | None:
    """Return the unfilled quantity of the first slice that has not ended and is not filled; None without one."""
    if order.status in ORDER_FINAL or not has_schedule(order.algorithm):
        return None
    slices = order.slices.filter(plan_version=order.plan_version).order_by("number")
    planned = list(slices.values_list("quantity", "ends_at"))
    # A later plan begins with the quantity that was filled when it was made.
    filled = order.filled - (order.quantity - sum((quantity for quantity, _ in planned), ZERO))
    for (quantity, ends_at), due in zip(planned, accumulate(each for each, _ in planned), strict=True):
        if ends_at > now and due > filled:
            return min(quantity, due - filled)
    return None


def _own(venues: Collection[int], symbol: str, orders: QuerySet[Order]) -> tuple[OwnChild, ...]:
    """Return the children of these orders that the exchanges show in their books, oldest first."""
    found = ChildOrder.objects.filter(
        account__venue__in=venues, symbol=symbol, is_settled=False, status__in=SHOWN, order__in=orders
    ).order_by("pk")
    columns = ("order__public_id", "side", "price", "quantity", "filled", "reported_filled")
    return tuple(
        OwnChild(name, Side(side), price, left)
        for name, side, price, quantity, filled, reported in found.values_list(*columns)
        if price is not None and (left := quantity - max(filled, reported or ZERO)) > ZERO
    )


# --- the books -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """A venue's book, updated by its newest quote, and the known states of its feeds."""

    label: str
    book: Book | None
    quote: Quote | None
    feeds: Mapping[Feed, FeedStatus]

    @property
    def other_faults(self) -> dict[Feed, FeedStatus]:
        """Return the states of the other feeds whose state or reason differs from that of the book's feed."""
        book = self.feeds.get(Feed.BOOK)
        said = None if book is None else (book.state, book.reason)
        others = [each for each in self.feeds.items() if each[0] is not Feed.BOOK]
        return {feed: status for feed, status in others if (status.state, status.reason) != said}

    def trouble(self, now: datetime) -> str:
        """Return the reason why the book is not used; empty if it is used."""
        feed = self.feeds.get(Feed.BOOK)
        told = feed.words(Feed.BOOK) if feed is not None else ""
        if self.book is None:
            return told or "no order book yet"
        if not self.book.is_sane:
            return told or "the book is crossed or has only one side"
        if is_fresh(self.book.at, now, MAX_BOOK_AGE):
            return ""
        return told or f"the book is {(now - self.book.at).total_seconds():.0f} s old"


def ladder_read(place: LadderPlace, *, group: int | None, now: datetime) -> Ladder:
    """Return the current ladder, in steps of ``group`` ticks. It reads only data that engines publish, and no table.

    Without a ``group``, the step is the largest one that fills both sides.

    Books that are missing, crossed or older than 3 s are left out with the reason. If no book is usable, the last
    known books are shown and marked as old.
    """
    found = _published(place)
    troubles = [each.trouble(now) for each in found]
    fresh = [each for each, trouble in zip(found, troubles, strict=True) if not trouble]
    known = fresh or [each for each in found if each.book is not None and each.book.is_sane]
    books = [each.book for each in known if each.book is not None]
    quote = _one_quote(known, now if fresh else max((book.at for book in books), default=now))
    step = place.market.tick * (_filling_group(books, place.market.tick) if group is None else group)
    asks = ladder_side(books, Side.BUY, step=step, rows=ROWS, own=place.own)
    bids = ladder_side(books, Side.SELL, step=step, rows=ROWS, own=place.own)
    market = place.market
    return Ladder(
        symbol=market.symbol,
        base=market.base,
        quote=market.quote,
        tick=decimal_str(market.tick),
        lot=decimal_str(market.lot),
        step=decimal_str(step),
        side=None if place.side is None else str(place.side),
        books=[
            _book_row(place, each, trouble, each in known)
            for each, trouble in zip(found, troubles, strict=True)
        ],
        is_old=not fresh and bool(known),
        bids=[_step_row(row) for row in bids.rows],
        asks=[_step_row(row) for row in asks.rows],
        beyond=[_child_row(child) for child in (*asks.beyond, *bids.beyond)],
        bid=decimal_str(quote.bid) if quote else None,
        ask=decimal_str(quote.ask) if quote else None,
        mid=decimal_str(quote.mid) if quote else None,
        spread_bp=rounded_str((quote.ask - quote.bid) / quote.mid / BASIS_POINT, 2) if quote else None,
        limit=decimal_str(place.limit),
        collar=_collar(place, quote if fresh else None),
        slice=_reach_row(place, place.slice_quantity, books, quote) if fresh else None,
        order=_reach_row(place, place.quantity, books, quote) if fresh else None,
    )


def _filling_group(books: Sequence[Book], tick: Decimal) -> int:
    """Return the largest group whose steps fill all rows of both sides, or the smallest one if none does."""
    for group in reversed(GROUPS):
        sides = [ladder_side(books, side, step=tick * group, rows=ROWS) for side in Side]
        if all(len(side.rows) == ROWS for side in sides):
            return group
    return GROUPS[0]


def _published(place: LadderPlace) -> list[_Found]:
    books, quotes = books_latest(place.pairs), quotes_latest(place.pairs)
    feeds = feeds_latest(place.pairs)
    found = []
    for label, pair in zip(place.venues.values(), place.pairs, strict=True):
        book, quote = books.get(pair), quotes.get(pair)
        found.append(_Found(label, up_to_date(book, quote), newest_quote(book, quote), feeds.get(pair, {})))
    return found


def _one_quote(found: Sequence[_Found], now: datetime) -> Quote | None:
    return reference_quote([each.quote for each in found if each.quote is not None], now)


def _collar(place: LadderPlace, quote: Quote | None) -> str | None:
    if quote is None or place.side is None or place.collar_bp is None:
        return None
    return decimal_str(collar_price(quote.mid, place.collar_bp, place.market.tick, place.side))


def _book_row(place: LadderPlace, found: _Found, trouble: str, is_shown: bool) -> LadderBook:
    at = None if found.book is None else epoch_ms(found.book.at)
    notes = list(feeds_words(found.other_faults)) if place.is_of_order else []
    return LadderBook(label=found.label, at=at, used=is_shown, words=trouble, notes=notes)


def _step_row(row: LadderRow) -> LadderStep:
    return LadderStep(
        price=decimal_str(row.price),
        sizes=[decimal_str(size) for size in row.sizes],
        size=decimal_str(row.size),
        depth=decimal_str(row.depth),
        own=[_child_row(child) for child in row.own],
    )


def _child_row(child: OwnChild) -> LadderChild:
    return LadderChild(
        order=child.order,
        side=str(child.side),
        price=decimal_str(child.price),
        quantity=decimal_str(child.quantity),
    )


def _reach_row(
    place: LadderPlace, quantity: Decimal | None, books: Sequence[Book], quote: Quote | None
) -> LadderReach | None:
    if place.side is None or quantity is None or quote is None:
        return None
    found: Reach = reach(books, place.side, quantity, quote.mid, place.limit)
    return LadderReach(
        quantity=decimal_str(found.quantity),
        carried=decimal_str(found.carried),
        price=decimal_str(found.price),
        cost_bp=rounded_str(found.cost_bp, 2),
        average_bp=rounded_str(found.average_bp, 2),
    )
