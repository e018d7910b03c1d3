"""The gateway over ccxt: one account at one venue, one client, on the running loop."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal, TypeVar

from execution.core.addresses import ONLY_LOOPBACK, Network
from execution.core.types import (
    Accepted,
    BalanceAmounts,
    Book,
    CancelConfirmed,
    CancelFailed,
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
    StreamEvent,
    Trade,
    Unknown,
    VenueStatus,
)
from execution.venues import convert, errors, permissions, request_context, requests, streams
from execution.venues.candles import TIMEFRAME, all_candles, read_page
from execution.venues.client import open_client
from execution.venues.listings import Listings
from execution.venues.options import is_closed
from execution.venues.protocol import VenueReadFailed
from execution.venues.quirks import Call, ExchangeSpec, quirks_of
from execution.venues.rate_limit import throttle_of
from execution.venues.timekeeping import Timekeeper

T = TypeVar("T")
Outcome = TypeVar("Outcome")

#: A look waits so many seconds for a limiter, and fails at once when it asked for more.
LONGEST_HOLD = 2.0
BOOK_LEVELS = 20  # the one depth that every exchange of ccxt takes


def open_gateway(
    *,
    exchange_id: str,
    options: Mapping[str, Any],
    api_key: str,
    secret: str,
    passphrase: str | None = None,
    clock: Callable[[], datetime],
    timeout: float = 4.0,
    network: Network = ONLY_LOOPBACK,
) -> CcxtGateway:
    """A gateway that connects at ``open()``; ``timeout`` in seconds bounds each request.

    When the options give ``urls``, every address that they do not give is closed. ``ValueError`` for an unknown
    exchange, one on which an order could be lost from sight, and options that ``network`` does not allow.
    """
    client = open_client(
        exchange_id=exchange_id,
        options=options,
        api_key=api_key,
        secret=secret,
        passphrase=passphrase,
        timeout=timeout,
        network=network,
    )
    requests.refuse_unfit(client, quirks_of(exchange_id))
    redact = errors.Redactor((api_key, secret, passphrase))
    return CcxtGateway(client, quirks=quirks_of(exchange_id), redact=redact, clock=clock)


class CcxtGateway:
    """``Gateway`` for any spot exchange of ccxt, as far as its quirks are known."""

    def __init__(
        self, client: Any, *, quirks: ExchangeSpec, redact: errors.Redactor, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._quirks = quirks
        self._redact = redact
        self._clock = clock
        limits = quirks.limits or requests.limits_of(client)
        self._costs = defaultdict(lambda: 1.0, limits.costs)
        self.throttle = throttle_of(limits)
        self._order_throttle = throttle_of(quirks.order_limits) if quirks.order_limits else None
        self._markets: dict[str, Market] = {}
        self._is_open = False
        self._time = Timekeeper(client)
        self._tasks: set[asyncio.Task[None]] = set()
        self._bells: set[streams.Bell] = set()
        self._listings = Listings(client, quirks, self._look, clock)

    # --- opening and closing --------------------------------------------------------------------

    async def open(self) -> None:
        self._is_open = True
        self._time.doubt()
        try:
            await self._look("markets", self._client.load_markets, lambda _: self._read_markets())
            await self._refuse_mode()
        except BaseException:
            self._is_open = False
            raise

    async def close(self) -> None:
        """Streams first, because a watcher of ccxt that wakes after the end would connect again."""
        self._is_open = False
        for bell in self._bells:
            bell.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    # --- orders ---------------------------------------------------------------------------------

    async def ready(self, kind: Literal["create", "cancel"]) -> None:
        if kind == "cancel":
            await self.throttle.acquire(self._costs["cancel"], priority=True)
            return
        if self._order_throttle is not None:
            await self._order_throttle.acquire(1)
        await self.throttle.acquire(self._costs["create"])

    async def create(self, request: ChildRequest, *, valid_for: timedelta) -> CreateOutcome:
        """Place an order.

        1. What the market cannot take is refused here: ccxt would round it.
        2. Send, with the validity window where the exchange knows one.
        3. An answer without an id proves nothing.
        """
        if not self._is_open:
            return NotSent("the gateway is not open")
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if valid_for <= timedelta(0):
            return NotSent(f"the validity of {valid_for.total_seconds()} s is over")
        params = requests.create_params(request, valid_for=valid_for, quirks=self._quirks)
        request_context.begin(valid_for=requests.whole_milliseconds(valid_for))
        try:
            requests.refuse_quote_sized(self._client, request, self._quirks)
            answer = await self._client.create_order(
                request.symbol,
                request.type.value,
                request.side.value,
                requests.digits(request.quantity),
                requests.digits(request.price) if request.price is not None else None,
                params,
            )
            return self._read_create(answer, request)
        except Exception as error:  # noqa: BLE001  # everything is an outcome
            return self._failed(error, errors.create_failure)

    async def cancel(self, ref: OrderRef) -> CancelOutcome:
        if not self._is_open:
            return CancelFailed("the gateway is not open")
        if (address := requests.cancel_address(ref, self._quirks)) is None:
            return CancelFailed(f"{self._client.id} cancels by its own id, which is not known yet")
        request_context.begin()
        try:
            answer = await self._client.cancel_order(*address)
            report = self._report(answer, ref.symbol)
        except Exception as error:  # noqa: BLE001  # everything is an outcome
            return self._failed(error, errors.cancel_failure)
        if self._quirks.cancel_tells_id and report.exchange_id is None:
            return CancelFailed("the answer to the cancel has no order id")
        if self._quirks.cancel_tells_status and report.status is None:
            return CancelFailed("the answer to the cancel has no status")
        if report.status is VenueStatus.REJECTED:
            return CancelFailed("the cancel was refused")  # which ccxt reads as an order that was (okx)
        # The answer's client id may be the cancel's own (binance).
        exchange_id = report.exchange_id or ref.exchange_id
        return CancelConfirmed(replace(report, client_id=ref.client_id, exchange_id=exchange_id))

    # --- looks ----------------------------------------------------------------------------------

    async def find(self, ref: OrderRef) -> OrderReport | None:
        found = await self._listings.find(ref)
        if found is None:
            return None
        return self._read(lambda: self._identified(self._report(found, ref.symbol), ref))

    async def open_orders(self, symbol: str) -> list[OrderReport]:
        return self._reports(await self._listings.open_orders(symbol), symbol)

    async def closed_orders(self, symbol: str, since: datetime) -> list[OrderReport]:
        return self._reports(await self._listings.closed_orders(symbol, since), symbol)

    async def trades(self, symbol: str, since: datetime) -> list[Trade]:
        listed = await self._listings.trades(symbol, since)
        own = self._read(
            lambda: [convert.own_trade(trade, symbol=symbol, quirks=self._quirks) for trade in listed]
        )
        # Ids count up on most exchanges, so that the longer is the later.
        return sorted(own, key=lambda trade: (trade.at, len(trade.trade_id), trade.trade_id))

    async def balances(self) -> dict[str, BalanceAmounts]:
        return await self._look(
            "balances",
            self._client.fetch_balance,
            lambda answer: convert.balances(answer, quirks=self._quirks),
        )

    async def permissions(self) -> KeyPermissions:
        """What the key may do; all unknown where the exchange does not tell or its address is closed."""
        if self._quirks.permissions_call is None:
            return KeyPermissions()
        method, address = self._quirks.permissions_call
        if is_closed(self._client.urls["api"].get(address)):
            return KeyPermissions()
        read = partial(permissions.key_permissions, method)
        return await self._look("permissions", getattr(self._client, method), read)

    async def _refuse_mode(self) -> None:
        """``VenueReadFailed``, with the key refused, for an account in a mode that this desk does not trade."""
        mode = self._quirks.mode
        if mode is None or is_closed(self._client.urls["api"].get(mode.address)):
            return
        ask = getattr(self._client, mode.method)
        if not await self._look("permissions", ask, partial(permissions.mode_is, mode)):
            raise VenueReadFailed(mode.refusal, refuses_key=True)

    async def quote(self, symbol: str) -> Quote:
        if not self._client.has.get("fetchBidsAsks"):
            return (await self.book(symbol)).touch
        return await self._look(
            "quote",
            lambda: self._client.fetch_bids_asks([symbol]),
            lambda answer: convert.quote_of_ticker(answer[symbol], at=self._clock()),
        )

    async def book(self, symbol: str) -> Book:
        return await self._look(
            "book",
            lambda: self._client.fetch_order_book(symbol, BOOK_LEVELS),
            lambda answer: convert.book_of(answer, at=self._clock()),
        )

    async def candles(self, symbol: str, since: datetime, until: datetime) -> list[Candle]:
        def page(start: int, limit: int) -> Awaitable[list[Candle]]:
            fetch = partial(self._client.fetch_ohlcv, symbol, TIMEFRAME, start, limit)
            return self._look("candles", fetch, read_page)

        return await all_candles(page, since=since, until=until)

    async def markets(self, symbols: Sequence[str]) -> dict[str, Market]:
        """Asked anew; an empty list of markets is a failed look and leaves the known ones."""
        fresh = await self._look("markets", self._client.fetch_markets, convert.listed)
        if not fresh:
            raise VenueReadFailed("the exchange lists no markets")
        fees = await self._account_fees()

        def take_over() -> dict[str, Market]:
            self._client.set_markets(fresh, self._client.currencies)
            return self._read_markets(fees)

        listed = self._read(take_over)
        if unreadable := [s for s in symbols if s in self._client.markets and s not in listed]:
            raise VenueReadFailed(f"the limits of {', '.join(unreadable)} cannot be used")
        return {symbol: listed[symbol] for symbol in symbols if symbol in listed}

    # --- streams --------------------------------------------------------------------------------

    async def watch_account(self, symbols: Sequence[str]) -> AsyncGenerator[StreamEvent, None]:  # noqa: ARG002
        """All symbols of the account, whichever are asked for. One at a time."""
        bell = self._new_bell()
        try:
            stream = streams.watch_account(
                self._client, quirks=self._quirks, bell=bell, describe=self._redact
            )
            async with aclosing(stream) as events:
                async for event in events:
                    yield event
        finally:
            self._bells.discard(bell)

    async def watch_market(self, symbols: Sequence[str]) -> AsyncGenerator[MarketEvent, None]:
        bell = self._new_bell()
        try:
            stream = streams.watch_market(
                self._client, symbols, clock=self._clock, bell=bell, describe=self._redact
            )
            async with aclosing(stream) as events:
                async for event in events:
                    yield event
        finally:
            self._bells.discard(bell)

    def _new_bell(self) -> streams.Bell:
        if not self._is_open:
            raise VenueReadFailed("the gateway is not open")
        bell = streams.Bell()
        self._bells.add(bell)
        return bell

    # --- what every call shares -----------------------------------------------------------------

    async def _look(self, call: Call, ask: Callable[[], Awaitable[Any]], read: Callable[[Any], T]) -> T:
        """A read within the limit; ``VenueReadFailed`` for whatever goes wrong, the reading included."""
        if not self._is_open:
            raise VenueReadFailed("the gateway is not open")
        if (held := self.throttle.held_for) > LONGEST_HOLD:
            raise VenueReadFailed("the exchange asked for a pause", retry_after=timedelta(seconds=held))
        await self.throttle.acquire(self._costs[call])
        await self._time.keep()
        request_context.begin()
        try:
            return read(await ask())
        except Exception as error:  # noqa: BLE001  # no failure of a look is evidence
            # Without the cause: its text holds the signed address.
            raise self._failed(error, errors.look_failure) from None

    def _read(self, read: Callable[[], T]) -> T:
        """Read an answer that has already come; ``VenueReadFailed`` when it is not what was asked for."""
        try:
            return read()
        except Exception as error:  # noqa: BLE001  # no failure of a look is evidence
            raise self._failed(error, errors.look_failure) from None

    def _failed(self, error: Exception, classify: Callable[[errors.Failure], Outcome]) -> Outcome:
        """The outcome that ``error`` amounts to, with what else follows from it."""
        heard = request_context.current()
        failure = errors.failure_of(error, self._redact, self._quirks, heard, self._client.id)
        request_context.begin()
        if failure.wrong_clock:
            self._time.doubt()
            self._start(self._time.keep())
        if failure.turned_away and failure.retry_after is not None:
            self.throttle.hold(failure.retry_after.total_seconds())
        return classify(failure)

    def _start(self, work: Any) -> None:
        self._tasks.add(task := asyncio.create_task(work))
        task.add_done_callback(self._tasks.discard)

    def _refusal(self, request: ChildRequest) -> CreateOutcome | None:
        return requests.refusal(request, market=self._markets.get(request.symbol), quirks=self._quirks)

    # --- reading --------------------------------------------------------------------------------

    def _reports(self, orders: list[Any], symbol: str) -> list[OrderReport]:
        return self._read(lambda: [self._complete(self._report(order, symbol)) for order in orders])

    def _report(self, answer: Any, symbol: str) -> OrderReport:
        return convert.order_report(answer, symbol=symbol, quirks=self._quirks)

    def _read_create(self, answer: Any, request: ChildRequest) -> CreateOutcome:
        report = replace(self._report(answer, request.symbol), client_id=request.client_id)
        if report.exchange_id is None:
            return Unknown("the answer has no order id")
        return Accepted(report, convert.trades_of_answer(answer, order=report, quirks=self._quirks))

    def _identified(self, report: OrderReport, ref: OrderRef) -> OrderReport:
        """The report, if it is of the order asked for; an answer about another one is no answer."""
        self._complete(report)
        by_id = ref.exchange_id is not None and report.exchange_id == ref.exchange_id
        if not by_id and (ref.exchange_id is not None or report.client_id != ref.client_id):
            raise convert.AnswerError(f"an answer about order {report.exchange_id}, which was not asked for")
        return report

    def _complete(self, report: OrderReport) -> OrderReport:
        if report.exchange_id is None or report.status is None:
            raise convert.AnswerError("an order without an id or a status")
        return report

    def _read_markets(self, fees: tuple[Decimal | None, Decimal | None] | None = None) -> dict[str, Market]:
        if not self._client.markets:
            raise convert.AnswerError("the exchange lists no markets")
        self._markets = requests.spot_markets(self._client, fees)
        return self._markets

    async def _account_fees(self) -> tuple[Decimal | None, Decimal | None] | None:
        """The account's own rates where an answer tells them, else None."""
        call = self._quirks.fees_call
        if call is None and not self._quirks.fees_with_balance:
            return None
        try:
            if call is not None:
                ask = partial(getattr(self._client, call[0]), call[1])
                return await self._look("fees", ask, requests.negated_rates)
            return await self._look("balances", self._client.fetch_balance, requests.commission_rates)
        except VenueReadFailed:
            return None  # ccxt's published rates then
