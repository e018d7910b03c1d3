"""The engine's gateway to a simulated exchange, over a network that loses, delays and garbles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, TypeVar

from execution.core.types import (
    Accepted,
    BalanceAmounts,
    Book,
    CancelConfirmed,
    CancelFailed,
    CancelGone,
    CancelOutcome,
    CandleHistory,
    ChildRequest,
    CreateOutcome,
    KeyPermissions,
    Market,
    NotSent,
    OrderRef,
    OrderReport,
    PublicTrade,
    Quote,
    StreamEvent,
    Trade,
    Unknown,
)
from execution.venues.protocol import AccountQuestion, CancelScope, Listing, TradesQuestion, VenueReadFailed
from execution.verification.faults.answers import Refused, answer_of, create_refused, report_of
from execution.verification.faults.exchange import MARKET, SYMBOL, Exchange
from execution.verification.faults.ledger import VenueOrder
from execution.verification.faults.market_stream import SimulatedMarketStream
from execution.verification.faults.process import Process
from execution.verification.faults.streams import AccountStream, MarketStream
from execution.verification.faults.virtual import BEGINNING, heard, settle

T = TypeVar("T")

TIMEOUT = 4.0  # seconds of a request, as the real gateway's


class _Lost(Exception):
    """Raised when no usable answer came. The message says what came instead."""


class SimulatedGateway:
    """The gateway of one process to one account at an exchange (``venues.protocol.Gateway``)."""

    def __init__(self, process: Process, exchange: Exchange, account: str, clock_error: float) -> None:
        self._process = process
        self._exchange = exchange
        self.guarantees = exchange.guarantees
        self._account = account
        #: The difference of the clocks in seconds that remains after it was measured.
        self._clock_error = clock_error
        self._loop = process.world.loop
        self._injector = process.world.injector
        self._streams: list[AccountStream | MarketStream] = []

    @property
    def listed_symbols(self) -> frozenset[str]:
        return frozenset({SYMBOL})

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
        """Send a request and return its answer. ``fate`` is "lost" (it never arrives), "unanswered" or "". Raises
        ``_Lost``.

        A request under way arrives even if the process dies.
        """
        answer: asyncio.Future[T] = self._loop.create_future()
        answer.add_done_callback(heard)  # who asked may be dead when the answer comes

        def arrive() -> None:
            if fate == "lost":
                return
            try:
                result = at_exchange()
            except Refused as refused:
                back(partial(settle, answer, error=refused))
            else:
                back(partial(settle, answer, result=result))

        def back(deliver: Callable[[], None]) -> None:
            if fate != "unanswered":
                is_late = late and self._injector.strikes(late, client_id)
                self._loop.call_later(self._injector.seconds(3.0) if is_late else self._travel(), deliver)

        if self._injector.strikes("crash before the request", client_id):
            self._process.crash("before a request left")
        await self._process.gate()
        under_way = self._travel() + slow
        self._process.world.requested(self._loop.time() + under_way)
        self._loop.call_later(under_way, arrive)
        if self._injector.strikes("crash after the request", client_id):
            self._process.crash("after a request left")
        if self._injector.strikes("told to stop at a request", client_id):
            self._process.engine.stop()
        await self._process.gate()
        try:
            async with asyncio.timeout(TIMEOUT):
                return await answer
        except TimeoutError:
            raise _Lost("no answer in time") from None
        finally:
            await self._process.gate()

    def _held_up(self) -> float:
        """Return the seconds by which a create is delayed on its way to the exchange.

        If the delay is longer than the create's validity window, the exchange refuses the create. Without a window
        the delay may be minutes, and longer than the signature is valid.
        """
        seconds = self._injector.seconds(3.0)
        if seconds < 1.0:
            return seconds
        latest = self.guarantees.latest_arrival.value
        if self.guarantees.shortest_window.value is not None or latest is None:
            return 5 * seconds
        return seconds / 3 * 1.2 * latest.total_seconds()

    def _travel(self) -> float:
        return 0.002 + self._injector.seconds(0.06)

    async def _read(self, at_exchange: Callable[[], T], client_id: str = "") -> T:
        injector = self._injector
        if injector.strikes("read 429", client_id):
            await self._process.gate()
            raise VenueReadFailed(
                "RateLimitExceeded", retry_after=timedelta(seconds=injector.seconds(4.0, 0.5))
            )
        fate = "lost" if injector.strikes("read lost", client_id) else ""
        slow = injector.seconds(3.0) if injector.strikes("read slow", client_id) else 0.0
        try:
            found = await self._ask(
                self._open_for_business(at_exchange), client_id=client_id, fate=fate, slow=slow
            )
        except (_Lost, Refused) as error:
            raise VenueReadFailed(str(error)) from None
        for kind in ("read 5xx", "read body truncated", "read 200 with HTML"):
            if injector.strikes(kind, client_id):
                raise VenueReadFailed(kind)
        return found

    def _open_for_business(self, at_exchange: Callable[[], T]) -> Callable[[], T]:
        def asked() -> T:
            if self._exchange.is_away:
                raise Refused("ExchangeNotAvailable")
            return at_exchange()

        return asked

    def _report(self, order: VenueOrder, what: str = "report") -> OrderReport:
        report, client_id = report_of(order), order.request.client_id
        if self._injector.strikes(f"{what} without status", client_id):
            report = replace(report, status=None)
        if self._injector.strikes(f"{what} without figure", client_id):
            report = replace(report, filled=None)
        return report

    # --- opening --------------------------------------------------------------------------------

    async def open(self) -> None:
        await self._read(lambda: None)

    async def close(self) -> None:
        for stream in self._streams:
            stream.close()
        await self._process.gate()

    async def ready(
        self,
        kind: Literal["create", "cancel"],
        symbol: str,  # noqa: ARG002  as the protocol has it
        age: timedelta | None = None,  # noqa: ARG002
    ) -> None:
        if kind == "create" and self._injector.strikes("create held back"):
            await self._process.clock.sleep(self._injector.seconds(20.0))
        await self._process.gate()

    def share_limits(self, clients: int) -> None: ...

    def give_back(self, kind: Literal["create", "cancel"], symbol: str) -> None: ...

    # --- create and cancel ----------------------------------------------------------------------

    async def create(self, request: ChildRequest, *, valid_for: timedelta) -> CreateOutcome:
        injector, client_id = self._injector, request.client_id
        for kind in ("create 429", "create connection refused"):
            if injector.strikes(kind, client_id):
                await self._process.gate()
                return NotSent(kind, retry_after=timedelta(seconds=injector.seconds(3.0, 0.2)))
        signed = self._loop.time() + self._clock_error
        valid = self.guarantees.validity(valid_for) / timedelta(seconds=1)

        def arrives() -> VenueOrder:
            return self._exchange.create(self._account, request, signed=signed, valid_for=valid)

        slow = self._held_up() if injector.strikes("create request slow", client_id) else 0.0
        if slow and injector.strikes("told to stop at a slow create", client_id):
            self._loop.call_later(injector.seconds(slow), self._process.engine.stop)
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
            return create_refused(error)
        if order.is_silent:
            return Unknown("504")
        for kind in ("create 5xx after acceptance", "create body truncated", "create 200 with HTML"):
            if injector.strikes(kind, client_id):
                return Unknown(kind)
        return Accepted(answer_of(self.guarantees, self._report(order, "create answer")))

    def _fate(self, what: str, client_id: str) -> str:
        if self._injector.strikes(f"{what} request lost", client_id):
            return "lost"
        before = "create 5xx before acceptance" if what == "create" else "cancel 5xx before"
        if self._injector.strikes(before, client_id):
            return "lost"
        return "unanswered" if self._injector.strikes(f"{what} answer lost", client_id) else ""

    async def cancel(self, ref: OrderRef) -> CancelOutcome:
        order = await self._cancelled(ref.client_id, lambda: self._exchange.cancel(self._account, ref))
        if not isinstance(order, VenueOrder):
            return order
        return CancelConfirmed(self._report(order, "cancel answer"))

    @property
    def cancels_all(self) -> CancelScope | None:
        return self._exchange.cancels_all

    async def cancel_all(self, symbol: str | None) -> dict[str, OrderReport] | CancelFailed:  # noqa: ARG002  there is one symbol
        orders = await self._cancelled("", lambda: self._exchange.cancel_all(self._account))
        if isinstance(orders, CancelFailed):
            return orders
        # As binance answers, and as kraken does, which counts the orders only.
        if isinstance(orders, CancelGone) or self.cancels_all == "account":
            return {}
        return {order.exchange_id: self._report(order, "cancel answer") for order in orders}

    async def _cancelled(self, client_id: str, at_exchange: Callable[[], T]) -> T | CancelGone | CancelFailed:
        """Send a cancel and return its answer, ``CancelGone`` if no open order was found, or ``CancelFailed``."""
        injector = self._injector
        if injector.strikes("cancel 429", client_id):
            await self._process.gate()
            return CancelFailed("429", retry_after=timedelta(seconds=injector.seconds(3.0, 0.2)))
        slow = injector.seconds(3.0) if injector.strikes("cancel slow", client_id) else 0.0
        fate = self._fate("cancel", client_id)
        try:
            found = await self._ask(
                self._open_for_business(at_exchange), client_id=client_id, fate=fate, slow=slow
            )
        except _Lost as error:
            return CancelFailed(str(error), retry_after=timedelta(seconds=1))
        except Refused as error:
            return CancelGone(str(error)) if error.kind == "OrderNotFound" else CancelFailed(str(error))
        for kind in ("cancel 5xx after", "cancel 200 with HTML"):
            if injector.strikes(kind, client_id):
                return CancelFailed(kind)
        return found

    # --- reads ----------------------------------------------------------------------------------

    async def find(self, ref: OrderRef) -> OrderReport | None:
        order = await self._read(lambda: self._exchange.find(self._account, ref), ref.client_id)
        return None if order is None else self._report(order)

    #: The number of orders in one such request, as on kraken.
    orders_at_once = 20

    async def find_all(self, exchange_ids: Sequence[str]) -> dict[str, OrderReport]:
        def at_exchange() -> dict[str, VenueOrder | None]:
            found = {one: OrderRef("", SYMBOL, one) for one in exchange_ids}
            return {one: self._exchange.find(self._account, ref) for one, ref in found.items()}

        orders = await self._read(at_exchange)
        return {one: self._report(order) for one, order in orders.items() if order is not None}

    def seconds_of(self, kind: Literal["balances", "find", "trades"]) -> float:  # noqa: ARG002
        return 0.1

    def seconds_of_trades(self, symbols: int, count: int) -> float:  # noqa: ARG002
        return 0.1

    def cheapest_trades(self, orders: Collection[int]) -> TradesQuestion:
        """Return "order" (one list for each order) for a single order, as on binance, else "symbol"."""
        return "order" if sum(orders) == 1 else "symbol"

    async def order_trades(self, ref: OrderRef) -> Listing[Trade]:
        own = await self._read(lambda: self._exchange.trades_since(self._account, 0.0))
        return Listing(trade for trade in own if trade.exchange_id == ref.exchange_id)

    def account_questions(self, symbols: int) -> frozenset[AccountQuestion]:  # noqa: ARG002  there is one symbol
        return frozenset()

    async def open_orders(self, symbol: str | None) -> Listing[OrderReport]:  # noqa: ARG002  there is one symbol
        return await self._listed(
            "open_orders", lambda: [self._report(o) for o in self._exchange.open_orders(self._account)]
        )

    async def closed_orders(self, symbol: str, since: datetime) -> Listing[OrderReport]:  # noqa: ARG002
        start = (since - BEGINNING).total_seconds()
        return await self._listed(
            "closed_orders",
            lambda: [self._report(o) for o in self._exchange.orders_since(self._account, start)],
        )

    async def trades(self, symbol: str | None, since: datetime) -> Listing[Trade]:  # noqa: ARG002
        start = (since - BEGINNING).total_seconds()
        return await self._listed("trades", lambda: self._exchange.trades_since(self._account, start))

    async def _listed(self, what: str, at_exchange: Callable[[], list[T]]) -> Listing[T]:
        """Return a list. Note for the simulation's checks when the read began, by the process's own clock."""
        begun = self._process.clock.now()
        found = Listing(await self._read(at_exchange))
        self._process.world.note_read(self._process, self._account, what, begun)
        return found

    async def markets(self, symbols: Sequence[str]) -> dict[str, Market]:
        return await self._read(lambda: {symbol: MARKET for symbol in symbols if symbol == SYMBOL})

    async def balances(self) -> dict[str, BalanceAmounts]:
        return await self._read(lambda: self._exchange.balances(self._account))

    async def arm_switch(self, seconds: int) -> None:
        await self._read(lambda: self._exchange.arm(self._account, seconds))

    async def disarm_switch(self) -> None:
        await self._read(lambda: self._exchange.arm(self._account, None))

    async def permissions(self) -> KeyPermissions:
        return await self._read(lambda: KeyPermissions(read=True, trade=True, withdraw=False))

    def _seen(self) -> Exchange:
        if self._exchange.is_dark:
            raise Refused("ExchangeNotAvailable")
        return self._exchange

    async def quote(self, symbol: str) -> Quote:  # noqa: ARG002
        quote = await self._read(lambda: self._seen().quote)
        self._process.world.note_quote(self._exchange, quote)
        return replace(quote, at=self._process.clock.now())

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        return {symbol: await self.quote(symbol) for symbol in symbols}

    async def book(self, symbol: str) -> Book:  # noqa: ARG002
        book = await self._read(lambda: self._seen().book)
        self._process.world.note_quote(self._exchange, book.touch)
        if self._injector.strikes("book crossed"):
            book = replace(book, bids=book.asks, asks=book.bids)
        return replace(book, at=self._process.clock.now())

    async def missed_trades(self, symbol: str, after: PublicTrade | None) -> list[PublicTrade]:  # noqa: ARG002
        return await self._read(lambda: list(self._seen().public_trades))

    async def candles(self, symbol: str, since: datetime, until: datetime) -> CandleHistory:  # noqa: ARG002
        return await self._read(CandleHistory)

    # --- streams --------------------------------------------------------------------------------

    async def watch_account(self, symbols: Sequence[str]) -> AsyncIterator[StreamEvent]:  # noqa: ARG002
        stream = AccountStream(self._loop, self._injector, self._exchange, self._account)
        self._streams.append(stream)
        while True:
            event = await stream.next()
            await self._process.gate()
            yield event

    def reconnect_account(self, reason: str) -> None:
        self._process.world.tell(f"{self._process.name} {self._account} reconnects: {reason}")
        for stream in self._streams:
            if isinstance(stream, AccountStream):
                stream.reconnect()

    def watch_market(self, symbols: Sequence[str]) -> SimulatedMarketStream:  # noqa: ARG002
        return SimulatedMarketStream(self._process, self._exchange, self._streams)
