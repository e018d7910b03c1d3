"""The schedule for reading all trades of an account's symbols.

Trades that are known to be missing are read by ``MissingFills``, outside of this schedule.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from execution.venues.protocol import Gateway

#: All trades of a symbol are read this often, by polls of all symbols, and not during a doubt.
TRADES_EVERY = timedelta(minutes=1)
#: They are not read where that takes more of the rate limit than this. A new doubt would wait for the rest.
MOST = 5.0  # seconds of it


class AllTrades:
    """Remembers when all trades of each symbol were last read, and decides when to read them again."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._read_at: dict[str, datetime] = {}
        self._wanted_at: datetime | None = None
        #: The number of known trades at the last reading.
        self._known = 0

    def want(self, now: datetime) -> None:
        """Note that somebody wants all trades to be read, of every symbol."""
        self._wanted_at = now

    def last(self, symbol: str) -> datetime | None:
        """Return when the trades of a symbol were last read; None if never in this session."""
        return self._read_at.get(symbol)

    def note_read(self, symbol: str, begun: datetime, known: int) -> None:
        """Note that all trades of ``symbol`` were read.

        The reading began at ``begun``, when ``known`` trades were known.
        """
        self._read_at[symbol] = begun
        self._known = known

    def is_must(self, symbol: str) -> bool:
        """Return True if all trades must be read, whatever it costs.

        That is so the first time in a session, and after a call of ``want``.
        """
        at = self.last(symbol)
        return at is None or (self._wanted_at is not None and at < self._wanted_at)

    def is_due(self, symbol: str, now: datetime) -> bool:
        """Return True if the time for the next reading has come."""
        at = self.last(symbol)
        return at is None or now - at >= TRADES_EVERY

    def is_cheap(self, symbols: int, known: int) -> bool:
        """Return True if reading all trades of this number of symbols is cheap. ``known`` counts all known trades."""
        return self._gateway.seconds_of_trades(symbols, max(known - self._known, 0)) <= MOST
