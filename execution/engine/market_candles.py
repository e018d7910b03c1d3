"""The part of a market session that makes one-minute candles of streamed trades, for pages."""

from __future__ import annotations

from execution.core.market_data.candles import MinuteCandles
from execution.core.market_data.feeds import MarketEvent
from execution.engine.market_part import MarketPart, WatchedMarket

#: Candles that somebody looks at are published this often.
PUBLISH_EVERY = 1.0  # seconds


class MarketCandles(MarketPart):
    """The one-minute candles of all watched symbols.

    The candles begin when the session begins. Earlier candles are not requested from the exchange.
    """

    def __init__(self, market: WatchedMarket) -> None:
        super().__init__(market)
        self._candles = {symbol: MinuteCandles() for symbol in self._symbols}

    def take(self, event: MarketEvent) -> None:
        """Count the trades of an event."""
        candles = self._candles[event.symbol]
        if event.interrupted:
            candles.interrupt()
        for trade in event.trades:
            candles.add(trade)

    async def run(self) -> None:
        """Publish the candles of the symbols that somebody looks at, once a second."""
        while True:
            now = self._context.clock.now()
            for symbol in self._context.quotes.wanted_books(self._venue_pk, now) & self._candles.keys():
                self._context.publish_candles(self._venue_pk, symbol, self._candles[symbol].read(now))
            await self._context.clock.sleep(PUBLISH_EVERY)
