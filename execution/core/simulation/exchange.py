"""A simulated exchange for the desk's orders. Orders arrive with a delay, and so do the reports on them."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from execution.core.simulation.ladder import LadderFill
from execution.core.types import Liquidity, TimeInForce, VenueStatus

LATENCY = 0.08  #: seconds to the exchange, and as many back


class BookSide(Protocol):
    """One side of a book that includes our orders. Prices are in ticks, sizes in lots."""

    @property
    def best(self) -> int | None: ...

    def levels(self, count: int) -> Iterator[tuple[int, int]]: ...

    def remove(self, price: int, owner: int) -> int: ...


class LadderMarket(Protocol):
    """A market, generated or recorded, in which a simulated order can be worked.

    Times are in seconds since its start.
    """

    now: float
    volume: int
    fills: list[LadderFill]

    @property
    def bids(self) -> BookSide: ...

    @property
    def asks(self) -> BookSide: ...

    @property
    def mid(self) -> float: ...

    def mid_of_others(self) -> float: ...

    def run_to(self, now: float) -> None: ...

    def next_at(self) -> float: ...

    def side_of(self, sign: int) -> BookSide: ...

    def would_take(self, sign: int, price: int) -> bool: ...

    def rest(self, order: int, sign: int, price: int, lots: int) -> None: ...

    def take(self, sign: int, lots: int, worst: int | None) -> list[tuple[int, int]]: ...


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill of one of our orders, in ticks and lots. ``mid`` (ticks) is just before the trade, without our orders."""

    price: int
    lots: int
    liquidity: Liquidity
    mid: float


@dataclass(slots=True)
class Placed:
    """One of our orders, as the exchange knows it."""

    id: int
    sign: int
    price: int | None  #: ticks; None is a market order
    lots: int
    life: TimeInForce
    filled: int = 0
    status: VenueStatus | None = None

    @property
    def is_over(self) -> bool:
        return self.status not in {None, VenueStatus.OPEN}


@dataclass(frozen=True, slots=True)
class Report:
    """The exchange's report on an order. ``filled`` is the total so far, in lots."""

    order: int
    status: VenueStatus
    filled: int
    reason: str = ""


@dataclass(order=True, slots=True)
class _Mail:
    at: float
    number: int
    create: Placed | None = field(compare=False, default=None)
    cancel: int | None = field(compare=False, default=None)
    report: Report | None = field(compare=False, default=None)


class SimulatedExchange:
    """An exchange in virtual time. It receives our orders, advances the market, and reports on the orders."""

    def __init__(self, market: LadderMarket) -> None:
        self.market = market
        self.orders: dict[int, Placed] = {}
        self.fills: list[Fill] = []
        self._mail: list[_Mail] = []
        self._count = 0
        self._resting: set[int] = set()

    @property
    def now(self) -> float:
        return self.market.now

    def create(self, order: Placed) -> None:
        """Send an order. Its id must be above zero and new."""
        self._send(LATENCY, create=order)

    def cancel(self, order: int) -> None:
        """Request a cancel. It has no effect if the order has ended before the request arrives."""
        self._send(LATENCY, cancel=order)

    def advance(self, until: float, below: int | None, above: int | None) -> list[Report]:
        """Let time pass up to ``until``, and return the first reports.

        Time stops earlier at the first report, or when the quote reaches a bound. Bounds are in ticks.

        The ask reaches ``below`` when it is at or under that price. The bid reaches ``above`` when it is at or above
        that price.
        """
        while True:
            mail_at = self._mail[0].at if self._mail else until
            step_to = min(until, mail_at)
            if self._watches(below, above) and self.market.next_at() < step_to:
                self.market.run_to(self.market.next_at())
                self._collect()
                if self._is_beyond(below, above):
                    return []
                continue
            self.market.run_to(step_to)
            self._collect()
            if not self._mail or self._mail[0].at > until:
                return []
            if reports := self._deliver():
                return reports

    def _watches(self, below: int | None, above: int | None) -> bool:
        return bool(self._resting) or below is not None or above is not None

    def _is_beyond(self, below: int | None, above: int | None) -> bool:
        bid, ask = self.market.bids.best, self.market.asks.best
        return (below is not None and ask is not None and ask <= below) or (
            above is not None and bid is not None and bid >= above
        )

    def _deliver(self) -> list[Report]:
        """Deliver the next message.

        If it is an order or a cancel, the exchange gets it, and the result is empty. If it is a report, return it.
        """
        mail = heapq.heappop(self._mail)
        if mail.report is not None:
            return [mail.report]
        if mail.create is not None:
            self._arrive(mail.create)
        elif mail.cancel is not None:
            self._withdraw(self.orders[mail.cancel])
        return []

    def _send(
        self,
        delay: float,
        *,
        create: Placed | None = None,
        cancel: int | None = None,
        report: Report | None = None,
    ) -> None:
        self._count += 1
        heapq.heappush(self._mail, _Mail(self.now + delay, self._count, create, cancel, report))

    def _say(self, order: Placed, reason: str = "") -> None:
        status = order.status or VenueStatus.OPEN
        self._send(LATENCY, report=Report(order.id, status, order.filled, reason))

    def _arrive(self, order: Placed) -> None:
        self.orders[order.id] = order
        takes = order.price is None or self.market.would_take(order.sign, order.price)
        if takes and order.life is TimeInForce.POST_ONLY:
            order.status = VenueStatus.REJECTED
            self._say(order, "OrderImmediatelyFillable: the order would have taken")
            return
        if takes:
            self._take(order)
        if order.filled == order.lots:
            order.status = VenueStatus.FILLED
        elif order.price is None or order.life is TimeInForce.IOC:
            order.status = VenueStatus.EXPIRED
        else:
            order.status = VenueStatus.OPEN
            self._resting.add(order.id)
            self.market.rest(order.id, order.sign, order.price, order.lots - order.filled)
        self._say(order)

    def _take(self, order: Placed) -> None:
        mid = self.market.mid_of_others()
        for price, lots in self.market.take(order.sign, order.lots, order.price):
            self.fills.append(Fill(price, lots, Liquidity.TAKER, mid))
            order.filled += lots

    def _withdraw(self, order: Placed) -> None:
        if order.is_over or order.price is None:
            return
        self.market.side_of(order.sign).remove(order.price, order.id)
        order.status = VenueStatus.CANCELLED
        self._resting.discard(order.id)
        self._say(order)

    def _collect(self) -> None:
        """Record the market's new fills of the desk's resting orders, and send a report on each order."""
        if not self.market.fills:
            return
        told = set()
        for fill in self.market.fills:
            order = self.orders[fill.order]
            order.filled += fill.lots
            if order.filled == order.lots:
                order.status = VenueStatus.FILLED
                self._resting.discard(order.id)
            self.fills.append(Fill(fill.price, fill.lots, Liquidity.MAKER, fill.mid))
            told.add(order.id)
        self.market.fills = []
        for number in sorted(told):
            self._say(self.orders[number])
