"""A simulated market: other participants make its book around a hidden efficient price."""

from __future__ import annotations

import math
from statistics import NormalDist

from execution.core.simulation.kinds import MarketKind
from execution.core.simulation.ladder import LadderFill, LadderSide
from execution.core.simulation.noise import STEP, Event, Happening, tape_of

WARM_UP = 60.0  #: seconds of life before anybody looks
FARTHEST = 80  #: levels of a side that are kept
MIN_LEVELS = 12  #: a side never has fewer: somebody always quotes far away
IMPACT_STAYS = 0.5  #: share of what a trade moves that stays
IMPACT_SECONDS = 10.0  #: in which the rest comes back, as 1/e
_KEPT = math.exp(-STEP / IMPACT_SECONDS)
_NORMAL = NormalDist()


class SimulatedMarket:
    """A simulated book with price-time priority. Prices are in ticks, sizes in lots, times in seconds since the start.

    What the other participants want to do never depends on our orders. What it does to the book may depend on them, as
    at an exchange.
    """

    def __init__(self, kind: MarketKind, seed: int) -> None:
        self.kind = kind
        self.bids, self.asks = LadderSide(1), LadderSide(-1)
        self.value = float(kind.mid / kind.tick)
        self._passing = 0.0  #: what trades moved and will come back
        self.pressure = 0.0
        self.now = -WARM_UP
        self.volume = 0  #: lots traded, everybody's
        self.fills: list[LadderFill] = []  #: of our resting orders, since they were last collected
        self.trades: list[tuple[float, int, int, int]] = []  #: time, the taker's sign, price, lots
        self.ours = 0  #: orders of ours that came to rest: while there are none the mid is the others'
        self._tape = tape_of(kind, seed)
        self._number = 0
        self._next = self._tape.event(0)
        self._limit_lots = kind.lots(kind.limit_size)
        self._taker_lots = kind.lots(kind.taker_size)
        self._begin()
        self.run_to(0.0)
        self.volume, self.trades = 0, []

    @property
    def mid(self) -> float:
        bid, ask = self.bids.best, self.asks.best
        if bid is None or ask is None:
            return self.value
        return (bid + ask) / 2

    def mid_of_others(self) -> float:
        """Return the mid without the desk's own orders."""
        if not self.ours:
            return self.mid
        bid, ask = self.bids.best_of_others, self.asks.best_of_others
        return self.value if bid is None or ask is None else (bid + ask) / 2

    def run_to(self, now: float) -> None:
        """Advance the market to ``now``."""
        while self._next.at - WARM_UP <= now:
            self.now = self._next.at - WARM_UP
            self._happen(self._next)
            self._number += 1
            self._next = self._tape.event(self._number)
        self.now = now

    def next_at(self) -> float:
        """Return the time of the next event."""
        return self._next.at - WARM_UP

    # --- what we do ---------------------------------------------------------------------------------

    def side_of(self, sign: int) -> LadderSide:
        """Return the side of the book on which an order of ``sign`` rests: +1 is a buy, -1 a sell."""
        return self.bids if sign > 0 else self.asks

    def would_take(self, sign: int, price: int) -> bool:
        best = self.side_of(-sign).best
        return best is not None and (price - best) * sign >= 0

    def rest(self, order: int, sign: int, price: int, lots: int) -> None:
        self.side_of(sign).add(price, lots, order)
        self.ours += 1

    def take(self, sign: int, lots: int, worst: int | None) -> list[tuple[int, int]]:
        """Take ``lots`` at once, at prices up to ``worst``. Return (price, lots) of the trades, best first."""
        mid = self.mid_of_others() if self.ours else 0.0
        trades, ours = self.side_of(-sign).take(lots, worst, mid)
        self._fill_up(self.side_of(-sign))
        self.fills += ours
        for price, traded in trades:
            self.volume += traded
            self.trades.append((self.now, sign, price, traded))
        size = sum(traded for _, traded in trades) / self._taker_lots
        # Concave, as impact is measured to be: the square root of the size beyond the usual.
        moved = sign * self.kind.impact * (size if size < 1 else math.sqrt(size))
        self.value += moved
        self._passing += moved * (1 - IMPACT_STAYS)
        return trades

    # --- what the others do ---------------------------------------------------------------------------

    def _begin(self) -> None:
        for side in (self.bids, self.asks):
            best = self._maker_price(side.sign)
            for number in range(MIN_LEVELS * 2):
                side.add(best - side.sign * number, self._limit_lots)

    def _happen(self, event: Event) -> None:
        if event.what is Happening.MOVE:
            back = self._passing * (1 - _KEPT)
            self._passing -= back
            self.value += event.first - back
            self.pressure = event.second
            self._retreat(self.bids)
            self._retreat(self.asks)
        elif event.what is Happening.LIMIT:
            self._limit(event)
        elif event.what is Happening.CANCEL:
            self._cancel(event)
        elif event.what is Happening.TAKER:
            sign = 1 if event.first < 0.5 + 0.5 * self.kind.flow_strength * math.tanh(self.pressure) else -1
            self.take(sign, self._size(self._taker_lots, event.second, self.kind.taker_tail), None)
        else:
            self._informed(event)

    def _size(self, mean: int, place: float, tail: float) -> int:
        """Return the quantile ``place`` of a log-normal size with this ``mean``, in lots.

        ``tail`` is the standard deviation of the size's logarithm.
        """
        normal = _NORMAL.inv_cdf(min(max(place, 1e-9), 1 - 1e-9))
        return max(1, round(mean * math.exp(tail * normal - tail * tail / 2)))

    def _maker_price(self, sign: int) -> int:
        if sign > 0:
            return math.floor(self.value - self.kind.half_spread)
        return math.ceil(self.value + self.kind.half_spread)

    def _limit(self, event: Event) -> None:
        """Place a maker's order at the makers' best price or further from the mid. It never takes."""
        ahead = (self.value - self.mid) / max(self.kind.half_spread, 0.5)
        sign = 1 if event.first < 0.5 + 0.5 * self.kind.lean * max(-1.0, min(1.0, ahead)) else -1
        side, other = self.side_of(sign), self.side_of(-sign).best
        behind = int(-math.log(1 - event.second) * self.kind.depth_ticks)
        price = self._maker_price(sign) - sign * behind
        if other is not None and (price - other) * sign >= 0:
            price = other - sign
        side.add(price, self._size(self._limit_lots, event.third, self.kind.limit_tail))

    def _cancel(self, event: Event) -> None:
        side = self.bids if event.first < 0.5 else self.asks
        prices = side.prices()
        place = int(-math.log(1 - event.second) * MIN_LEVELS / 2)
        if place < len(prices) and len(prices) > MIN_LEVELS:
            side.fade(prices[place], min(2 * self.kind.cancel_share * event.third, 1.0))
        for price in prices[FARTHEST:]:
            side.fade(price, 1.0)

    def _retreat(self, side: LadderSide) -> None:
        """Withdraw a share of the quotes on a side that the efficient price has passed."""
        best = side.best
        if best is not None and (best - self.value) * side.sign > 0:
            for price in side.prices():
                if (price - self.value) * side.sign <= 0:
                    break
                side.fade(price, self.kind.stale_share)
        self._fill_up(side)

    def _fill_up(self, side: LadderSide) -> None:
        """Add orders far away from the price if the side has few levels, so that it never becomes empty."""
        if len(side.queues) >= MIN_LEVELS:
            return
        start = self._maker_price(side.sign)
        step = max(1, round(self.kind.depth_ticks / 3))
        for number in range(MIN_LEVELS):
            price = start - side.sign * (MIN_LEVELS + number) * step
            if not side.total(price):
                side.add(price, self._limit_lots)

    def _informed(self, event: Event) -> None:
        """Take stale quotes, like a trader who knows the efficient price."""
        for sign, side in ((1, self.asks), (-1, self.bids)):
            best = side.best
            if best is not None and (self.value - best) * sign > 0:
                worst = math.floor(self.value) if sign > 0 else math.ceil(self.value)
                self.take(sign, self._size(self._taker_lots, event.second, 1.0), worst)
                return
