"""The other participants of a generated market: makers who keep a book, and takers who trade against it.

The same seed gives the same market. The generator has no clock. ``step`` is given the time and the seconds since the
last step. So the paper exchange runs it in real time, and a simulation in virtual time. Weights are floats. Prices
and quantities that enter the book are ``Decimal`` on tick and lot.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from random import Random
from typing import Protocol

from execution.core.market_model.matching import NewOrder, OrderBook, OrderLife
from execution.core.market_model.price_path import PricePath
from execution.core.types import ZERO, Market, Side

#: Owner of every background order. Background orders have negative ids.
BACKGROUND = "background"

DAY_SECONDS = 86_400

#: A venue's noise around the shared price: its standard deviation, its bound, and the seconds in which it fades.
NOISE = 0.3e-4
MAX_NOISE = 1e-4
NOISE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class MarketParameters:
    """The parameters of one symbol's generated market. Distances are in quote units, sizes in base units."""

    market: Market
    mid: Decimal
    spacing: Decimal  #: distance between neighbouring levels near the mid; a multiple of the tick
    near_levels: int = 20  #: levels per side at ``spacing``
    far_levels: int = 10  #: further levels per side, ten times as far apart
    level_size: float = 0.3  #: mean size of the best levels; deeper ones are larger
    volatility: float = 0.2  #: standard deviation of the mid over one second, in bp
    takers_per_second: float = 4.0
    taker_size: float = 0.05  #: mean size of a taker order
    taker_tail: float = 1.7  #: Pareto exponent of the sizes: smaller is heavier; above 1
    refill_per_second: float = 1.2  #: rate at which a missing level comes back

    @property
    def hourly_volume(self) -> float:
        """Return the expected volume of all takers, in base units per hour. It ignores the cap on a taker's size."""
        return self.takers_per_second * self.taker_size * 3600


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The command to remove an order of a generated maker from the book."""

    order_id: int


@dataclass(frozen=True, slots=True)
class Shrink:
    """The command to reduce an order of a generated maker by ``quantity``. The order keeps its place in the queue."""

    order_id: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Hit:
    """The command to let a generated taker trade ``quantity`` with one resting order.

    The orders before it in the queue do not trade.
    """

    order_id: int
    taker: Side
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Print:
    """A report of a trade among other participants. It does not change the book; other commands do that."""

    taker: Side
    price: Decimal
    quantity: Decimal


#: The commands of a generated market, and those of any market.
OrderCommand = NewOrder | Withdraw
Command = OrderCommand | Shrink | Hit | Print


class Others(Protocol):
    """The other participants of one market, either generated or replayed from a recording.

    Each command must be carried out before the next one is requested.
    """

    @property
    def mid(self) -> Decimal: ...

    def move_to(self, mid: Decimal) -> None:
        """Jump to another mid. Raises ``ValueError`` if the market cannot do that."""

    def follow_rules(self, market: Market) -> None:
        """Use another tick and lot from now on. Raises ``ValueError`` if that is not possible."""

    def settle(self, book: OrderBook) -> Iterable[Command]: ...

    def step(self, book: OrderBook, now: float, dt: float) -> Iterable[Command]: ...

    def taker(self, side: Side, quantity: Decimal, limit: Decimal | None = None) -> NewOrder: ...


def activity(now: float) -> float:
    """Return the trading intensity at a time of the (UTC) day, 1 on average over the day.

    The day has two waves. The higher one is in the afternoon, when Europe and America overlap. The intensity stays
    between about 0.65 and 1.4.
    """
    phase = 2 * math.pi * (now % DAY_SECONDS) / DAY_SECONDS
    return 1 + 0.28 * math.cos(phase - 2 * math.pi * 15 / 24) + 0.12 * math.cos(2 * phase - math.pi / 3)


def round_down(value: Decimal | float, step: Decimal) -> Decimal:
    """Round ``value`` down to a multiple of ``step``."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return (exact / step).to_integral_value(ROUND_FLOOR) * step


class BackgroundMarket:
    """A generator of the other participants' orders. It reads the book and never writes it.

    Makers quote on a grid of prices around a mid. After the mid has moved, they withdraw orders that are on its wrong
    side or too far from it. A level that takers have emptied returns at a random time, so depth comes back over
    seconds.

    Without ``path`` the mid follows a driftless random walk. With ``path`` it follows a price that several venues
    share, plus a random deviation of at most ``MAX_NOISE`` that returns to zero.
    """

    def __init__(
        self,
        parameters: MarketParameters,
        seed: int,
        *,
        mid: Decimal | None = None,
        path: PricePath | None = None,
        venue: str = "",
    ) -> None:
        self.parameters = parameters
        own = f"{seed}:{venue}" if venue else f"{seed}"
        self._random = Random(f"{own}:{parameters.market.symbol}")
        self._mid = float(mid if mid is not None else parameters.mid)
        self._path = path
        self._noise = 0.0
        self._jump = 0.0
        self._quotes: dict[Side, dict[int, int]] = {side: {} for side in Side}
        self._next_id = -1
        self._spacing = float(parameters.spacing)
        self._jitter_ticks = int(parameters.spacing / parameters.market.tick)
        self._far = parameters.near_levels + 10 * parameters.far_levels

    def follow_rules(self, market: Market) -> None:
        """Quote on another tick and lot from now on.

        Raises ``ValueError`` if the tick does not divide the distance between two price levels of the makers.
        """
        if self.parameters.spacing % market.tick:
            raise ValueError(
                f"tick {market.tick} does not divide the spacing of levels, {self.parameters.spacing}"
            )
        self.parameters = replace(self.parameters, market=market)
        self._jitter_ticks = int(self.parameters.spacing / market.tick)

    @property
    def mid(self) -> Decimal:
        """Return the price around which makers quote, on the tick."""
        return round_down(self._mid, self.parameters.market.tick)

    def move_to(self, mid: Decimal) -> None:
        """Jump to another mid. The next ``step`` or ``settle`` quotes around it.

        A market that follows a shared price (``path``) stays away from it by this jump from then on.
        """
        if not mid > ZERO:
            raise ValueError(f"mid {mid} is not positive")
        self._jump += math.log(float(mid) / self._mid)
        self._mid = float(mid)

    def settle(self, book: OrderBook) -> list[OrderCommand]:
        """Return commands that rebuild the whole book around the mid at once, for the start or after a jump."""
        return [*self._withdrawals(book), *self._refills(math.inf)]

    def step(self, book: OrderBook, now: float, dt: float) -> list[OrderCommand]:
        """Return the orders of the other participants within ``dt`` seconds up to ``now`` (seconds since the epoch).

        First the mid moves. Then makers withdraw orders that no longer fit the mid, missing levels come back, and
        takers trade.
        """
        self._mid = self._walk(dt) if self._path is None else self._follow(self._path, now, dt)
        commands = self._withdrawals(book)
        commands += self._refills(dt)
        for _ in range(self._poisson(self.parameters.takers_per_second * activity(now) * dt)):
            commands.append(self._taker())
        return commands

    # --- the mid --------------------------------------------------------------------------------

    def _walk(self, dt: float) -> float:
        deviation = self.parameters.volatility * 1e-4 * math.sqrt(dt)
        return self._mid * math.exp(self._random.gauss(0.0, deviation) - deviation * deviation / 2)

    def _follow(self, path: PricePath, now: float, dt: float) -> float:
        """Return the price of ``path`` with Ornstein-Uhlenbeck noise, in its exact discretisation."""
        kept = math.exp(-dt / NOISE_SECONDS)
        noise = self._noise * kept + NOISE * math.sqrt(1 - kept * kept) * self._random.gauss(0.0, 1.0)
        self._noise = min(max(noise, -MAX_NOISE), MAX_NOISE)
        return path.price(now) * math.exp(self._noise + self._jump)

    # --- makers ---------------------------------------------------------------------------------

    def _top(self, side: Side) -> int:
        """Return the number of the best grid level on which makers quote. Level n covers [n, n + 1) × spacing."""
        position = self._mid / self._spacing
        return math.floor(position) - 1 if side is Side.BUY else math.floor(position) + 1

    def _withdrawals(self, book: OrderBook) -> list[OrderCommand]:
        commands: list[OrderCommand] = []
        near = self.parameters.near_levels
        for side in Side:
            top, quotes = self._top(side), self._quotes[side]
            for number, order_id in list(quotes.items()):
                depth = (top - number) * side.sign
                stale = depth < 0 or depth >= self._far or (depth >= near and number % 10)
                gone = order_id not in book
                if gone or stale:
                    del quotes[number]
                if stale and not gone:
                    commands.append(Withdraw(order_id))
        return commands

    def _refills(self, dt: float) -> list[OrderCommand]:
        commands: list[OrderCommand] = []
        chance = 1 - math.exp(-self.parameters.refill_per_second * dt)
        near = self.parameters.near_levels
        for side in Side:
            top, quotes = self._top(side), self._quotes[side]
            for depth in range(self._far):
                number = top - depth * side.sign
                if number in quotes or (depth >= near and number % 10) or number <= 0:
                    continue
                if chance >= 1 or self._random.random() < chance:
                    order = self._quote(side, number, depth)
                    quotes[number] = order.id
                    commands.append(order)
        return commands

    def _quote(self, side: Side, number: int, depth: int) -> NewOrder:
        market = self.parameters.market
        jitter = self._random.randrange(self._jitter_ticks) * market.tick
        mean = self.parameters.level_size * (1 + min(depth, 40) / 8)
        size = mean * self._random.lognormvariate(-0.18, 0.6)
        return self._order(side, size, number * self.parameters.spacing + jitter, OrderLife.GTC)

    # --- takers ---------------------------------------------------------------------------------

    def _taker(self) -> NewOrder:
        tail, mean = self.parameters.taker_tail, self.parameters.taker_size
        smallest = mean * (tail - 1) / tail
        size = min(self._random.paretovariate(tail) * smallest, 60 * mean)
        side = Side.BUY if self._random.random() < 0.5 else Side.SELL
        return self._order(side, size, None, OrderLife.IOC)

    def taker(self, side: Side, quantity: Decimal, limit: Decimal | None = None) -> NewOrder:
        """Return a taker order of a given size, for tests and scenarios that need a certain trade."""
        return NewOrder(self._draw_id(), BACKGROUND, side, quantity, limit, OrderLife.IOC)

    def _order(self, side: Side, size: float, price: Decimal | None, life: OrderLife) -> NewOrder:
        market = self.parameters.market
        reference = float(price) if price is not None else self._mid
        smallest = max(float(market.min_quantity), 1.2 * float(market.min_notional) / reference)
        quantity = round_down(max(size, smallest), market.lot)
        return NewOrder(self._draw_id(), BACKGROUND, side, quantity, price, life)

    def _draw_id(self) -> int:
        order_id = self._next_id
        self._next_id -= 1
        return order_id

    def _poisson(self, mean: float) -> int:
        """Draw a Poisson number by Knuth's method. It suits the means used here, which are far below 30."""
        count, product, threshold = 0, self._random.random(), math.exp(-mean)
        while product > threshold:
            count += 1
            product *= self._random.random()
        return count
