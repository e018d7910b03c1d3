"""The public streams of a venue: quotes, books and trades of many symbols over ccxt.pro.

A failure of one symbol does not disturb the others. A symbol that the exchange refuses is requested again after
growing pauses, while the others go on. Only a broken connection restarts all of them.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from ccxt.base import errors as ccxt_errors

from execution.core.market_data.feeds import Feed, FeedChange, FeedState, MarketEvent, unlisted_words
from execution.core.retry_pause import RetryPause
from execution.core.types import Book, PublicTrade, Quote
from execution.venues import convert, values
from execution.venues.errors import refused_state
from execution.venues.spec import ExchangeSpec
from execution.venues.streams import (
    CACHE,
    MAX_BACK_OFF,
    MIN_BACK_OFF,
    Bell,
    PublicCache,
    Watchers,
    wait_unless_closed,
)

log = logging.getLogger(__name__)

#: The pause before ccxt is awaited again after news. Meanwhile ccxt keeps its own data up to date.
GATHER, GATHER_BOOK = 0.05, 0.25  # seconds
#: Pauses before a symbol that the exchange refuses is asked for again.
REFUSED_FIRST, REFUSED_MAX = 5.0, 300.0
#: Pauses before a book with a gap in its updates is read anew.
GAP_FIRST, GAP_MAX = 0.2, 30.0
#: The version of a book whose snapshot has not come yet.
UNREAD = (None, None)
#: The number of levels on each side of every book that the desk keeps.
BOOK_LEVELS = 20

Clock = Callable[[], datetime]


class MarketTape:
    """The news of each symbol since the last ``take``: its latest quote and book, and all of its trades."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._events: list[MarketEvent] = []
        #: The index of each symbol's current event in the list.
        self._last: dict[str, int] = {}

    def take(self) -> list[MarketEvent]:
        events, self._events, self._last = self._events, [], {}
        return events

    def quote(self, symbol: str, quote: Quote) -> None:
        self._add(symbol, lambda event: replace(event, quote=quote))

    def book(self, symbol: str, book: Book) -> None:
        self._add(symbol, lambda event: replace(event, book=book))

    def trade(self, trade: PublicTrade) -> None:
        self._add(trade.symbol, lambda event: replace(event, trades=(*event.trades, trade)))

    def change(self, symbol: str, change: FeedChange) -> None:
        self._add(symbol, lambda event: replace(event, changes=(*event.changes, change)))

    def interrupt(self, symbol: str, reason: str) -> None:
        """Record that trades may be missing between the symbol's last trade and its next one."""
        change = FeedChange(Feed.TRADES, FeedState.FAILING, reason)
        self._last.pop(symbol, None)
        self._add(symbol, lambda event: replace(event, interrupted=True, changes=(change,)))

    def _add(self, symbol: str, change: Callable[[MarketEvent], MarketEvent]) -> None:
        at = self._last.setdefault(symbol, len(self._events))
        if at == len(self._events):
            self._events.append(MarketEvent(symbol))
        self._events[at] = change(self._events[at])
        self._bell.ring()


class MarketStream:
    """The quotes and trades of ``symbols``, and the books of those given to ``want_books``, until ``bell`` closes.

    Only one caller may take ``events``. A slow one gets only the latest quotes and books, but all trades. ``correct``
    converts the exchange's time into ours. ``before_book`` is awaited before a book is subscribed to, because ccxt
    then reads a snapshot over REST. ``bells`` is the gateway's set of bells, one for each open stream. ``absorbed``
    collects, by symbol, the ids of trades that the exchange sent merged into another trade.
    """

    def __init__(
        self,
        client: Any,
        symbols: Sequence[str],
        *,
        spec: ExchangeSpec,
        clock: Clock,
        correct: Callable[[datetime], datetime],
        before_book: Callable[[], Awaitable[None]],
        bell: Bell,
        bells: set[Bell],
        absorbed: defaultdict[str, dict[str, None]],
        describe: Callable[[BaseException], str],
    ) -> None:
        self._client = client
        self._spec = spec
        self._clock = clock
        self._correct = correct
        self._before_book = before_book
        self._bell = bell
        self._bells = bells
        self._absorbed = absorbed
        self._describe = describe
        self._symbols = [symbol for symbol in symbols if symbol in (client.markets or {})]
        self._tape = MarketTape(bell)
        self._heard: defaultdict[tuple[str, Feed], int] = defaultdict(int)
        self._wanted_books: set[str] = set()
        self._books: dict[str, asyncio.Task[Any]] = {}
        self._silent = ""
        self._last_ids: dict[str, int] = {}
        for symbol in self._symbols:
            client.trades[symbol] = PublicCache(partial(self._record_trade, symbol))
        self._patterns = {
            symbol: re.compile(
                "|".join(
                    rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])"
                    for name in {symbol, str(client.markets[symbol]["id"])}
                ),
                re.IGNORECASE,
            )
            for symbol in self._symbols
        }
        for symbol in set(symbols) - set(self._symbols):
            for feed in Feed:
                self._tape.change(symbol, FeedChange(feed, FeedState.NOT_LISTED, unlisted_words(symbol)))

    @property
    def shows_missing_trades(self) -> bool:
        """Return True if the stream itself shows when a trade is missing."""
        return self._spec.consecutive_trade_ids

    def want_books(self, symbols: Collection[str]) -> None:
        """Stream the books of exactly these symbols from now on."""
        wanted = {symbol for symbol in symbols if symbol in self._symbols}
        if wanted != self._wanted_books:
            self._wanted_books = wanted
            self._bell.ring()

    def reconnect(self, reason: str) -> None:
        """Connect again, because the stream sends nothing although the market moves."""
        self._silent = reason
        self._bell.ring()

    async def events(self) -> AsyncGenerator[MarketEvent, None]:
        self._bells.add(self._bell)  # again, if an earlier taker failed
        back_off = RetryPause(MIN_BACK_OFF, MAX_BACK_OFF)
        try:
            while not self._bell.closed:
                watchers = Watchers(self._client, self._bell)
                reason = "the connection was closed"
                try:
                    self._start(watchers)
                    while not self._bell.closed:
                        self._keep_books(watchers)
                        for event in self._tape.take():
                            back_off.reset()
                            yield event
                        watchers.raise_ended()
                        self._raise_silent()
                        await self._bell.wait()
                except Exception as error:  # noqa: BLE001  # whatever it is, the answer is to connect again
                    reason = self._describe(error)
                    log.warning("market stream of %s ended: %s", self._client.id, reason)
                finally:
                    self._books, self._silent, self._last_ids = {}, "", {}
                    await watchers.end()
                for symbol in self._symbols:
                    self._tape.interrupt(symbol, reason)
                for event in self._tape.take():
                    yield event
                await wait_unless_closed(self._bell, back_off.seconds())
        finally:
            self._bells.discard(self._bell)

    def _raise_silent(self) -> None:
        if self._silent:
            raise ConnectionError(self._silent)

    # --- following --------------------------------------------------------------------------------

    def _start(self, watchers: Watchers) -> None:
        has = self._client.has
        if not self._symbols:
            return
        together = {
            Feed.QUOTES: bool(has.get("watchBidsAsks")),
            Feed.TRADES: bool(has.get("watchTradesForSymbols")),
        }
        for feed, is_joint in together.items():
            if is_joint:
                watchers.start(partial(self._follow_together, feed, watchers))
            else:
                for symbol in self._symbols:
                    watchers.start(partial(self._follow_alone, feed, symbol))

    async def _follow_together(self, feed: Feed, watchers: Watchers) -> None:
        """Follow a feed of all symbols in one subscription. A symbol that the exchange refuses gets its own task."""
        symbols = list(self._symbols)
        while symbols:
            try:
                await self._follow(feed, symbols)
            except ccxt_errors.ExchangeError as error:
                refusal = self._describe(error)
                named = self._named(refusal)
                alone = [symbol for symbol in symbols if symbol in named] if named else symbols
                for symbol in alone:
                    watchers.start(partial(self._follow_alone, feed, symbol, refusal))
                symbols = [symbol for symbol in symbols if symbol not in alone]

    async def _follow_alone(self, feed: Feed, symbol: str, refusal: str = "") -> None:
        pause = RetryPause(REFUSED_FIRST, REFUSED_MAX)
        while True:
            if refusal:
                self._tape.change(symbol, FeedChange(feed, FeedState.FAILING, refusal))
                await asyncio.sleep(pause.seconds())
                self._forget_subscriptions(symbol)
            heard, refusal = self._heard[symbol, feed], ""
            try:
                await self._follow(feed, [symbol])
            except ccxt_errors.ExchangeError as error:
                text = self._describe(error)
                if self._named(text) - {symbol}:
                    continue  # ccxt tells the refusal of one symbol to everybody on the socket
                if self._heard[symbol, feed] != heard:
                    pause.reset()
                refusal = text

    def _named(self, refusal: str) -> set[str]:
        """Return the symbols that the text of a refusal names."""
        return {symbol for symbol in self._symbols if self._patterns[symbol].search(refusal)}

    def _forget_subscriptions(self, symbol: str) -> None:
        """Make ccxt subscribe again, because it remembers a refused subscription as if it were valid."""
        for socket in (self._client.clients or {}).values():
            for name in [name for name in socket.subscriptions if self._patterns[symbol].search(str(name))]:
                del socket.subscriptions[name]

    async def _follow(self, feed: Feed, symbols: list[str]) -> None:
        client, has = self._client, self._client.has
        if feed is Feed.TRADES:
            if has.get("watchTradesForSymbols"):
                await _repeat(partial(client.watch_trades_for_symbols, symbols))
            else:
                await _repeat(partial(client.watch_trades, symbols[0]))
        elif has.get("watchBidsAsks"):
            tickers = client.tickers if self._spec.quotes_in_tickers else client.bidsasks
            await self._follow_tickers(symbols, partial(client.watch_bids_asks, symbols), tickers)
        elif has.get("watchOrderBook"):
            await self._follow_touch(symbols[0])
        else:
            await self._follow_tickers(symbols, partial(client.watch_ticker, symbols[0]), client.tickers)

    async def _follow_tickers(
        self, symbols: list[str], watch: Callable[[], Awaitable[Any]], tickers: dict[str, Any]
    ) -> None:
        """Publish tickers that come from now on. Each time read all symbols, as one update may be about several."""
        seen = {symbol: tickers.get(symbol) for symbol in symbols}
        while True:
            await watch()
            await asyncio.sleep(GATHER)
            for symbol in symbols:
                ticker = tickers.get(symbol)
                if ticker is not None and ticker is not seen.get(symbol):
                    seen[symbol] = ticker
                    self._put_quote(symbol, partial(convert.quote_of_ticker, ticker))

    async def _follow_touch(self, symbol: str) -> None:
        """Read quotes from the book, for an exchange without a stream of quotes. Publish a wanted book too."""
        told = _version(self._client.orderbooks.get(symbol) or {})  # of an earlier connection
        while True:
            book = await self._next_book(symbol, told)
            told = _version(book)
            self._put_quote(symbol, partial(convert.quote_of_book, book))
            if symbol in self._wanted_books:
                self._put_book(symbol, book)
            await asyncio.sleep(GATHER)

    def _put_quote(self, symbol: str, read: Callable[..., Quote]) -> None:
        self._heard[symbol, Feed.QUOTES] += 1
        try:
            self._tape.quote(symbol, read(at=self._clock()))
        except values.OneSided as error:
            self._tape.change(symbol, FeedChange(Feed.QUOTES, FeedState.ONE_SIDED, str(error)))
        except values.AnswerError as error:
            self._tape.change(symbol, FeedChange(Feed.QUOTES, FeedState.FAILING, str(error)))

    def _record_trade(self, symbol: str, trade: Any) -> None:
        self._heard[symbol, Feed.TRADES] += 1
        try:
            read = convert.public_trade(trade, symbol=symbol)
        except values.AnswerError as error:
            log.warning("public trade of %s not understood: %s", symbol, error)
            self._tape.interrupt(symbol, str(error))
            return
        absorbed, parts = self._absorbed[symbol], convert.absorbed_ids(trade, self._spec)
        absorbed.update(dict.fromkeys(parts))
        self._notice_missing(read, len(parts))
        while len(absorbed) > CACHE:
            del absorbed[next(iter(absorbed))]
        self._tape.trade(replace(read, at=self._correct(read.at)))

    def _notice_missing(self, trade: PublicTrade, parts: int) -> None:
        """Report trade ids that are missing before ``trade``. ``parts`` earlier trades are merged into it."""
        if not self._spec.consecutive_trade_ids or trade.trade_id is None or not trade.trade_id.isdigit():
            return
        number, last = int(trade.trade_id), self._last_ids.get(trade.symbol)
        if last is not None and number - parts > last + 1:
            self._tape.interrupt(trade.symbol, f"trades {last + 1} to {number - parts - 1} are missing")
        self._last_ids[trade.symbol] = max(number, last or number)

    # --- books ------------------------------------------------------------------------------------

    def _keep_books(self, watchers: Watchers) -> None:
        has = self._client.has
        if not has.get("watchOrderBook") or not has.get("watchBidsAsks"):
            return  # there are no books, or they come with the touch
        for symbol in self._wanted_books - set(self._books):
            self._books[symbol] = watchers.start(partial(self._follow_book, symbol))
        for symbol in set(self._books) - self._wanted_books:
            watchers.cancel(self._books.pop(symbol))
            watchers.start(partial(self._leave_book, symbol))

    async def _follow_book(self, symbol: str) -> None:
        gap, refused = RetryPause(GAP_FIRST, GAP_MAX), RetryPause(REFUSED_FIRST, REFUSED_MAX)
        self._client.orderbooks.pop(symbol, None)  # of an earlier connection
        while True:
            try:
                await self._before_book()
                await self._follow_levels(symbol, gap, refused)
            except ccxt_errors.InvalidNonce as error:  # a gap, or a checksum that does not fit
                pause, state = gap, FeedState.STALE
                reason = f"the book has a gap and is read anew: {self._describe(error)}"
            except ccxt_errors.ExchangeError as error:
                pause, (state, reason) = refused, refused_state(error, symbol, self._describe(error))
            self._tape.change(symbol, FeedChange(Feed.BOOK, state, reason))
            await asyncio.sleep(pause.seconds())

    async def _follow_levels(self, symbol: str, *pauses: RetryPause) -> None:
        told = UNREAD
        while True:
            book = await self._next_book(symbol, told)
            told = _version(book)
            self._put_book(symbol, book)
            for pause in pauses:
                pause.reset()
            await asyncio.sleep(GATHER_BOOK)

    async def _next_book(self, symbol: str, told: tuple[Any, Any]) -> Any:
        """Return the book at a version other than ``told``. Wait for an update if ccxt has none yet."""
        book = self._client.orderbooks.get(symbol)
        if book is None or _version(book) in (told, UNREAD):
            book = await self._client.watch_order_book(symbol, self._spec.book_depth)
        return book

    def _put_book(self, symbol: str, book: Any) -> None:
        try:
            self._tape.book(symbol, convert.top_of_book(book, BOOK_LEVELS, at=self._clock()))
        except values.OneSided as error:
            self._tape.change(symbol, FeedChange(Feed.BOOK, FeedState.ONE_SIDED, str(error)))
        except values.AnswerError as error:
            self._tape.change(symbol, FeedChange(Feed.BOOK, FeedState.FAILING, str(error)))

    async def _leave_book(self, symbol: str) -> None:
        """End a book's subscription if ccxt can do that. Otherwise it ends with the connection."""
        if not self._client.has.get("unWatchOrderBook"):
            return
        try:
            await self._client.un_watch_order_book(symbol)
        except ccxt_errors.BaseError as error:
            log.warning("the book of %s is still subscribed to: %s", symbol, self._describe(error))


def _version(book: Any) -> tuple[Any, Any]:
    return book.get("nonce"), book.get("timestamp")


async def _repeat(call: Callable[[], Awaitable[Any]]) -> None:
    while True:
        await call()  # our caches record what comes
        await asyncio.sleep(GATHER)
