"""A market that follows the price and the volume of recorded candles.

Within a candle the price goes from the opening to one extreme, then to the other, and then to the close. Each of
these three moves takes a third of the candle's time. In a rising candle the low comes first, in a falling one the
high. The book around the price is generated.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise
from random import Random

from execution.core.market_model.background_market import (
    BACKGROUND,
    BackgroundMarket,
    MarketParameters,
    OrderCommand,
    Withdraw,
    round_down,
)
from execution.core.market_model.matching import NewOrder, OrderBook, OrderLife
from execution.core.market_model.price_path import MINUTE
from execution.core.market_model.synthetic_candles import UNIT, UNITS, Row, empty_row, units
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.core.types import ZERO, Market, Side

#: A candle's start in seconds since the epoch, open, high, low, close, volume.
CandleRow = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]

#: Distance between neighbouring levels, as a share of the price: that of BTC on the paper exchange.
SPACING = Decimal("0.000015")
#: Takers per second, and the size of a level in takers. Both are those of BTC on the paper exchange.
TAKERS, LEVEL_TO_TAKER = 4.0, 6.0
MIN_NOTIONAL = Decimal(5)


class CandleTape:
    """Candles of one length, stored as arrays of whole numbers. A year of one-minute candles takes 25 MB."""

    def __init__(self, rows: Iterable[CandleRow]) -> None:
        """Store ``rows``, which must be in order of time. Raises ``Refused`` if there is none."""
        self.starts, self._columns = array("q"), tuple(array("q") for _ in range(5))
        for start, *numbers in rows:
            self.starts.append(start)
            for column, number in zip(self._columns, numbers, strict=True):
                column.append(units(number))
        if not self.starts:
            refuse("candles", "The file has no candle.", 0, 1, code=Code.CANDLES_TOO_FEW)
        #: Seconds of a candle: the shortest time between two starts. After a longer time there is a hole.
        self.length = min((later - start for start, later in pairwise(self.starts)), default=MINUTE)

    @property
    def first(self) -> int:
        return self.starts[0]

    @property
    def end(self) -> int:
        """Return the end of the last candle."""
        return self.starts[-1] + self.length

    def price(self, second: float) -> float:
        """Return the price at a moment, which moves within a candle from the open to both extremes and to the close.

        Where a candle is missing, the price stands still.
        """
        place = self._place(second)
        if place is None:
            return self.close_before(second) / UNITS
        thirds = (second - self.starts[place]) / self.length * 3
        number = min(int(thirds), 2)
        turns = self._turns(place)
        return (turns[number] + (turns[number + 1] - turns[number]) * (thirds - number)) / UNITS

    def traded(self, since: float, until: float) -> float:
        """Return the volume between two moments, in base units, spread evenly within each candle."""
        total, place = 0.0, max(bisect_right(self.starts, since) - 1, 0)
        while place < len(self.starts) and self.starts[place] < until:
            start = self.starts[place]
            covered = min(until, start + self.length) - max(since, start)
            total += self._columns[4][place] / UNITS * max(covered, 0.0) / self.length
            place += 1
        return total

    def minute(self, start: int) -> Row:
        """Return the minute that begins at ``start``.

        Candles do not give the takers' sides, so half of the volume counts as bought by takers.
        """
        place = self._place(start)
        if place is None or not self._columns[4][place]:
            return empty_row(self.close_before(start))
        turns, begins = self._turns(place), self.starts[place]
        ends = [round(self.price(start) * UNITS), round(self.price(start + MINUTE - 1e-6) * UNITS)]
        if start + MINUTE == begins + self.length:
            ends[1] = turns[3]
        inside = [
            turns[number] for number in (1, 2) if start <= begins + self.length * number / 3 <= start + MINUTE
        ]
        high, low = max(*ends, *inside), min(*ends, *inside)
        volume = self._columns[4][place] * MINUTE // self.length
        notional = volume * ((high + low + ends[1]) // 3) // UNITS
        return Row(ends[0], high, low, ends[1], volume, notional, volume // 2, notional // 2, 1)

    def close_before(self, second: float) -> int:
        """Return the close, in ``UNIT``, of the last candle that began by ``second``.

        Before the first candle, return its opening price.
        """
        place = bisect_right(self.starts, second) - 1
        return self._columns[0][0] if place < 0 else self._columns[3][place]

    def mean_volume(self, start: int) -> float:
        """Return the mean volume per second, in base units, of at most 1,440 candles from ``start`` on."""
        place = bisect_right(self.starts, start - 1)
        volumes = self._columns[4][place : place + 24 * 60]
        return sum(volumes) / len(volumes) / UNITS / self.length if volumes else 0.0

    def finest(self, columns: Iterable[int]) -> Decimal:
        """Return the largest power of ten, at most 1, of which all numbers in ``columns`` are multiples."""
        step = UNITS
        for column in columns:
            for number in self._columns[column]:
                while number % step:
                    step //= 10
        return plain_step(step)

    def _place(self, second: float) -> int | None:
        """Return the index of the candle that contains a moment; None if no candle does."""
        place = bisect_right(self.starts, second) - 1
        return None if place < 0 or second >= self.starts[place] + self.length else place

    def _turns(self, place: int) -> tuple[int, int, int, int]:
        opening, high, low, close = (column[place] for column in self._columns[:4])
        return (opening, low, high, close) if close >= opening else (opening, high, low, close)


def plain_step(number: int) -> Decimal:
    """Return ``number``, a power of ten in ``UNIT``, as a ``Decimal`` without trailing zeros."""
    step = Decimal(number) * UNIT
    return Decimal(1) if number == UNITS else step.normalize()


class CandlePast:
    """The candles before the start of a replay, which serve as the past of its market.

    Their times are made ``shift`` seconds later.
    """

    def __init__(self, tape: CandleTape, shift: int) -> None:
        self._tape = tape
        self._shift = shift

    def row(self, start: int) -> Row:
        return self._tape.minute(start - self._shift)


class CandleMarket(BackgroundMarket):
    """Makers around the candles' price, and takers who trade each minute's volume."""

    def __init__(
        self, parameters: MarketParameters, tape: CandleTape, *, begins: int, speed: float, seed: int
    ) -> None:
        """Prepare a replay that begins at ``begins`` (seconds since the epoch)."""
        super().__init__(parameters, seed, mid=parameters.mid)
        self.position = float(begins)
        self._tape = tape
        self._speed = speed
        self._due = 0.0
        self._sizes = Random(f"{seed}:{parameters.market.symbol}:sizes")

    @property
    def is_over(self) -> bool:
        return self.position >= self._tape.end

    def step(self, book: OrderBook, now: float, dt: float) -> list[OrderCommand]:  # noqa: ARG002  # the tape has its own
        """Return the commands of makers around the candles' price and of takers who trade their volume.

        After the last candle, all makers withdraw and nobody trades.
        """
        before, self.position = self.position, self.position + dt * self._speed
        if self.is_over:
            return self._leave(book)
        price = self._tape.price(self.position)
        self._mid = price * math.exp(self._jump)
        self._due += self._tape.traded(before, self.position)
        return [*self._withdrawals(book), *self._refills(dt * self._speed), *self._takers(dt * self._speed)]

    def _leave(self, book: OrderBook) -> list[OrderCommand]:
        gone = [order for quotes in self._quotes.values() for order in quotes.values() if order in book]
        for quotes in self._quotes.values():
            quotes.clear()
        return [Withdraw(order) for order in gone]

    def _takers(self, dt: float) -> Iterator[NewOrder]:
        """Yield takers who share the due volume at random. A share below the lot or the minimum is traded later."""
        count = self._poisson(min(self.parameters.takers_per_second * dt, 25.0))
        weights = [self._sizes.expovariate(1.0) for _ in range(count)]
        total, due = sum(weights), self._due
        market = self.parameters.market
        for weight in weights:
            quantity = round_down(due * weight / total, market.lot)
            if quantity < market.min_quantity or quantity <= ZERO:
                continue
            self._due -= float(quantity)
            side = Side.BUY if self._sizes.random() < 0.5 else Side.SELL
            yield NewOrder(self._draw_id(), BACKGROUND, side, quantity, None, OrderLife.IOC)


def market_of(symbol: str, tape: CandleTape, begins: int) -> MarketParameters:
    """Return market parameters derived from the candles: a tick and a lot as fine as their digits, and a book that
    suits their volume.

    Raises ``Refused`` for a symbol that is not written ``BASE/QUOTE``.
    """
    base, separator, quote = symbol.partition("/")
    if not (separator and base.isalnum() and quote.isalnum()):
        message = f"The symbol {symbol!r} is not written BASE/QUOTE."
        refuse("symbol", message, symbol, "BASE/QUOTE", code=Code.VALUE_MALFORMED)
    tick, lot = tape.finest(range(4)), tape.finest((4,))
    mid = round_down(tape.price(begins), tick)
    market = Market(
        symbol=symbol, base=base, quote=quote, tick=tick, lot=lot, min_quantity=lot, min_notional=MIN_NOTIONAL
    )
    size = max(tape.mean_volume(begins) / TAKERS, float(lot))
    return MarketParameters(
        market,
        mid=mid,
        spacing=max(round_down(mid * SPACING, tick), tick),
        level_size=size * LEVEL_TO_TAKER,
        takers_per_second=TAKERS,
        taker_size=size,
    )
