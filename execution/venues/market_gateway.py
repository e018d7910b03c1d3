"""The public data of a venue over ccxt, without a key: quotes, books, trades and candles."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from execution.core.addresses import ONLY_LOOPBACK, Network
from execution.core.retry_pause import RetryPause
from execution.core.types import Book, CandleHistory, Market, PublicTrade, Quote
from execution.venues import convert, errors, request_context, requests, streams, values
from execution.venues.budget import Budget, share_of
from execution.venues.candles import CandleReader
from execution.venues.client import open_public_client
from execution.venues.exchanges import spec_of
from execution.venues.market_streams import BOOK_LEVELS, MarketStream
from execution.venues.protocol import VenueReadFailed
from execution.venues.spec import Call, ExchangeSpec
from execution.venues.timekeeping import Timekeeper

T = TypeVar("T")
Outcome = TypeVar("Outcome")

#: The longest pause, in seconds, that a read waits for. If the exchange asked for a longer one, the read fails at
#: once.
MAX_HOLD = 2.0
#: The share of an exchange's limit for market data. Each account uses the rest, so orders never wait behind books.
MARKET_SHARE = 0.3
#: The longest pause after a lock-out that does not say how long it lasts, in seconds.
LONGEST_LOCKOUT = 900.0
#: The most public trades that are read to fill a gap after an interruption.
MAX_MISSED = 20_000


def open_market_gateway(
    *,
    exchange_id: str,
    options: Mapping[str, Any],
    clock: Callable[[], datetime],
    timeout: float = 4.0,
    network: Network = ONLY_LOOPBACK,
) -> CcxtMarketGateway:
    """Return a gateway without a key. It connects at ``open()``; ``timeout`` in seconds bounds each request.

    Raises ``ValueError`` as ``open_gateway`` does.
    """
    client = open_public_client(exchange_id=exchange_id, options=options, timeout=timeout, network=network)
    spec = spec_of(exchange_id)
    limits = spec.public_limits or share_of(spec.limits or requests.limits_of(client), MARKET_SHARE)
    budget = Budget(limits, read_share=1.0)
    return CcxtMarketGateway(client, spec=spec, redact=errors.Redactor(()), clock=clock, budget=budget)


class CcxtMarketGateway:
    """``MarketGateway`` for any spot exchange of ccxt, with its spec and its part of the rate limit."""

    def __init__(
        self,
        client: Any,
        *,
        spec: ExchangeSpec,
        redact: errors.Redactor,
        clock: Callable[[], datetime],
        budget: Budget,
    ) -> None:
        self._client = client
        self._spec = spec
        self._redact = redact
        self._clock = clock
        self.budget = budget
        client.heed_used = budget.heed_used
        self._lockouts = RetryPause(spec.lockout.total_seconds(), LONGEST_LOCKOUT)
        self._markets: dict[str, Market] = {}
        self.listed_symbols: frozenset[str] = frozenset()
        self._is_open = False
        self._time = Timekeeper(client, self._before_time)
        self._tasks: set[asyncio.Task[None]] = set()
        self._bells: set[streams.Bell] = set()
        #: By symbol, the ids of trades that a stream has sent merged into another trade.
        self._absorbed: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._candles = CandleReader(client, spec, self._fetch)

    # --- opening and closing --------------------------------------------------------------------

    async def open(self) -> None:
        self._is_open = True
        self._time.doubt()
        try:
            await self._fetch("markets", self._client.load_markets, lambda _: self._read_markets())
            await self._begin()
        except BaseException:
            self._is_open = False
            raise

    async def _begin(self) -> None:
        """Finish opening after the markets are loaded. Here, without a key, there is nothing to do."""

    async def close(self) -> None:
        """Close the streams and then the client. Otherwise a ccxt watcher that wakes up after the client has closed
        would connect again.
        """
        self._is_open = False
        for bell in self._bells:
            bell.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    # --- market data ----------------------------------------------------------------------------

    async def quote(self, symbol: str) -> Quote:
        if not self._client.has.get("fetchBidsAsks"):
            return (await self.book(symbol)).touch
        return await self._fetch(
            "quote",
            lambda: self._client.fetch_bids_asks([symbol]),
            lambda answer: convert.quote_of_ticker(answer[symbol], at=self._clock()),
        )

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        if not self._client.has.get("fetchBidsAsks"):
            return {}
        return await self._fetch(
            "quote", lambda: self._client.fetch_bids_asks(list(symbols)), partial(self._quotes_of, symbols)
        )

    def _quotes_of(self, symbols: Sequence[str], answer: Any) -> dict[str, Quote]:
        found, moment = {}, self._clock()
        for symbol in symbols:
            with suppress(values.AnswerError, KeyError):
                found[symbol] = convert.quote_of_ticker(answer[symbol], at=moment)
        return found

    async def book(self, symbol: str) -> Book:
        return await self._fetch(
            "book",
            lambda: self._client.fetch_order_book(symbol, BOOK_LEVELS),
            lambda answer: convert.book_of(answer, at=self._clock()),
        )

    async def candles(self, symbol: str, since: datetime, until: datetime) -> CandleHistory:
        return await self._candles.history(symbol, since, until)

    async def missed_trades(self, symbol: str, after: PublicTrade | None) -> list[PublicTrade]:
        """Return the trades from ``after`` on, if the exchange can list trades from an id.

        Otherwise return the newest page of trades.

        The newest page is also returned without ``after``, and if more than ``MAX_MISSED`` trades have come since
        ``after``. In those cases trades between ``after`` and the page may be missing.
        """
        if not self._client.has.get("fetchTrades"):
            raise VenueReadFailed(f"{self._client.id} lists no public trades")
        from_id = self._spec.public_trades_from
        if from_id is not None and after is not None and after.trade_id is not None:
            found = await self._trades_from(symbol, from_id, after.trade_id)
            if found is not None:
                return found
        newest, _ = await self._trades_page(symbol, {})
        return newest

    async def _trades_from(self, symbol: str, from_id: str, first: str) -> list[PublicTrade] | None:
        """Return the trades from an id on; None if they are too many. One page is usually enough."""
        found: list[PublicTrade] = []
        is_full = True
        while is_full and len(found) <= MAX_MISSED:
            page, is_full = await self._trades_page(symbol, {from_id: first})
            found += page
            if not page or page[-1].trade_id in (None, first):
                return found
            first = str(page[-1].trade_id)
        return None if is_full else found

    async def _trades_page(self, symbol: str, params: dict[str, Any]) -> tuple[list[PublicTrade], bool]:
        """Return a page of trades, and whether the page is full.

        Trades that the stream has already sent as parts of a merged trade are left out.
        """
        ask = partial(self._client.fetch_trades, symbol, None, self._spec.public_trades_page, params)
        read = await self._fetch(
            "public_trades",
            ask,
            lambda answer: [convert.public_trade(trade, symbol=symbol) for trade in values.listed(answer)],
        )
        own = [
            replace(trade, at=self._time.corrected(trade.at))
            for trade in read
            if trade.trade_id not in self._absorbed[symbol]
        ]
        own.sort(key=lambda trade: (trade.at, len(trade.trade_id or ""), trade.trade_id or ""))
        return own, len(read) >= self._spec.public_trades_page

    # --- streams --------------------------------------------------------------------------------

    def watch_market(self, symbols: Sequence[str]) -> MarketStream:
        return MarketStream(
            self._client,
            symbols,
            spec=self._spec,
            clock=self._clock,
            correct=self._time.corrected,
            before_book=self._before_book,
            bell=self._new_bell(),
            bells=self._bells,
            absorbed=self._absorbed,
            describe=self._redact,
        )

    async def _before_book(self) -> None:
        """Wait for a place in the rate limit for a book's snapshot. ccxt itself reads the snapshot, without taking a
        place.
        """
        if self._spec.snapshot_over_rest:
            await self.budget.snapshot()

    async def _before_time(self) -> None:
        await self.budget.read("time")

    def _new_bell(self) -> streams.Bell:
        if not self._is_open:
            raise VenueReadFailed("the gateway is not open")
        bell = streams.Bell()
        self._bells.add(bell)
        return bell

    # --- what every call shares -----------------------------------------------------------------

    async def _fetch(self, call: Call, ask: Callable[[], Awaitable[Any]], read: Callable[[Any], T]) -> T:
        """Send a read within the rate limit. Raise ``VenueReadFailed`` for any error, also if the answer cannot be
        read.
        """
        if not self._is_open:
            raise VenueReadFailed("the gateway is not open")
        if (held := self.budget.held_for(call)) > MAX_HOLD:
            until = self._clock() + timedelta(seconds=held)
            message = f"the exchange asked for a pause until {until:%H:%M:%S} UTC"
            raise VenueReadFailed(message, retry_after=timedelta(seconds=held))
        await self.budget.read(call)
        await self._time.keep()
        request_context.begin()
        try:
            answer = read(await ask())
        except Exception as error:  # noqa: BLE001  # no failure of a read is evidence
            # Without the cause: its text holds the signed address.
            raise self._failed(error, errors.read_failure) from None
        self._lockouts.reset()
        return answer

    def _read(self, read: Callable[[], T]) -> T:
        """Convert an answer that has already come. Raise ``VenueReadFailed`` if its form is not the requested one."""
        try:
            return read()
        except Exception as error:  # noqa: BLE001  # no failure of a read is evidence
            raise self._failed(error, errors.read_failure) from None

    def _failed(self, error: Exception, classify: Callable[[errors.Failure], Outcome]) -> Outcome:
        context = request_context.current()
        failure = errors.failure_of(error, self._redact, self._spec, context, self._client.id, self._clock())
        request_context.begin()
        if failure.wrong_clock:
            self._time.doubt()
            self._start(self._time.keep())
        if failure.is_lockout:
            asked = failure.retry_after
            seconds = self._lockouts.seconds() if asked is None else asked.total_seconds()
            self.budget.calls.close_for(seconds)
        elif failure.turned_away and failure.retry_after is not None:
            self.budget.calls.hold(failure.retry_after.total_seconds())
        return classify(failure)

    def _start(self, work: Any) -> None:
        self._tasks.add(task := asyncio.create_task(work))
        task.add_done_callback(self._tasks.discard)

    def _read_markets(self) -> dict[str, Market]:
        if not self._client.markets:
            raise values.AnswerError("the exchange lists no markets")
        self._markets = requests.spot_markets(self._client)
        return self._markets
