"""A venue's public books and trades without a key, for recordings. Events are numbered in the order of receipt.

If the stream is lost, the book is crossed, or the reader is too slow, the book is unknown from that moment on. The
feed reports this as an event. A trade that a venue sends twice is reported once.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from execution.core.addresses import Network
from execution.core.market_model.recording import SECOND, Event, RecordedBook, RecordedTrade
from execution.core.retry_pause import RetryPause
from execution.core.types import Level, Market, Side
from execution.venues import convert, errors, request_context, requests, values
from execution.venues.client import open_public_client
from execution.venues.protocol import VenueReadFailed
from execution.venues.streams import MAX_BACK_OFF, MIN_BACK_OFF, Bell, PublicCache, Watchers

log = logging.getLogger(__name__)

LEVELS = 20
#: The most events that may wait for the reader. A reader this far behind will not catch up.
MAX_PENDING = 50_000
#: The number of trade ids that are remembered for each symbol, to recognise repeats.
REMEMBERED = 5_000
#: A trade that is older than this at its receipt comes from the list that a venue sends at the subscription. It is
#: left out, because the market at its time is not recorded.
OLDEST = 10 * SECOND
REQUEST_SECONDS = 10.0


def open_feed(
    *, exchange_id: str, options: Mapping[str, Any], network: Network, now: Callable[[], int]
) -> PublicFeed:
    """Return a feed that connects at ``open()`` and reaches only what ``network`` allows.

    ``now`` gives microseconds since the epoch. Raises ``ValueError`` as ``open_public_client`` does, and for an
    exchange whose books or trades ccxt cannot stream.
    """
    client = open_public_client(
        exchange_id=exchange_id, options=options, timeout=REQUEST_SECONDS, network=network
    )
    for ability in ("watchOrderBook", "watchTrades"):
        if not client.has.get(ability):
            raise ValueError(f"ccxt has no {ability} for {exchange_id}, so it cannot be recorded")
    return PublicFeed(client, now)


class PublicFeed:
    """Books and trades of some symbols of one venue."""

    def __init__(self, client: Any, now: Callable[[], int]) -> None:
        self._client = client
        self._now = now
        self._redact = errors.Redactor(("", "", None))
        self._bell = Bell()
        self._symbols: tuple[str, ...] = ()
        self._numbers = itertools.count(1)
        self._pending: list[Event] = []
        self._last: dict[str, RecordedBook] = {}
        self._seen: dict[str, deque[str]] = {}

    async def open(self, symbols: Sequence[str]) -> dict[str, Market]:
        """Load the markets and return the rules of ``symbols``.

        Raises ``VenueReadFailed`` when the venue does not answer, ``ValueError`` for symbols that it does not list.
        """
        request_context.begin()
        try:
            await self._client.load_markets()
        except Exception as error:  # noqa: BLE001  # whatever it is, nothing can be recorded
            raise VenueReadFailed(f"the markets cannot be read: {self._redact(error)}") from None
        listed = requests.spot_markets(self._client)
        if missing := [symbol for symbol in symbols if symbol not in listed]:
            raise ValueError(f"{self._client.id} does not list {', '.join(missing)}")
        self._symbols = tuple(symbols)
        return {symbol: listed[symbol] for symbol in symbols}

    async def close(self) -> None:
        self._bell.close()
        await self._client.close()

    async def watch(self) -> AsyncGenerator[list[Event], None]:
        """Yield events as they come, until the feed is closed. It reconnects by itself."""
        for symbol in self._symbols:
            self._seen[symbol] = deque(maxlen=REMEMBERED)
            self._client.trades[symbol] = PublicCache(self._trade_recorder(symbol))
        back_off = RetryPause(MIN_BACK_OFF, MAX_BACK_OFF)
        while not self._bell.closed:
            watchers = Watchers(self._client, self._bell)
            try:
                for symbol in self._symbols:
                    watchers.start(self._follower(self._follow_book, symbol))
                    watchers.start(self._follower(self._follow_trades, symbol))
                while not self._bell.closed:
                    if events := self._take():
                        back_off.reset()
                        yield events
                    watchers.raise_ended()
                    await self._bell.wait()
            except Exception as error:  # noqa: BLE001  # whatever it is, the answer is to connect again
                reason = self._redact(error)
                log.warning("public streams of %s ended: %s", self._client.id, reason)
                self._lose(f"the stream was lost: {reason}")
            finally:
                await watchers.end()
            if events := self._take():
                yield events
            if not self._bell.closed:
                await asyncio.sleep(back_off.seconds())

    def _follower(
        self, follow: Callable[[str], Awaitable[None]], symbol: str
    ) -> Callable[[], Awaitable[None]]:
        return lambda: follow(symbol)

    async def _follow_book(self, symbol: str) -> None:
        while True:
            # Without a limit: ccxt would cut the book it keeps, and a level that comes back would be missing.
            self._book(symbol, await self._client.watch_order_book(symbol))

    async def _follow_trades(self, symbol: str) -> None:
        while True:
            await self._client.watch_trades(symbol)  # our cache records them

    # --- what comes -----------------------------------------------------------------------------

    def _take(self) -> list[Event]:
        events, self._pending = self._pending, []
        return events

    def _add(self, event: Event) -> None:
        if len(self._pending) >= MAX_PENDING:
            raise ConnectionError(f"{MAX_PENDING:,} events wait to be written")
        self._pending.append(event)
        self._bell.ring()

    def _book(self, symbol: str, book: Any) -> None:
        bids, asks = levels_of(book.get("bids")), levels_of(book.get("asks"))
        seen = RecordedBook(
            number=0,
            symbol=symbol,
            received=self._now(),
            bids=bids,
            asks=asks,
            exchange_time=microseconds_of(book.get("timestamp")),
            sequence=book.get("nonce") if isinstance(book.get("nonce"), int) else None,
        )
        if seen.is_crossed:
            note = f"the bid {seen.bids[0][0]} is not below the ask {seen.asks[0][0]}"  # type: ignore[index]
            seen = replace(seen, bids=None, asks=None, note=note)
        before = self._last.get(symbol)
        if before is None or (before.bids, before.asks) != (seen.bids, seen.asks):
            self._last[symbol] = seen
            self._add(replace(seen, number=next(self._numbers)))

    def _lose(self, note: str) -> None:
        """Add an event for each known book that marks the book as unknown from now on.

        Nothing is dropped, even if more than ``MAX_PENDING`` events are waiting.
        """
        moment = self._now()
        for symbol, before in self._last.items():
            if before.is_known:
                lost = RecordedBook(next(self._numbers), symbol, moment, None, None, note=note[:200])
                self._last[symbol] = lost
                self._pending.append(lost)

    def _trade_recorder(self, symbol: str) -> Callable[[Any], None]:
        def record(raw: Any) -> None:
            try:
                trade = self._trade(symbol, raw)
            except values.AnswerError as error:
                log.warning("public trade of %s not understood: %s", symbol, error)
                return
            if trade is not None:
                self._add(replace(trade, number=next(self._numbers)))

        return record

    def _trade(self, symbol: str, raw: Any) -> RecordedTrade | None:
        """Return the trade; None if it was reported already, or if it is older than ``OLDEST``."""
        read = convert.public_trade(raw, symbol=symbol)
        trade_id = None if raw.get("id") in (None, "") else str(raw["id"])
        at, moment = microseconds_of(raw.get("timestamp")), self._now()
        if trade_id is not None:
            if trade_id in self._seen[symbol]:
                return None
            self._seen[symbol].append(trade_id)
        if at is not None and moment - at > OLDEST:
            log.info("a trade of %s is left out: it is %.0f s old", symbol, (moment - at) / SECOND)
            return None
        side = Side(raw["side"]) if raw.get("side") in ("buy", "sell") else None
        return RecordedTrade(0, symbol, moment, trade_id, side, read.price, read.quantity, at)


def levels_of(side: Any) -> tuple[Level, ...]:
    """Return the best levels of a side of ccxt's book; none for an empty side.

    Levels of size 0 are left out. Exchanges send a level with size 0 to remove it. Raises ``AnswerError`` for
    an impossible level.
    """
    levels = []
    for price, size, *_ in side or ():
        at, quantity = values.decimal_or_none(price), values.decimal_or_none(size)
        if at is None or quantity is None or at <= 0 or quantity < 0:
            raise values.AnswerError(f"a book with the level {price!r}, {size!r}")
        if quantity:
            levels.append((at, quantity))
        if len(levels) == LEVELS:
            break
    return tuple(levels)


def microseconds_of(milliseconds: Any) -> int | None:
    """Return ccxt's time in milliseconds as microseconds; None stays None."""
    number = values.decimal_or_none(milliseconds)
    return None if number is None else int(number * 1000)
