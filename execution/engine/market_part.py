"""The base class of a market session's parts, with the connection, the board, the symbols and the requests."""

from __future__ import annotations

from dataclasses import dataclass

from execution.engine.context import EngineContext
from execution.engine.market_board import MarketBoard
from execution.engine.single_flight import SingleFlight
from execution.venues.protocol import MarketGateway, MarketStream


@dataclass(frozen=True, slots=True)
class WatchedMarket:
    """The venue of a market session, and the ``symbols`` in which the desk trades at this venue."""

    context: EngineContext
    gateway: MarketGateway
    stream: MarketStream
    board: MarketBoard
    venue_pk: int
    symbols: tuple[str, ...]


class MarketPart:
    """A part of the session that watches one venue's markets."""

    def __init__(self, market: WatchedMarket) -> None:
        self._context = market.context
        self._gateway = market.gateway
        self._stream = market.stream
        self._board = market.board
        self._venue_pk = market.venue_pk
        self._symbols = market.symbols
        self._requests = SingleFlight(market.context.clock)

    def close(self) -> None:
        """Cancel the requests that are still under way."""
        self._requests.close()
