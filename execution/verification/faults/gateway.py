"""The engine's gateway to a simulated exchange, over a network that loses, delays and garbles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal, TypeVar

from execution.core.types import (
    Accepted,
    BalanceAmounts,
    Book,
    CancelConfirmed,
    CancelFailed,
    CancelGone,
    CancelOutcome,
    Candle,
    ChildRequest,
    CreateOutcome,
    KeyPermissions,
    Market,
    MarketEvent,
    NotSent,
    OrderRef,
    OrderReport,
    Quote,
    Rejected,
    StreamEvent,
    Trade,
    Unknown,
)
from execution.venues.protocol import VenueReadFailed
from execution.verification.faults.exchange import MARKET, SYMBOL, Exchange, Refused, VenueOrder, report_of
from execution.verification.faults.process import Process
from execution.verification.faults.streams import AccountStream, MarketStream
from execution.verification.faults.virtual import BEGINNING

T = TypeVar("T")

TIMEOUT = 4.0  # seconds of a request, as the real gateway's
RICH = BalanceAmounts(Decimal(1_000_000), Decimal(0))


class _Lost(Exception):
    """No usable answer came; ``text`` says what did."""


class SimulatedGateway:
    """One account at one exchange, as one process reaches it (``venues.protocol.Gateway``)."""

    def __init__(self, process: Process, exchange: Exchange, account: str, clock_error: float) -> None:
        self._process = process
        self._exchange = exchange
        self._account = account
        #: What is left of the clocks' difference after it was measured, in seconds.
        self._clock_error = clock_error
        self._loop = process.world.loop
        self._weather = process.world.weather
        self._streams: list[AccountStream | MarketStream] = []

    # --- the network ----------------------------------------------------------------------------

    async def _ask(
        self,
        at_exchange: Callable[[], T],
        *,
        client_id: str = "",
        fate: str = "",
        slow: float = 0.0,
        late: str = "",
    ) -> T:
        """A request and its answer. ``fate``: "lost" on the way there, "unanswered", or ""; raises ``_Lost``.

        What is on its way goes on whatever becomes of the process.
        """
        answer: asyncio.Future[T] = self._loop.create_future()
        answer.add_done_callback(_heard)  # who asked may be dead when the answer comes

        def arrive() -> None:
            if fate == "lost":
                return
            try:
                result = at_exchange()
            except Refused as refused:
                back(partial(_settle, answer, error=refused))
            else:
                back(partial(_settle, answer, result=result))

        def back(deliver: Callable[[], None]) -> None:
            if fate != "unanswered":
                is_late = late and self._weather.strikes(late, client_id)
                self._loop.call_later(self._weather.seconds(3.0) if is_late else self._travel(), deliver)

        if self._weather.strikes("crash before the request", client_id):
            self._process.crash("before a request left")
        await self._process.gate()
        under_way = self._travel() + slow
        self._process.world.requested(self._loop.time() + under_way)
        self._loop.call_later(under_way, arrive)
        if self._weather.strikes("crash after the request", client_id):
            self._process.crash("after a request left")
        if self._weather.strikes("told to stop at a request", client_id):
            self._process.engine.stop()
        await self._process.gate()
        try:
            return await asyncio.wait_for(answer, TIMEOUT)
        except TimeoutError:
            raise _Lost("no answer in time") from None
        finally:
            await self._process.gate()

    def _held_up(self) -> float:
        """For a moment, or for so long that only its validity window keeps it from the book: by then its child may be
        proven absent."""
        seconds = self._weather.seconds(3.0)
        return seconds if seconds < 1.0 else 5 * seconds

    def _travel(self) -> float:
        return 0.002 + self._weather.seconds(0.06)

    async def _look(self, at_exchange: Callable[[], T], client_id: str = "") -> T:
        """Raises ``VenueReadFailed`` for whatever is no usable answer."""
        weather = self._weather
        if weather.strikes("look 429", client_id):
            await self._process.gate()
            raise VenueReadFailed(
                "RateLimitExceeded", retry_after=timedelta(seconds=weather.seconds(4.0, 0.5))
            )
        fate = "lost" if weather.strikes("look lost", client_id) else ""
        slow = weather.seconds(3.0) if weather.strikes("look slow", client_id) else 0.0
        try:
            found = await self._ask(
                self._open_for_business(at_exchange), client_id=client_id, fate=fate, slow=slow
            )
        except (_Lost, Refused) as error:
            raise VenueReadFailed(str(error)) from None
        for kind in ("look 5xx", "look body truncated", "look 200 with HTML"):
            if weather.strikes(kind, client_id):
                raise VenueReadFailed(kind)
        return found

    def _open_for_business(self, at_exchange: Callable[[], T]) -> Callable[[], T]:
        def asked() -> T:
            if self._exchange.is_away:
                raise Refused("ExchangeNotAvailable")
            return at_exchange()

        return asked

    def _report(self, order: VenueOrder) -> OrderReport:
        """As a look tells it; a field may be missing."""
        report = report_of(order)
        client_id = order.request.client_id
        if self._weather.strikes("report without status", client_id):
            report = replace(report, status=None)
        if self._weather.strikes("report without figure", client_id):
            report = replace(report, filled=None)
        return report

    # --- opening --------------------------------------------------------------------------------

    async def open(self) -> None:
        await self._look(lambda: None)

    async def close(self) -> None:
        for stream in self._streams:
            stream.close()
        await self._process.gate()

    async def ready(self, kind: Literal["create", "cancel"]) -> None:  # noqa: ARG002  as the protocol has it
        await self._process.gate()

    # --- create and cancel ----------------------------------------------------------------------

    async def create(self, request: ChildRequest, *, valid_for: timedelta) -> CreateOutcome:
        weather, client_id = self._weather, request.client_id
        for kind in ("create 429", "create connection refused"):
            if weather.strikes(kind, client_id):
                await self._process.gate()
                return NotSent(kind, retry_after=timedelta(seconds=weather.seconds(3.0, 0.2)))
        signed = self._loop.time() + self._clock_error
        valid = valid_for / timedelta(seconds=1)

        def arrives() -> VenueOrder:
            return self._exchange.create(self._account, request, signed=signed, valid_for=valid)

        slow = self._held_up() if weather.strikes("create request slow", client_id) else 0.0
        try:
            order = await self._ask(
                self._open_for_business(arrives),
                client_id=client_id,
                fate=self._fate("create", client_id),
                slow=slow,
                late="create answer late",
            )
        except _Lost as error:
            return Unknown(str(error))
        except Refused as error:
            return _create_refused(error)
        if order.is_silent:
            return Unknown("504")
        for kind in ("create 5xx after acceptance", "create body truncated", "create 200 with HTML"):
            if weather.strikes(kind, client_id):
                return Unknown(kind)
        return Accepted(self._answer(order))

    def _fate(self, what: str, client_id: str) -> str:
        if self._weather.strikes(f"{what} request lost", client_id):
            return "lost"
        before = "create 5xx before acceptance" if what == "create" else "cancel 5xx before"
        if self._weather.strikes(before, client_id):
            return "lost"
        return "unanswered" if self._weather.strikes(f"{what} answer lost", client_id) else ""

    def _answer(self, order: VenueOrder) -> OrderReport:
        report, client_id = report_of(order), order.request.client_id
        if self._weather.strikes("create answer without status", client_id):
            report = replace(report, status=None)
        if self._weather.strikes("create answer without figure", client_id):
            report = replace(report, filled=None)
        return report

    async def cancel(self, ref: OrderRef) -> CancelOutcome:
        weather, client_id = self._weather, ref.client_id
        if weather.strikes("cancel 429", client_id):
            await self._process.gate()
            return CancelFailed("429", retry_after=timedelta(seconds=weather.seconds(3.0, 0.2)))
        slow = weather.seconds(3.0) if weather.strikes("cancel slow", client_id) else 0.0

        def arrives() -> VenueOrder:
            return self._exchange.cancel(self._account, ref)

        try:
            order = await self._ask(
                self._open_for_business(arrives),
                client_id=client_id,
                fate=self._fate("cancel", client_id),
                slow=slow,
            )
        except _Lost as error:
            return CancelFailed(str(error), retry_after=timedelta(seconds=1))
        except Refused as error:
            return CancelGone(str(error)) if error.kind == "OrderNotFound" else CancelFailed(str(error))
        for kind in ("cancel 5xx after", "cancel 200 with HTML"):
            if weather.strikes(kind, client_id):
                return CancelFailed(kind)
        report = report_of(order)
        if weather.strikes("cancel answer without figure", client_id):
            report = replace(report, filled=None)
        return CancelConfirmed(report)

    # --- looks ----------------------------------------------------------------------------------

    async def find(self, ref: OrderRef) -> OrderReport | None:
        order = await self._look(lambda: self._exchange.find(self._account, ref), ref.client_id)
        return None if order is None else self._report(order)

    async def open_orders(self, symbol: str) -> list[OrderReport]:  # noqa: ARG002  there is one symbol
        return await self._look(lambda: [self._report(o) for o in self._exchange.open_orders(self._account)])

    async def closed_orders(self, symbol: str, since: datetime) -> list[OrderReport]:  # noqa: ARG002
        start = (since - BEGINNING).total_seconds()
        return await self._look(
            lambda: [self._report(o) for o in self._exchange.orders_since(self._account, start)]
        )

    async def trades(self, symbol: str, since: datetime) -> list[Trade]:  # noqa: ARG002
        start = (since - BEGINNING).total_seconds()
        return await self._look(lambda: self._exchange.trades_since(self._account, start))

    async def markets(self, symbols: Sequence[str]) -> dict[str, Market]:
        return await self._look(lambda: {symbol: MARKET for symbol in symbols if symbol == SYMBOL})

    async def balances(self) -> dict[str, BalanceAmounts]:
        return await self._look(lambda: {"USDT": RICH, "BTC": RICH})

    async def permissions(self) -> KeyPermissions:
        return await self._look(lambda: KeyPermissions(read=True, trade=True, withdraw=False))

    def _seen(self) -> Exchange:
        """The exchange with its market in sight."""
        if self._exchange.is_dark:
            raise Refused("ExchangeNotAvailable")
        return self._exchange

    async def quote(self, symbol: str) -> Quote:  # noqa: ARG002
        quote = await self._look(lambda: self._seen().quote)
        self._process.world.note_quote(self._exchange, quote)
        return replace(quote, at=self._process.clock.now())

    async def book(self, symbol: str) -> Book:  # noqa: ARG002
        book = await self._look(lambda: self._seen().book)
        if self._weather.strikes("book crossed"):
            book = replace(book, bids=book.asks, asks=book.bids)
        return replace(book, at=self._process.clock.now())

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:  # noqa: ARG002
        return await self._look(list)

    # --- streams --------------------------------------------------------------------------------

    async def watch_account(self, symbols: Sequence[str]) -> AsyncIterator[StreamEvent]:  # noqa: ARG002
        stream = AccountStream(self._loop, self._weather, self._exchange, self._account)
        self._streams.append(stream)
        while True:
            event = await stream.next()
            await self._process.gate()
            yield event

    async def watch_market(self, symbols: Sequence[str]) -> AsyncIterator[MarketEvent]:  # noqa: ARG002
        stream = MarketStream(self._loop, self._weather, self._exchange)
        self._streams.append(stream)
        while True:
            quote, trades = await stream.next()
            await self._process.gate()
            self._process.world.note_quote(self._exchange, quote)
            yield MarketEvent(SYMBOL, replace(quote, at=self._process.clock.now()), trades)


def _heard(answer: asyncio.Future[Any]) -> None:
    if not answer.cancelled():
        answer.exception()


def _settle(answer: asyncio.Future[Any], *, result: Any = None, error: Exception | None = None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)


def _create_refused(error: Refused) -> CreateOutcome:
    """As ``venues.errors`` sorts ccxt's classes."""
    if error.kind in ("InvalidNonce", "RateLimitExceeded"):
        return NotSent(error.kind)
    if error.kind in ("DuplicateOrderId", "ExchangeNotAvailable"):
        return Unknown(error.kind)
    return Rejected(error.kind, "refused by the simulated exchange")
