"""A limit order book on whole ticks and lots: price-time priority, with real queue positions.

``core.market_model.matching`` has the same rules in ``Decimal``, with owners and self-trade prevention. A simulation
needs millions of events, so this book is simpler. Consecutive orders of other participants are one entry of a queue,
and only ours are entries of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

OTHERS = 0  #: the owner of everything that is not ours


@dataclass(frozen=True, slots=True)
class LadderFill:
    """A fill of one of our resting orders, in ticks and lots."""

    order: int
    price: int
    lots: int
    mid: float = 0.0  #: of the others just before the trade


class LadderSide:
    """One side: queues of ``[owner, lots]`` by price, oldest first. ``sign`` is +1 for bids, -1 for asks."""

    __slots__ = ("queues", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.queues: dict[int, list[list[int]]] = {}

    @property
    def best(self) -> int | None:
        if not self.queues:
            return None
        return max(self.queues) if self.sign > 0 else min(self.queues)

    def prices(self) -> list[int]:
        """Return the prices, best first."""
        return sorted(self.queues, reverse=self.sign > 0)

    def levels(self, count: int) -> Iterator[tuple[int, int]]:
        """Return the price and the total quantity of the best levels."""
        for price in self.prices()[:count]:
            yield price, sum(entry[1] for entry in self.queues[price])

    def total(self, price: int) -> int:
        return sum(entry[1] for entry in self.queues.get(price, ()))

    def others(self, price: int) -> int:
        """Return the other participants' lots at a price."""
        return sum(lots for owner, lots in self.queues.get(price, ()) if owner == OTHERS)

    @property
    def best_of_others(self) -> int | None:
        return next((price for price in self.prices() if self.others(price)), None)

    def add(self, price: int, lots: int, owner: int = OTHERS) -> None:
        """Add lots at the back of the queue."""
        queue = self.queues.setdefault(price, [])
        if owner == OTHERS and queue and queue[-1][0] == OTHERS:
            queue[-1][1] += lots
        else:
            queue.append([owner, lots])

    def fade(self, price: int, share: float) -> None:
        """Withdraw a ``share`` of the other participants' lots from each of their entries in the queue at a price."""
        queue = self.queues[price]
        for entry in queue:
            if entry[0] == OTHERS:
                entry[1] -= min(int(entry[1] * share) + 1, entry[1])
        self._tidy(price, queue)

    def remove(self, price: int, owner: int) -> int:
        """Remove our order with the number ``owner`` from the queue at ``price``. Return its remaining lots."""
        queue = self.queues.get(price, [])
        left = sum(entry[1] for entry in queue if entry[0] == owner)
        for entry in queue:
            if entry[0] == owner:
                entry[1] = 0
        self._tidy(price, queue)
        return left

    def ahead(self, price: int, owner: int) -> int:
        """Return how many lots are before one of our orders in its queue."""
        before = 0
        for entry in self.queues.get(price, ()):
            if entry[0] == owner:
                return before
            before += entry[1]
        raise KeyError(owner)

    def take(
        self, lots: int, worst: int | None, mid: float = 0.0
    ) -> tuple[list[tuple[int, int]], list[LadderFill]]:
        """Trade ``lots`` against the best prices up to ``worst``.

        Return the trades as (price, lots), and the fills of our orders among them.
        """
        trades: list[tuple[int, int]] = []
        ours: list[LadderFill] = []
        while lots > 0 and (price := self.best) is not None:
            if worst is not None and (worst - price) * self.sign > 0:
                break
            queue, taken = self.queues[price], 0
            for entry in queue:
                part = min(entry[1], lots)
                entry[1] -= part
                lots -= part
                taken += part
                if entry[0] != OTHERS and part:
                    ours.append(LadderFill(entry[0], price, part, mid))
                if not lots:
                    break
            trades.append((price, taken))
            self._tidy(price, queue)
        return trades, ours

    def _tidy(self, price: int, queue: list[list[int]]) -> None:
        kept = [entry for entry in queue if entry[1] > 0]
        if kept:
            self.queues[price] = kept
        else:
            self.queues.pop(price, None)
