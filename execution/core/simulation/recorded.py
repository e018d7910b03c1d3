"""A stretch of a recording as a market in which an order can be worked, in virtual time.

The rules are those of ``market_model.recorded_market``, which the paper exchange uses to play a recording. Where the
recording has no book, the last book before is used. After the recording's end nothing changes any more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from execution.core.market_model.background_market import (
    Command,
    Hit,
    MarketParameters,
    Print,
    Shrink,
    Withdraw,
)
from execution.core.market_model.matching import Execution, NewOrder, OrderBook, OrderLife
from execution.core.market_model.recorded_market import RecordedMarket
from execution.core.market_model.recording import SECOND, Event, RecordedBook, RecordedTrade, Timeline
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.core.simulation.kinds import WIDE, MarketKind
from execution.core.simulation.ladder import LadderFill
from execution.core.types import ZERO, Market, Side

OURS = "ours"
#: First id of our orders that only take. They never rest, and their ids are above those of our other orders.
FIRST_TAKER = 10**9


class LadderView:
    """A view of one side of an exact (``Decimal``) book, in whole ticks and lots."""

    def __init__(self, book: OrderBook, side: Side, tick: Decimal, lot: Decimal) -> None:
        self._book, self._side = book, side
        self._tick, self._lot = tick, lot

    @property
    def best(self) -> int | None:
        best = self._book.best(self._side)
        return None if best is None else int(best / self._tick)

    def levels(self, count: int) -> Iterator[tuple[int, int]]:
        """Yield the price and the total size of each of the best levels."""
        for price, total in self._book.levels(self._side, count):
            if lots := int(total / self._lot):
                yield int(price / self._tick), lots

    def remove(self, price: int, owner: int) -> int:  # noqa: ARG002  # an exact book finds an order by its id
        """Remove one of our orders and return its remaining lots."""
        order = self._book.cancel(owner)
        return 0 if order is None else int(order.remaining / self._lot)


class RecordedLadder:
    """A recorded market with our orders in it. Prices are in ticks, sizes in lots, times in seconds from its start."""

    def __init__(self, others: RecordedMarket) -> None:
        market = others.parameters.market
        self._others = others
        self._begins = others.starts_at
        self._tick, self._lot = market.tick, market.lot
        self._book = OrderBook()
        self.bids, self.asks = (
            LadderView(self._book, side, market.tick, market.lot) for side in (Side.BUY, Side.SELL)
        )
        self.now = 0.0
        self.volume = 0
        self.fills: list[LadderFill] = []
        self._takers = FIRST_TAKER
        self.run_to(0.0)
        self.volume = 0

    @property
    def mid(self) -> float:
        return self.mid_of_others()

    def mid_of_others(self) -> float:
        """Return the mid of the recorded book, in ticks."""
        return float(self._others.exact_mid / self._tick)

    def run_to(self, now: float) -> None:
        """Advance the market to ``now``."""
        self.now = now
        for command in self._others.advance_to(self._book, self._begins + round(now * SECOND)):
            self._carry_out(command)

    def next_at(self) -> float:
        """Return the time of the next event; infinity at the end of the recording."""
        moment = self._others.timeline.next_at
        return math.inf if moment is None else (moment - self._begins) / SECOND

    # --- what we do ---------------------------------------------------------------------------------

    def side_of(self, sign: int) -> LadderView:
        """Return the side of the book on which an order of ``sign`` rests: +1 is a buy, -1 a sell."""
        return self.bids if sign > 0 else self.asks

    def would_take(self, sign: int, price: int) -> bool:
        best = self.side_of(-sign).best
        return best is not None and (price - best) * sign >= 0

    def rest(self, order: int, sign: int, price: int, lots: int) -> None:
        self._book.submit(NewOrder(order, OURS, _side(sign), lots * self._lot, price * self._tick))

    def take(self, sign: int, lots: int, worst: int | None) -> list[tuple[int, int]]:
        """Take ``lots`` at once, at prices up to ``worst``. Return (price, lots) of the trades, best first."""
        limit = None if worst is None else worst * self._tick
        self._takers += 1
        order = NewOrder(self._takers, OURS, _side(sign), lots * self._lot, limit, OrderLife.IOC)
        traded: dict[int, int] = {}
        for execution in self._book.submit(order).executions:
            price, part = self._tell(execution)
            traded[price] = traded.get(price, 0) + part
        return list(traded.items())

    # --- what the others do ---------------------------------------------------------------------------

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, Withdraw):
            self._book.cancel(command.order_id)
        elif isinstance(command, Shrink):
            self._book.reduce(command.order_id, command.quantity)
        elif isinstance(command, Hit):
            self._tell(self._book.hit(0, command.order_id, command.quantity))
        elif isinstance(command, Print):
            self.volume += int(command.quantity / self._lot)
        else:
            for execution in self._book.submit(command).executions:
                self._tell(execution)

    def _tell(self, execution: Execution) -> tuple[int, int]:
        """Add a trade to the volume, store it as a fill if the resting order was ours, and return (price, lots)."""
        price, lots = int(execution.price / self._tick), int(execution.quantity / self._lot)
        self.volume += lots
        if execution.maker_owner == OURS:
            self.fills.append(LadderFill(execution.maker_id, price, lots, self.mid_of_others()))
        return price, lots


@dataclass(frozen=True, slots=True)
class RecordedWindow:
    """A stretch of one symbol's recording: the book at its start, and all events after it."""

    kind: MarketKind
    market: Market
    begins: int
    seconds: float
    levels: int
    events: tuple[Event, ...]

    def open_market(self, kind: MarketKind, seed: int) -> RecordedLadder:  # noqa: ARG002  # nothing is drawn
        """Return a new copy of the market, because each order must be worked in the same market."""
        parameters = MarketParameters(self.market, mid=kind.mid, spacing=self.market.tick)
        return RecordedLadder(
            RecordedMarket(
                parameters, Timeline(iter(self.events)), self.begins, self.levels, holds_last_book=True
            )
        )


def seconds_of(events: Iterable[Event]) -> float:
    """Return the length of a recording in seconds, from its first book with both sides on; 0 without one."""
    first: int | None = None
    last = 0
    for event in events:
        if first is None and isinstance(event, RecordedBook) and event.mid is not None:
            first = event.received
        last = event.received
    return 0.0 if first is None else (last - first) / SECOND


def windows(
    events: Iterable[Event], market: Market, *, levels: int, seconds: float
) -> Iterator[RecordedWindow]:
    """Cut one symbol's events into stretches of ``seconds``, from the first book with both sides on.

    The last stretch is left out, because it is incomplete. Raise ``Refused`` if the recording has no fees, or if
    nobody traded in a stretch.
    """
    length = round(seconds * SECOND)
    book: RecordedBook | None = None
    begins: int | None = None
    inside: list[Event] = []
    for event in events:
        while begins is not None and event.received >= begins + length:
            yield _window(market, begins, seconds, levels, inside)
            begins += length
            inside = [] if book is None else [replace(book, received=begins)]
        if isinstance(event, RecordedBook) and event.mid is not None:
            book = event
            begins = event.received if begins is None else begins
        if begins is not None:
            inside.append(event)


def _window(market: Market, begins: int, seconds: float, levels: int, events: list[Event]) -> RecordedWindow:
    mids = [event.mid for event in events if isinstance(event, RecordedBook)]
    mid = next(each for each in mids if each is not None)
    trades = [event for event in events if isinstance(event, RecordedTrade)]
    kind = kind_of(market, mid, seconds, trades)
    return RecordedWindow(kind, market, begins, seconds, levels, tuple(events))


def kind_of(market: Market, mid: Decimal, seconds: float, trades: list[RecordedTrade]) -> MarketKind:
    """Return the facts of a recorded market that an order needs: tick, lot, minimum, fees and the takers' volume.

    The other fields of the kind describe a generated market and are not used. Raise ``Refused`` without fees or
    trades.
    """
    if market.maker_fee is None or market.taker_fee is None:
        message = f"The recording does not know the fees of {market.symbol}: write them into its rules.json."
        refuse("recording", message, market.symbol, code=Code.VALUE_MISSING)
    if not trades:
        message = f"Nobody traded {market.symbol} within {seconds:g} s of the recording: no order has a size."
        refuse("recording", message, market.symbol, code=Code.VALUE_MISSING)
    traded = float(sum((trade.price * trade.quantity for trade in trades), ZERO))
    return replace(
        WIDE,
        name=f"recorded {market.symbol}",
        words="a recorded market",
        mid=mid,
        tick=market.tick,
        lot=market.lot,
        taker_rate=len(trades) / seconds,
        taker_size=traded / len(trades),
        maker_fee=market.maker_fee,
        taker_fee=market.taker_fee,
        min_notional=market.min_notional,
    )


def _side(sign: int) -> Side:
    return Side.BUY if sign > 0 else Side.SELL
