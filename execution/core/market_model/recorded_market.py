"""The other participants of a recorded market: their book and trades, as commands for a book that also has our orders.

The recording decides which orders the other participants have in the book. Our orders rest between theirs. Matching
is by price and then by time, as in a generated market.

- If a level grows, the new quantity queues behind our orders. If it shrinks, the orders behind ours leave first.
- A recorded trade first fills our orders that are better than its price, then goes through the queue at its price.
  The others' orders that it meets in that queue go to the back. The recording's next book says how much of them is
  left.
- A recorded level that crosses one of our orders trades with it.
- A quantity that our orders took is missing until the level has left the recording and come back, or until
  ``REFILL`` has passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from execution.core.market_model.background_market import (
    BACKGROUND,
    Command,
    Hit,
    MarketParameters,
    Print,
    Shrink,
    Withdraw,
    round_down,
)
from execution.core.market_model.matching import NewOrder, OrderBook, OrderLife, RestingOrder
from execution.core.market_model.recording import (
    SECOND,
    Event,
    RecordedBook,
    RecordedTrade,
    Timeline,
    elapsed_in_recording,
)
from execution.core.types import ZERO, Market, Side

#: Recorded time after which others replace what our orders took: 10 s, as in docs/explanation/simulation.md.
REFILL = 10 * SECOND

Place = tuple[Side, Decimal]


@dataclass(slots=True)
class Progress:
    """The position of a replay, and whether the recording has a book at that position."""

    position: int
    books: int = 0
    trades: int = 0
    is_known: bool = False  #: whether the recording knows the book at ``position``
    is_over: bool = False
    note: str = ""

    @property
    def state(self) -> str:
        """Return ``playing``, ``gap`` (the recording has no book at this moment) or ``ended``."""
        return "ended" if self.is_over else "playing" if self.is_known else "gap"


@dataclass
class RecordedMarket:
    """A replay of one symbol's events. It reads the book and never writes it, as ``BackgroundMarket`` does.

    Every command must be carried out before the next one is requested. ``depth`` is the number of levels recorded per
    side.
    """

    parameters: MarketParameters
    timeline: Timeline
    starts_at: int
    depth: int
    speed: float = 1.0
    #: Whether the last known book stays while the recording has none. Otherwise the others' orders are withdrawn.
    holds_last_book: bool = False
    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.progress = Progress(self.starts_at)
        self._recorded: dict[Place, Decimal] = {}
        self._taken_since: dict[Place, int] = {}
        self._mid = self.parameters.mid
        self._seconds = 0.0  #: of the exchange's time; rounded once, so that steps do not drift
        self._next_id = -1

    @property
    def mid(self) -> Decimal:
        """Return the last mid in the recording so far, on the tick."""
        return round_down(self._mid, self.parameters.market.tick)

    @property
    def exact_mid(self) -> Decimal:
        """Return the last mid in the recording so far. It may lie between two ticks."""
        return self._mid

    def move_to(self, mid: Decimal) -> None:
        raise ValueError(f"mid {mid} is refused: a recorded market cannot jump")

    def follow_rules(self, market: Market) -> None:
        """Raise ``ValueError`` for another tick or lot, because recorded prices and sizes would not fit them."""
        recorded = self.parameters.market
        if (market.tick, market.lot) != (recorded.tick, recorded.lot):
            raise ValueError(f"tick {market.tick} and lot {market.lot} are refused: the market is recorded")

    def settle(self, book: OrderBook) -> Iterator[Command]:
        """Yield the commands that bring the book to the replay's present position."""
        yield from self._play(book)

    def step(self, book: OrderBook, now: float, dt: float) -> Iterator[Command]:  # noqa: ARG002  # as the others
        """Yield the commands for the next ``dt`` seconds of real time.

        In this time the replay advances at its own speed.
        """
        self._seconds += dt
        yield from self.advance_to(book, self.starts_at + elapsed_in_recording(self._seconds, self.speed))

    def advance_to(self, book: OrderBook, position: int) -> Iterator[Command]:
        """Yield the commands for everything up to ``position``, a moment in the recording."""
        self.progress.position = position
        yield from self._play(book)

    def taker(self, side: Side, quantity: Decimal, limit: Decimal | None = None) -> NewOrder:
        """Return a taker order that is not in the recording: for tests and scenarios that need a certain trade."""
        return self._order(side, quantity, limit, OrderLife.IOC)

    # --- playing --------------------------------------------------------------------------------

    def _play(self, book: OrderBook) -> Iterator[Command]:
        for event in self.timeline.take(self.progress.position):
            yield from self._event(book, event)
        if self.timeline.is_over and not self.progress.is_over:
            self.progress.is_over = True
            yield from self._forget(book)

    def _event(self, book: OrderBook, event: Event) -> Iterator[Command]:
        if isinstance(event, RecordedTrade):
            self.progress.trades += 1
            yield from self._trade(book, event)
            return
        self.progress.books += 1
        self.progress.is_known, self.progress.note = event.is_known, event.note
        if not event.is_known:
            yield from self._forget(book)
            return
        self._mid = event.mid or self._mid
        yield from self._follow(book, event)

    def _forget(self, book: OrderBook) -> Iterator[Command]:
        """Withdraw the others' orders. Their book is unknown, so nobody can trade with it."""
        if self.holds_last_book:
            return
        for side, price in self._recorded:
            for order in _others(book, side, price):
                yield Withdraw(order.id)
        self._recorded, self._taken_since = {}, {}

    # --- the others' book -----------------------------------------------------------------------

    def _follow(self, book: OrderBook, row: RecordedBook) -> Iterator[Command]:
        """Change the others' orders until they match a recorded book. Levels shrink before any grows, so no bid meets
        an ask.
        """
        recorded = {(side, price): size for side in Side for price, size in row.levels(side)}
        recorded |= self._kept(book, row, recorded)
        wanted = self._wanted(book, row.received, recorded)
        self._recorded = recorded
        for (side, price), quantity in wanted.items():
            yield from self._shrink(book, side, price, quantity)
        for (side, price), quantity in wanted.items():
            missing = quantity - _standing(book, side, price)
            if missing > ZERO:
                yield self._order(side, missing, price, OrderLife.GTC)

    def _kept(
        self, book: OrderBook, row: RecordedBook, recorded: dict[Place, Decimal]
    ) -> dict[Place, Decimal]:
        """Return the levels beyond the recorded depth at which our orders rest.

        The others' orders at these levels stay.
        """
        kept = {}
        for place, size in self._recorded.items():
            side, price = place
            levels = row.levels(side)
            is_cut = len(levels) >= self.depth and (levels[-1][0] - price) * side.sign > ZERO
            if place not in recorded and is_cut and _is_shared(book, side, price):
                kept[place] = size
        return kept

    def _wanted(self, book: OrderBook, moment: int, recorded: dict[Place, Decimal]) -> dict[Place, Decimal]:
        """Return the others' quantity at each of their levels: the recorded quantity less what our orders took."""
        wanted = {}
        for place in [*self._recorded, *(place for place in recorded if place not in self._recorded)]:
            taken = self._recorded.get(place, ZERO) - _standing(book, *place)
            if taken <= ZERO or place not in recorded:
                self._taken_since.pop(place, None)
                taken = ZERO
            elif moment - self._taken_since.setdefault(place, moment) >= REFILL:
                del self._taken_since[place]
                taken = ZERO
            wanted[place] = max(recorded.get(place, ZERO) - taken, ZERO)
        return wanted

    def _shrink(self, book: OrderBook, side: Side, price: Decimal, wanted: Decimal) -> Iterator[Command]:
        """Reduce the others' orders at a level to ``wanted``, beginning with the last in the queue."""
        orders = _others(book, side, price)
        excess = sum((order.remaining for order in orders), ZERO) - wanted
        for order in reversed(orders):
            if excess <= ZERO:
                return
            part = min(order.remaining, excess)
            excess -= part
            yield _less(order, part)

    # --- the others' trades ---------------------------------------------------------------------

    def _trade(self, book: OrderBook, trade: RecordedTrade) -> Iterator[Command]:
        """Fill our orders that a recorded trade reaches. Yield a ``Print`` for its remaining quantity."""
        taker = trade.side or self._likely_side(trade.price)
        left, ours = trade.quantity, ZERO
        passed: list[tuple[RestingOrder, Decimal]] = []
        for order in _reached(book, taker, trade.price):
            part = min(left, order.remaining)
            if part <= ZERO:
                break
            if order.owner != BACKGROUND:
                ours += part
                yield Hit(order.id, taker, part)
            elif order.price == trade.price:
                passed.append((order, part))
            else:
                continue  # a level that the recording's next book has no more: nobody traded with it
            left -= part
        yield from self._to_the_back(book, taker.opposite, trade.price, passed)
        if trade.quantity > ours:
            yield Print(taker, trade.price, trade.quantity - ours)

    def _to_the_back(
        self, book: OrderBook, side: Side, price: Decimal, passed: list[tuple[RestingOrder, Decimal]]
    ) -> Iterator[Command]:
        """Move the others' quantity that a recorded trade took to the back of the queue, behind our orders.

        Do nothing if no order of ours rests at ``price``.
        """
        if not passed or not _is_shared(book, side, price):
            return
        for order, part in passed:
            yield _less(order, part)
        yield self._order(side, sum((part for _, part in passed), ZERO), price, OrderLife.GTC)

    def _likely_side(self, price: Decimal) -> Side:
        """Return the likely side of a taker whose side is unknown: a buy at or above the mid, else a sell."""
        return Side.BUY if price >= self._mid else Side.SELL

    # --- inside ---------------------------------------------------------------------------------

    def _order(self, side: Side, quantity: Decimal, price: Decimal | None, life: OrderLife) -> NewOrder:
        order = NewOrder(self._next_id, BACKGROUND, side, quantity, price, life)
        self._next_id -= 1
        return order


def _less(order: RestingOrder, part: Decimal) -> Command:
    return Withdraw(order.id) if part == order.remaining else Shrink(order.id, part)


def _others(book: OrderBook, side: Side, price: Decimal) -> list[RestingOrder]:
    return [order for order in book.queue(side, price) if order.owner == BACKGROUND]


def _standing(book: OrderBook, side: Side, price: Decimal) -> Decimal:
    return sum((order.remaining for order in _others(book, side, price)), ZERO)


def _is_shared(book: OrderBook, side: Side, price: Decimal) -> bool:
    """Return True if one of our orders rests at a level."""
    return any(order.owner != BACKGROUND for order in book.queue(side, price))


def _reached(book: OrderBook, taker: Side, price: Decimal) -> Iterator[RestingOrder]:
    """Yield the resting orders that a taker at ``price`` meets, in the order in which they fill."""
    for level, _ in book.levels(taker.opposite):
        if (level - price) * taker.sign > ZERO:
            return
        yield from book.queue(taker.opposite, level)
