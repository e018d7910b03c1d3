"""Price-time matching of one symbol's order book.

The module is pure. It uses no clock and no random numbers. Prices and quantities are ``Decimal``; quantities are in
base units. A new limit order queues behind everything that already rests at its price.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from execution.core.types import ZERO, Side


class OrderLife(StrEnum):
    """The time in force of an order."""

    GTC = "GTC"  #: rests until filled or cancelled
    IOC = "IOC"  #: fills at once what it can, the rest expires
    FOK = "FOK"  #: fills at once and wholly, or expires whole
    POST_ONLY = "POST_ONLY"  #: rests, refused if it would take


class SelfTradePrevention(StrEnum):
    """The rule for an order that meets another order of the same owner.

    If the modes of the two orders differ, that of the incoming order is used.
    """

    NONE = "NONE"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"

    @property
    def expires_maker(self) -> bool:
        return self in (SelfTradePrevention.EXPIRE_MAKER, SelfTradePrevention.EXPIRE_BOTH)

    @property
    def expires_taker(self) -> bool:
        return self in (SelfTradePrevention.EXPIRE_TAKER, SelfTradePrevention.EXPIRE_BOTH)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as it reaches the book. ``price`` None is a market order, which never rests."""

    id: int
    owner: str
    side: Side
    quantity: Decimal
    price: Decimal | None = None
    life: OrderLife = OrderLife.GTC
    prevention: SelfTradePrevention = SelfTradePrevention.NONE

    def accepts(self, price: Decimal) -> bool:
        """Return whether the order may trade at ``price``."""
        if self.price is None:
            return True
        return price <= self.price if self.side is Side.BUY else price >= self.price


@dataclass(slots=True)
class RestingOrder:
    """An order in the book. ``remaining`` is its unfilled quantity."""

    id: int
    owner: str
    side: Side
    price: Decimal
    remaining: Decimal


@dataclass(frozen=True, slots=True)
class Execution:
    """One trade between the incoming order and the front of a queue, at the resting price."""

    taker_id: int
    maker_id: int
    maker_owner: str
    price: Decimal
    quantity: Decimal
    maker_done: bool


@dataclass(slots=True)
class MatchResult:
    """The result of an incoming order: unless refused, its quantity is the sum of executions, rested and expired."""

    executions: list[Execution] = field(default_factory=list)
    expired_makers: list[RestingOrder] = field(default_factory=list)
    rested: Decimal = ZERO
    expired: Decimal = ZERO
    stopped_by: RestingOrder | None = None  #: the own order that made self-trade prevention end this one
    refused: bool = False  #: post-only and would have taken

    @property
    def filled(self) -> Decimal:
        return sum((execution.quantity for execution in self.executions), ZERO)


class _Level:
    """The queue of orders at one price, oldest first, with their total quantity."""

    __slots__ = ("orders", "total")

    def __init__(self) -> None:
        self.orders: dict[int, RestingOrder] = {}
        self.total = ZERO

    @property
    def first(self) -> RestingOrder:
        return next(iter(self.orders.values()))


class _BookSide:
    """The levels of one side. ``ranks`` is sorted with the best last: price for bids, -price for asks."""

    __slots__ = ("levels", "ranks", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.levels: dict[Decimal, _Level] = {}
        self.ranks: list[Decimal] = []

    def rank(self, price: Decimal) -> Decimal:
        return price if self.side is Side.BUY else -price

    @property
    def best(self) -> Decimal | None:
        return self.rank(self.ranks[-1]) if self.ranks else None

    def prices(self) -> Iterator[Decimal]:
        return (self.rank(rank) for rank in reversed(self.ranks))

    def add(self, order: RestingOrder) -> None:
        level = self.levels.get(order.price)
        if level is None:
            level = self.levels[order.price] = _Level()
            insort(self.ranks, self.rank(order.price))
        level.orders[order.id] = order
        level.total += order.remaining

    def reduce(self, order: RestingOrder, quantity: Decimal) -> None:
        """Take ``quantity`` off the order. If nothing remains, take the order off the book."""
        level = self.levels[order.price]
        order.remaining -= quantity
        level.total -= quantity
        if order.remaining == ZERO:
            self._forget(order, level)

    def remove(self, order: RestingOrder) -> None:
        """Take the order off the book. Its ``remaining`` stays unchanged, so that a caller can report it."""
        level = self.levels[order.price]
        level.total -= order.remaining
        self._forget(order, level)

    def _forget(self, order: RestingOrder, level: _Level) -> None:
        del level.orders[order.id]
        if not level.orders:
            del self.levels[order.price]
            del self.ranks[bisect_left(self.ranks, self.rank(order.price))]


class OrderBook:
    """The book of one symbol.

    ``sequence`` counts changes of levels, for exchanges that number their depth updates.
    """

    def __init__(self, sequence: int = 0) -> None:
        self.sequence = sequence
        self._sides = {side: _BookSide(side) for side in Side}
        self._orders: dict[int, RestingOrder] = {}
        self._changed: dict[tuple[Side, Decimal], None] = {}

    # --- orders ---------------------------------------------------------------------------------

    def submit(self, order: NewOrder) -> MatchResult:
        """Match an order and let its unfilled quantity rest.

        1. Refuse a post-only order that would take.
        2. Expire a fill-or-kill order that cannot fill wholly.
        3. Trade with the front of the best queue, or prevent a trade with an order of the same owner.
        4. Let the unfilled quantity rest or expire.

        Raises ValueError for a quantity or price that is not positive, or for the id of an order that rests already.
        """
        self._check(order)
        if order.life is OrderLife.POST_ONLY and self.would_take(order):
            return MatchResult(refused=True)
        if order.life is OrderLife.FOK and self.available(order) < order.quantity:
            return MatchResult(expired=order.quantity)
        result = MatchResult()
        left = self._match(order, result)
        rests = order.life in (OrderLife.GTC, OrderLife.POST_ONLY) and result.stopped_by is None
        if left > ZERO and rests and order.price is not None:
            result.rested = left
            self._rest(order, order.price, left)
        else:
            result.expired = left
        return result

    def cancel(self, order_id: int) -> RestingOrder | None:
        """Take an order off the book and return it; None if it is filled, cancelled or unknown."""
        order = self._orders.get(order_id)
        if order is not None:
            self._remove(order)
        return order

    def reduce(self, order_id: int, quantity: Decimal) -> None:
        """Take ``quantity`` off a resting order that keeps its place in the queue.

        Raises KeyError for an order that does not rest, ValueError for a quantity that is not below its remaining
        one.
        """
        order = self._orders[order_id]
        if not ZERO < quantity < order.remaining:
            raise ValueError(f"quantity {quantity} is not within 0 and the {order.remaining} that remain")
        self._touch(order.side, order.price)
        self._sides[order.side].reduce(order, quantity)

    def hit(self, taker_id: int, order_id: int, quantity: Decimal) -> Execution:
        """Trade ``quantity`` with one resting order, even if others are before it in the queue.

        Raises KeyError for an order that does not rest, ValueError for a quantity above its remaining one.
        """
        order = self._orders[order_id]
        if not ZERO < quantity <= order.remaining:
            raise ValueError(f"quantity {quantity} is not within 0 and the {order.remaining} that remain")
        return self._execute(taker_id, order, quantity)

    def find(self, order_id: int) -> RestingOrder | None:
        return self._orders.get(order_id)

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._orders

    # --- what the book says ---------------------------------------------------------------------

    def best(self, side: Side) -> Decimal | None:
        """Return the best price of a side, None when it is empty."""
        return self._sides[side].best

    def quantity_at(self, side: Side, price: Decimal) -> Decimal:
        level = self._sides[side].levels.get(price)
        return level.total if level else ZERO

    def levels(self, side: Side, limit: int | None = None) -> list[tuple[Decimal, Decimal]]:
        """Return the price and quantity of each level, best first."""
        book_side = self._sides[side]
        ranks = book_side.ranks[::-1] if limit is None else book_side.ranks[: -limit - 1 : -1]
        return [(price, book_side.levels[price].total) for price in map(book_side.rank, ranks)]

    def queue(self, side: Side, price: Decimal) -> list[RestingOrder]:
        """Return the orders at a price, in the order in which they are filled."""
        level = self._sides[side].levels.get(price)
        return list(level.orders.values()) if level else []

    def would_take(self, order: NewOrder) -> bool:
        best = self.best(order.side.opposite)
        return best is not None and order.accepts(best)

    def available(self, order: NewOrder) -> Decimal:
        """Return the base quantity that the order could trade now, at most its own quantity."""
        return sum((quantity for _, quantity in self.reachable(order)), ZERO)

    def reachable(self, order: NewOrder) -> list[tuple[Decimal, Decimal]]:
        """Return (price, quantity) of each trade that the order would make now."""
        trades = []
        left = order.quantity
        for maker in self._facing(order):
            if left == ZERO:
                break
            if maker.owner == order.owner and order.prevention is not SelfTradePrevention.NONE:
                if order.prevention.expires_taker:
                    break
                continue
            quantity = min(left, maker.remaining)
            trades.append((maker.price, quantity))
            left -= quantity
        return trades

    def drain_changes(self) -> list[tuple[Side, Decimal, Decimal]]:
        """Return the levels that changed since the last call, with their quantity now (0: the level is gone)."""
        changes = [(side, price, self.quantity_at(side, price)) for side, price in self._changed]
        self._changed.clear()
        return changes

    # --- inside ---------------------------------------------------------------------------------

    def _check(self, order: NewOrder) -> None:
        if not order.quantity > ZERO:
            raise ValueError(f"quantity {order.quantity} is not positive")
        if order.price is not None and not order.price > ZERO:
            raise ValueError(f"price {order.price} is not positive")
        if order.id in self._orders:
            raise ValueError(f"order {order.id} already rests")

    def _match(self, order: NewOrder, result: MatchResult) -> Decimal:
        left = order.quantity
        facing = self._sides[order.side.opposite]
        while left > ZERO and (best := facing.best) is not None and order.accepts(best):
            maker = facing.levels[best].first
            if maker.owner == order.owner and order.prevention is not SelfTradePrevention.NONE:
                if order.prevention.expires_maker:
                    self._remove(maker)
                    result.expired_makers.append(maker)
                if order.prevention.expires_taker:
                    result.stopped_by = maker
                    break
                continue
            quantity = min(left, maker.remaining)
            left -= quantity
            result.executions.append(self._execute(order.id, maker, quantity))
        return left

    def _execute(self, taker_id: int, maker: RestingOrder, quantity: Decimal) -> Execution:
        self._touch(maker.side, maker.price)
        self._sides[maker.side].reduce(maker, quantity)
        done = maker.remaining == ZERO
        if done:
            del self._orders[maker.id]
        return Execution(taker_id, maker.id, maker.owner, maker.price, quantity, done)

    def _facing(self, order: NewOrder) -> Iterator[RestingOrder]:
        facing = self._sides[order.side.opposite]
        for price in facing.prices():
            if not order.accepts(price):
                return
            yield from facing.levels[price].orders.values()

    def _rest(self, order: NewOrder, price: Decimal, quantity: Decimal) -> None:
        resting = RestingOrder(order.id, order.owner, order.side, price, quantity)
        self._orders[order.id] = resting
        self._sides[order.side].add(resting)
        self._touch(order.side, price)

    def _remove(self, order: RestingOrder) -> None:
        del self._orders[order.id]
        self._sides[order.side].remove(order)
        self._touch(order.side, order.price)

    def _touch(self, side: Side, price: Decimal) -> None:
        self.sequence += 1
        self._changed[side, price] = None
