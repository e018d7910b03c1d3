"""Parts of the engine around the rows of a test: a clock that stands still, an exchange that says what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar, cast

from django.db import connections

from execution.core.guarantees import GUARANTEES
from execution.core.guarantees.promise import Guarantees
from execution.core.market_data.feeds import MarketEvent
from execution.core.types import (
    BalanceAmounts,
    Book,
    CancelConfirmed,
    CancelFailed,
    CancelOutcome,
    Candle,
    CandleHistory,
    ChildRequest,
    CreateOutcome,
    KeyPermissions,
    Market,
    OrderRef,
    OrderReport,
    PublicTrade,
    Quote,
    StreamEvent,
    Trade,
    Unknown,
    VenueStatus,
)
from execution.engine.context import EngineContext
from execution.engine.db.database import Database
from execution.engine.desk_book import DeskBook
from execution.engine.quotes import QuoteBoard
from execution.venues.protocol import (
    AccountQuestion,
    CancelScope,
    Listing,
    TradesQuestion,
    Unreadable,
    VenueReadFailed,
)
from execution.verification.faults.virtual import VirtualClock, VirtualLoop
from tests.factories import NOW, D, Rows

T = TypeVar("T")


@dataclass
class StillClock:
    """Time passes only when somebody sleeps."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time

    def boot(self) -> float:
        return (self.time - NOW).total_seconds()

    def pass_by(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)
        await asyncio.sleep(0)


@dataclass
class LongLease:
    worker_pk: int
    seconds: float = 2.0

    def left(self) -> float:
        return self.seconds


@dataclass
class ScriptedExchange:
    """A gateway whose answers are given; a symbol in ``failing`` answers nothing."""

    orders: list[OrderReport] = field(default_factory=list)
    found: dict[str, OrderReport] = field(default_factory=dict)
    listed: list[Trade] = field(default_factory=list)
    news: list[StreamEvent] = field(default_factory=list)
    failing: dict[str, Exception] = field(default_factory=dict)
    books: dict[str, Book] = field(default_factory=dict)
    candles_of: list[Candle] = field(default_factory=list)
    polled_at: list[str] = field(default_factory=list)
    created: list[ChildRequest] = field(default_factory=list)
    unreadable_orders: list[Unreadable] = field(default_factory=list)
    unreadable_trades: list[Unreadable] = field(default_factory=list)
    reconnects: list[str] = field(default_factory=list)
    #: Places in the rate limit that creates have taken and not given back.
    places: int = 0
    guarantees: Guarantees = GUARANTEES["binance"]
    listed_symbols: frozenset[str] = frozenset()
    #: The seconds for which the dead-man's switch was armed each time; None: taken back.
    switched: list[int | None] = field(default_factory=list)
    switch_fails: bool = False
    #: The symbols of which all orders were cancelled, and what the exchange answers.
    cancelled_all: list[str | None] = field(default_factory=list)
    cancel_all_answer: Mapping[str, OrderReport] | CancelFailed = field(default_factory=dict)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ready(
        self, kind: Literal["create", "cancel"], symbol: str, age: timedelta | None = None
    ) -> None:
        self.places += kind == "create"

    def share_limits(self, clients: int) -> None: ...

    def give_back(self, kind: Literal["create", "cancel"], symbol: str) -> None:
        self.places -= kind == "create"

    async def markets(self, symbols: Sequence[str]) -> dict[str, Market]:
        return {}

    async def create(self, request: ChildRequest, *, valid_for: timedelta) -> CreateOutcome:
        self.created.append(request)
        return Unknown("no answer")

    async def cancel(self, ref: OrderRef) -> CancelOutcome:
        return CancelConfirmed(
            OrderReport(ref.symbol, ref.client_id, ref.exchange_id, VenueStatus.CANCELLED, D(0))
        )

    cancels_all: CancelScope | None = None

    async def cancel_all(self, symbol: str | None) -> Mapping[str, OrderReport] | CancelFailed:
        self.cancelled_all.append(symbol)
        return self.cancel_all_answer

    async def find(self, ref: OrderRef) -> OrderReport | None:
        return self.found.get(ref.exchange_id or ref.client_id)

    orders_at_once = 1

    async def find_all(self, exchange_ids: Sequence[str]) -> Mapping[str, OrderReport]:
        return {one: self.found[one] for one in exchange_ids if one in self.found}

    def seconds_of(self, kind: Literal["balances", "find", "trades"]) -> float:
        return 0.0

    def seconds_of_trades(self, symbols: int, count: int) -> float:
        return 0.0

    def cheapest_trades(self, orders: Collection[int]) -> TradesQuestion:
        return "symbol"

    async def order_trades(self, ref: OrderRef) -> Listing[Trade]:
        return Listing(trade for trade in self.listed if trade.exchange_id == ref.exchange_id)

    def account_questions(self, symbols: int) -> frozenset[AccountQuestion]:
        return frozenset()

    async def open_orders(self, symbol: str | None) -> Listing[OrderReport]:
        self.polled_at.append(symbol or "all")
        if symbol in self.failing:
            raise self.failing[symbol]
        return Listing(self.orders, self.unreadable_orders)

    async def closed_orders(self, symbol: str, since: datetime) -> Listing[OrderReport]:
        return Listing()

    async def trades(self, symbol: str | None, since: datetime) -> Listing[Trade]:
        return Listing(self.listed, self.unreadable_trades)

    def reconnect_account(self, reason: str) -> None:
        self.reconnects.append(reason)

    async def balances(self) -> dict[str, BalanceAmounts]:
        return {}

    async def permissions(self) -> KeyPermissions:
        return KeyPermissions()

    async def arm_switch(self, seconds: int) -> None:
        self._switch(seconds)

    async def disarm_switch(self) -> None:
        self._switch(None)

    def _switch(self, seconds: int | None) -> None:
        if self.switch_fails:
            raise VenueReadFailed("the exchange is away")
        self.switched.append(seconds)

    async def quote(self, symbol: str) -> Quote:
        raise NotImplementedError

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        return {}

    async def book(self, symbol: str) -> Book:
        self.polled_at.append(symbol)
        if symbol in self.failing:
            raise self.failing[symbol]
        return self.books[symbol]

    async def candles(self, symbol: str, since: datetime, until: datetime) -> CandleHistory:
        self.polled_at.append(symbol)
        if symbol in self.failing:
            raise self.failing[symbol]
        return CandleHistory(tuple(bar for bar in self.candles_of if since <= bar.opened_at < until))

    async def watch_account(self, symbols: Sequence[str]) -> AsyncIterator[StreamEvent]:
        for event in self.news:
            yield event

    async def missed_trades(self, symbol: str, after: PublicTrade | None) -> list[PublicTrade]:
        return []

    def watch_market(self, symbols: Sequence[str]) -> ScriptedMarketStream:
        return ScriptedMarketStream()


class ScriptedMarketStream:
    """A market stream that says nothing; ``wanted`` are the books that it was asked for."""

    def __init__(self) -> None:
        self.wanted: list[set[str]] = []
        self.reconnects: list[str] = []

    shows_missing_trades = True

    def want_books(self, symbols: Collection[str]) -> None:
        self.wanted.append(set(symbols))

    def reconnect(self, reason: str) -> None:
        self.reconnects.append(reason)

    async def events(self) -> AsyncGenerator[MarketEvent, None]:
        return
        yield


async def _no_gate() -> None: ...


class LoopDesk:
    """A desk in a loop of virtual time, for what runs side by side. Its rows are committed ones.

    ``run`` opens a connection of the loop's own, and closes it.
    """

    def __init__(self, rows: Rows, exchange: ScriptedExchange | None = None) -> None:
        self.loop = VirtualLoop()
        self.clock = VirtualClock(self.loop, skew=0.0, gate=_no_gate)
        self.desk = Desk(rows, exchange=exchange or ScriptedExchange(), clock=cast(StillClock, self.clock))

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], seconds: float = 5000) -> T:
        """Run to its end, in at most so many virtual seconds."""

        async def bounded() -> T:
            try:
                return await asyncio.wait_for(work(), seconds)
            finally:
                connections.close_all()

        return self.loop.run_until_complete(bounded())


@dataclass
class Desk:
    """The parts of a session."""

    rows: Rows
    exchange: ScriptedExchange = field(default_factory=ScriptedExchange)
    clock: StillClock = field(default_factory=StillClock)
    poked: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lease = LongLease(self.rows.worker.pk)
        self.parts = EngineContext(
            clock=self.clock,
            database=Database(self.clock),
            lease=self.lease,
            quotes=QuoteBoard(self.clock),
            desk_book=DeskBook(self.clock, Database(self.clock)),
            poke_order=self.poked.append,
            poke_account=_nobody,
            publish_quote=_nobody,
        )


def _nobody(*_: Any) -> None: ...


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run what never has to wait without a loop: in one, Django would open another connection.

    A bare turn of the loop, as the still clock's sleep makes, is no waiting.
    """
    try:
        while work.send(None) is None:
            continue
    except StopIteration as done:
        return cast(T, done.value)
    raise AssertionError("it waits for something")
