"""Parts of the engine around the rows of a test: a clock that stands still, an exchange that says what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar, cast

from execution.core.types import (
    BalanceAmounts,
    Book,
    CancelConfirmed,
    CancelOutcome,
    Candle,
    ChildRequest,
    CreateOutcome,
    KeyPermissions,
    Market,
    MarketEvent,
    OrderRef,
    OrderReport,
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
    looked_at: list[str] = field(default_factory=list)
    created: list[ChildRequest] = field(default_factory=list)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ready(self, kind: Literal["create", "cancel"]) -> None: ...

    async def markets(self, symbols: Sequence[str]) -> dict[str, Market]:
        return {}

    async def create(self, request: ChildRequest, *, valid_for: timedelta) -> CreateOutcome:
        self.created.append(request)
        return Unknown("no answer")

    async def cancel(self, ref: OrderRef) -> CancelOutcome:
        return CancelConfirmed(
            OrderReport(ref.symbol, ref.client_id, ref.exchange_id, VenueStatus.CANCELLED, D(0))
        )

    async def find(self, ref: OrderRef) -> OrderReport | None:
        return self.found.get(ref.exchange_id or ref.client_id)

    async def open_orders(self, symbol: str) -> list[OrderReport]:
        self.looked_at.append(symbol)
        if symbol in self.failing:
            raise self.failing[symbol]
        return self.orders

    async def closed_orders(self, symbol: str, since: datetime) -> list[OrderReport]:
        return []

    async def trades(self, symbol: str, since: datetime) -> list[Trade]:
        return self.listed

    async def balances(self) -> dict[str, BalanceAmounts]:
        return {}

    async def permissions(self) -> KeyPermissions:
        return KeyPermissions()

    async def quote(self, symbol: str) -> Quote:
        raise NotImplementedError

    async def book(self, symbol: str) -> Book:
        self.looked_at.append(symbol)
        if symbol in self.failing:
            raise self.failing[symbol]
        return self.books[symbol]

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        self.looked_at.append(symbol)
        if symbol in self.failing:
            raise self.failing[symbol]
        return [candle for candle in self.candles_of if since <= candle.opened_at < until]

    async def watch_account(self, symbols: Sequence[str]) -> AsyncIterator[StreamEvent]:
        for event in self.news:
            yield event

    async def watch_market(self, symbols: Sequence[str]) -> AsyncIterator[MarketEvent]:
        return
        yield


@dataclass
class Desk:
    """What the parts of a session are made of."""

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
            quotes=QuoteBoard(),
            desk_book=DeskBook(self.clock, Database(self.clock)),
            poke_order=self.poked.append,
            poke_account=_nobody,
            publish_quote=_nobody,
        )


def _nobody(*_: Any) -> None: ...


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run what never has to wait without a loop: in one, Django would open another connection."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast(T, done.value)
    raise AssertionError("it waits for something")
