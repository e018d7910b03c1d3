"""The symbols of an account that cannot be read: since when, why, and when each is tried again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from execution.core.faults import FAILURES_IN_A_ROW
from execution.engine.poll_needs import UNSETTLED
from execution.services.accounts.sessions import UnreadSymbol
from execution.venues.protocol import VenueReadFailed

log = structlog.get_logger(__name__)

#: A symbol that could not be read is tried again after growing pauses, from ``UNSETTLED`` up to this.
LONGEST_PAUSE = timedelta(seconds=5)


@dataclass(slots=True)
class _Failing:
    since: datetime
    error: VenueReadFailed
    not_before: datetime
    times: int = 0
    own_faults: int = 0
    is_unlisted: bool = False

    @property
    def shown(self) -> UnreadSymbol:
        is_blind = self.is_unlisted or self.own_faults >= FAILURES_IN_A_ROW
        return UnreadSymbol(str(self.error), self.since, blocks=is_blind)


class UnreadSymbols:
    """The symbols that could not be read yet, with the known facts about each."""

    def __init__(self) -> None:
        self._failing: dict[str, _Failing] = {}

    def __bool__(self) -> bool:
        return bool(self._failing)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._failing

    def __iter__(self) -> Iterator[str]:
        return iter(self._failing)

    def failed(self, symbol: str, error: VenueReadFailed, now: datetime, *, is_unlisted: bool) -> None:
        """Note that a symbol could not be read. ``is_unlisted`` says that the venue no longer lists it."""
        failing = self._failing.setdefault(symbol, _Failing(now, error, now))
        failing.error = error.with_traceback(None)  # which would keep everything that the poll read
        failing.times += 1
        failing.own_faults = failing.own_faults + 1 if error.incident else 0
        failing.is_unlisted = is_unlisted
        pause = timedelta(seconds=UNSETTLED) * 2 ** min(failing.times - 1, 10)
        failing.not_before = now + min(pause, LONGEST_PAUSE)
        log.warning("a symbol could not be read", symbol=symbol, times=failing.times, error=str(error))

    def was_read(self, symbol: str) -> None:
        self._failing.pop(symbol, None)

    def keep(self, symbols: Collection[str]) -> None:
        """Keep these symbols and forget all others."""
        self._failing = {one: failing for one, failing in self._failing.items() if one in symbols}

    def is_due(self, symbol: str, now: datetime) -> bool:
        return self._failing[symbol].not_before <= now

    def is_unlisted(self, symbol: str) -> bool:
        """Return True if a symbol that could not be read is no longer listed by the venue."""
        return symbol in self._failing and self._failing[symbol].is_unlisted

    def error_of(self, symbol: str) -> VenueReadFailed:
        return self._failing[symbol].error

    def shown(self) -> dict[str, UnreadSymbol]:
        """Return, for each symbol that pages show as unreadable, the facts to show."""
        return {symbol: failing.shown for symbol, failing in self._failing.items()}

    def words(self) -> str:
        """Return all errors in one line; empty when there are none."""
        return "; ".join(f"{one} cannot be read: {self._failing[one].error}" for one in sorted(self._failing))
