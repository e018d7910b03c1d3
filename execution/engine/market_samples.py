"""The samples of a venue's markets for each second: the traded volume, and the quote at the second's end."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import DatabaseError, InterfaceError

from execution.core.market_data.feeds import Feed, FeedChange, FeedState, MarketEvent
from execution.core.market_data.trade_volume import TradeVolume, VolumeRow
from execution.core.retry_pause import RetryPause
from execution.core.types import PublicTrade, Quote
from execution.engine.market_part import MarketPart, WatchedMarket
from execution.models import MarketSample
from execution.selectors.decisions.sessions import symbols_with_orders
from execution.services.accounts.markets import samples_record
from execution.venues.protocol import VenueReadFailed

log = structlog.get_logger(__name__)

#: A quote or book that the stream has not renewed for this long is requested.
ASK_AFTER = 2.0  # seconds
#: A session continues where an earlier one stopped. So it also fetches trades from this long before its own begin.
GOES_BACK = timedelta(minutes=2)
#: Markets are sampled until this long after their last order ended.
SAMPLE_AFTER = timedelta(minutes=5)
#: A list over REST may lack trades this young.
LIST_LAG = timedelta(seconds=1)
#: A trade feed without a trade for this long is compared with the venue's list of trades.
QUIET = timedelta(seconds=5)
#: Pauses between two comparisons of a quiet market with the venue's list of trades.
COMPARE_FIRST, COMPARE_MAX = 5.0, 30.0
#: A stream that does not show by itself that trades are missing is compared this often, even if it brings many.
COMPARE_EVERY = 60.0
#: After this many REST quotes in a row that differ from the stream's, the stream counts as silent.
SILENT_AFTER = 2
STANDS_STILL = "the stream has no new quote although the market moves"
#: The shortest time between two reconnects of a silent stream.
RECONNECT_EVERY = 30.0  # seconds
#: The number of seconds whose last quotes are kept until their rows are written.
ENDS_KEPT = 30


class MarketSamples(MarketPart):
    """Counts trades by the second, fills gaps of the stream, and writes a row a second for markets with orders.

    No request to the venue delays a row, because requests run in the background.
    """

    def __init__(self, market: WatchedMarket) -> None:
        super().__init__(market)
        since = self._context.clock.now() - GOES_BACK
        self._volumes = {symbol: TradeVolume(since) for symbol in self._symbols}
        self._last: dict[str, PublicTrade] = {}
        #: The last trade before each symbol's oldest interruption that is not filled yet.
        self._before_hole: dict[str, PublicTrade | None] = {}
        self._sampled: set[str] = set()
        self._ends: defaultdict[str, deque[tuple[datetime, Quote]]] = defaultdict(
            lambda: deque(maxlen=ENDS_KEPT)
        )
        self._compared: dict[str, tuple[float, RetryPause]] = {}
        self._listed_at: dict[str, float] = {}
        self._differs: defaultdict[str, int] = defaultdict(int)
        self._reconnected = float("-inf")
        self._is_quoted_together = True

    # --- what the stream says ---------------------------------------------------------------------

    def put_quote(self, symbol: str, quote: Quote) -> None:
        self._differs[symbol] = 0
        self._board.put_quote(symbol, quote)

    def take_trades(self, event: MarketEvent) -> None:
        """Count the trades of an event. The first trade after an interruption shows that the stream goes on."""
        volume = self._volumes[event.symbol]
        if event.interrupted:
            volume.interrupt()
            self._before_hole.setdefault(event.symbol, self._last.get(event.symbol))
        for trade in event.trades:
            if volume.streaming_since is None:
                volume.resume(trade.at)
            volume.add(trade, self._context.clock.now())
        if event.trades:
            self._last[event.symbol] = event.trades[-1]
            self._compared.pop(event.symbol, None)
            self._board.change(event.symbol, FeedChange(Feed.TRADES, FeedState.LIVE))

    # --- rows -------------------------------------------------------------------------------------

    async def write(self) -> None:
        """Store each second's last quotes.

        Then write the rows of the seconds whose volume has become known or has changed.
        """
        while True:
            now = self._context.clock.now()
            self._keep_ends(now)
            try:
                wanted = await self._context.database.read(
                    symbols_with_orders, self._venue_pk, since=now - SAMPLE_AFTER
                )
                self._sampled = wanted & set(self._symbols)
                rows = [
                    self._sample(symbol, row)
                    for symbol in sorted(self._sampled)
                    for row in self._volumes[symbol].rows(self._context.clock.now())
                ]
                if rows:
                    await self._context.database.run(samples_record, samples=rows)
            except (DatabaseError, InterfaceError) as error:
                log.warning("market samples could not be kept", error=str(error))
            left = 1 - self._context.clock.now().microsecond / 1_000_000
            await self._context.clock.sleep(left)

    def _keep_ends(self, now: datetime) -> None:
        """Keep each market's quote at the end of the second before ``now``, if the quote is fresh."""
        second = now.replace(microsecond=0) - timedelta(seconds=1)
        for symbol in self._sampled:
            quote, age = self._quote(symbol), self._context.quotes.quote_age(self._venue_pk, symbol)
            if quote is not None and age is not None and age < ASK_AFTER * 2 and quote.is_sane:
                self._ends[symbol].append((second, quote))

    def _sample(self, symbol: str, row: VolumeRow) -> MarketSample:
        end = next((quote for second, quote in self._ends[symbol] if second == row.second), None)
        return MarketSample(
            venue_id=self._venue_pk,
            symbol=symbol,
            second=row.second,
            bid=end.bid if end is not None else None,
            ask=end.ask if end is not None else None,
            volume=row.volume,
            notional=row.notional,
        )

    # --- what the stream left out -----------------------------------------------------------------

    async def keep_quotes(self) -> None:
        """Request, once a second, quotes that the stream has not renewed.

        Each second, check all markets in which an order works, and in turn one of the other markets.
        """
        turn = 0
        while True:
            wanted = self._sampled | set(self._symbols[turn % len(self._symbols) :][:1])
            old = sorted(symbol for symbol in wanted if self._is_old(symbol))
            together = [symbol for symbol in old if not self._is_alone(symbol)]
            if len(together) > 1 and self._is_quoted_together:
                self._requests.start(Feed.QUOTES, partial(self._ask_quotes, together))
                old = [symbol for symbol in old if symbol not in together]
            self._ask_alone(old)
            turn += 1
            await self._context.clock.sleep(1.0)

    def _is_old(self, symbol: str) -> bool:
        age = self._context.quotes.quote_age(self._venue_pk, symbol)
        return age is None or age >= ASK_AFTER

    def _is_alone(self, symbol: str) -> bool:
        """Return True if the symbol needs a request of its own, because a common request would fail or omit it."""
        state = self._board.state(symbol, Feed.QUOTES)
        return state is not None and state.is_void

    def _ask_alone(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self._requests.start((symbol, Feed.QUOTES), partial(self._ask_quote, symbol))

    async def _ask_quotes(self, symbols: list[str]) -> None:
        """Request the quotes of several symbols at once. Then request singly those that the answer lacks.

        One symbol that the venue no longer lists makes the request fail for all.
        """
        before = {symbol: self._quote(symbol) for symbol in symbols}
        try:
            quotes = await self._gateway.quotes(symbols)
        except VenueReadFailed as error:
            log.warning("quotes could not be read together", symbols=symbols, error=str(error))
            quotes = {}
        self._is_quoted_together = bool(quotes)
        for symbol, quote in quotes.items():
            self._compare_quote(symbol, before[symbol], quote)
        self._ask_alone(symbol for symbol in symbols if symbol not in quotes)

    async def _ask_quote(self, symbol: str) -> None:
        before = self._quote(symbol)
        try:
            quote = await self._gateway.quote(symbol)
        except VenueReadFailed as error:
            self._board.not_read(symbol, Feed.QUOTES, "no quote", error)
            raise
        self._is_quoted_together = True  # it may be possible again
        self._compare_quote(symbol, before, quote)

    def _compare_quote(self, symbol: str, before: Quote | None, quote: Quote) -> None:
        """Store a quote that was requested, and compare it with the quote ``before`` the request.

        If the quotes differ again and again while the stream brings none, the stream is regarded as silent, until it
        brings a new quote.
        """
        is_same_stream = before is not None and self._quote(symbol) == before
        has_moved = before is not None and (before.bid, before.ask) != (quote.bid, quote.ask)
        differs = self._differs[symbol] + 1 if is_same_stream and has_moved else 0
        was_silent = is_same_stream and self._board.state(symbol, Feed.QUOTES) is FeedState.SILENT
        is_silent = was_silent or differs >= SILENT_AFTER
        self._board.put_quote(symbol, quote, silent=STANDS_STILL if is_silent else "")
        self._differs[symbol] = differs
        if is_silent:
            self._begin_anew(symbol, Feed.QUOTES, STANDS_STILL)

    async def keep_trades(self) -> None:
        """Request, once a second, the venue's list of trades for markets whose stream was interrupted or is quiet."""
        while True:
            for symbol in self._sampled:
                if self._is_to_be_compared(symbol):
                    self._requests.start((symbol, Feed.TRADES), partial(self._compare, symbol))
            await self._context.clock.sleep(1.0)

    def _is_to_be_compared(self, symbol: str) -> bool:
        volume, now = self._volumes[symbol], self._context.clock.boot()
        if not self._stream.shows_missing_trades and now - self._listed_at.get(symbol, now) >= COMPARE_EVERY:
            return True
        if volume.hole() is None and volume.silent_for(self._context.clock.now()) < QUIET:
            return False
        not_before, _ = self._compared.get(symbol, (float("-inf"), None))
        return now >= not_before

    async def _compare(self, symbol: str) -> None:
        """Add the trades of the venue's list. If the stream should have brought one of them, regard it as silent."""
        _, pause = self._compared.get(symbol, (0.0, RetryPause(COMPARE_FIRST, COMPARE_MAX)))
        self._listed_at[symbol] = self._context.clock.boot()
        self._compared[symbol] = self._listed_at[symbol] + pause.seconds(), pause
        volume, asked_at = self._volumes[symbol], self._context.clock.now()
        streaming_since, last = volume.streaming_since, self._last.get(symbol)
        try:
            trades = await self._gateway.missed_trades(symbol, self._before_hole.get(symbol, last))
        except VenueReadFailed as error:
            self._board.not_read(symbol, Feed.TRADES, "no list of trades", error)
            raise
        until = asked_at - LIST_LAG
        missed = volume.fill(trades, until, received_at=self._context.clock.now())
        if volume.hole() is None:
            self._before_hole.pop(symbol, None)
        if trades:
            self._last[symbol] = max([trades[-1], *filter(None, [last])], key=lambda trade: trade.at)
        if streaming_since is not None and any(streaming_since < trade.at <= until for trade in missed):
            volume.interrupt()
            known = [trade for trade in trades if trade.at <= until]
            self._before_hole.setdefault(symbol, known[-1])
            reason = "the stream has no trades although the market trades"
            self._board.change(symbol, FeedChange(Feed.TRADES, FeedState.SILENT, reason))
            self._begin_anew(symbol, Feed.TRADES, reason)
        elif not missed:
            self._board.change(symbol, FeedChange(Feed.TRADES, FeedState.LIVE))

    def _begin_anew(self, symbol: str, feed: Feed, reason: str) -> None:
        now = self._context.clock.boot()
        if now - self._reconnected >= RECONNECT_EVERY:
            self._reconnected = now
            log.warning("a market stream is silent", symbol=symbol, feed=str(feed), reason=reason)
            self._stream.reconnect(f"the connection began anew for {symbol}: {reason}")

    def _quote(self, symbol: str) -> Quote | None:
        return self._context.quotes.quote(self._venue_pk, symbol)
