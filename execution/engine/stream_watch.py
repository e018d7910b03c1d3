"""The comparison of an account's private stream with its polls, which finds the reports that the stream omitted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from execution.core.types import OrderReport, StreamEvent, Trade, VenueStatus

V = TypeVar("V")

#: When a poll has found a report first, the stream must bring the report within this time.
TOLD_WITHIN = timedelta(seconds=3)
#: An exchange may list a change this much later. A poll that finds a change from before the stream was connected says
#: nothing about the stream.
SETTLES_WITHIN = timedelta(seconds=5)
REMEMBERED = 4000

#: An order by its symbol and one of its ids.
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Told:
    filled: Decimal | None
    is_over: bool


@dataclass(frozen=True, slots=True)
class _Found:
    words: str
    at: datetime


class StreamWatch:
    """Compares the reports of polls with those of the stream. All times are by the engine's own clock."""

    def __init__(self) -> None:
        self._told: OrderedDict[Name, _Told] = OrderedDict()
        self._trades: OrderedDict[Name, None] = OrderedDict()
        #: How many trades of ours became known, over the stream or by polls.
        self.trades = 0
        self._missing: dict[Name, _Found] = {}
        self._since: datetime | None = None
        self._read_at: dict[str, datetime] = {}
        self._everything_at: datetime | None = None

    # --- the stream -----------------------------------------------------------------------------

    def began(self, now: datetime) -> None:
        """Note that the stream is connected from now on."""
        self._since = now
        self._missing.clear()
        self._read_at.clear()
        self._everything_at = None

    def ended(self) -> None:
        """Note that the stream is lost, so that no report is expected from it."""
        self._since = None
        self._missing.clear()

    def told(self, event: StreamEvent) -> None:
        """Note the reports of the stream. Any report on an order shows that the stream still reports on that order."""
        for report in event.reports:
            told = _Told(report.filled, report.status not in (None, VenueStatus.OPEN))
            for name in _names(report.symbol, report.exchange_id, report.client_id):
                _remember(self._told, name, told)
                self._heard(name)
        for trade in event.trades:
            self.trades += (trade.symbol, trade.trade_id) not in self._trades
            _remember(self._trades, (trade.symbol, trade.trade_id), None)
            for name in _names(trade.symbol, trade.exchange_id, trade.client_id):
                self._heard(name)

    # --- the polls ------------------------------------------------------------------------------

    def read(self, symbol: str, begun: datetime) -> None:
        """Note a complete poll of a symbol.

        A change that only a later poll shows must have happened after this poll.
        """
        self._read_at[symbol] = begun

    def read_everything(self, begun: datetime) -> None:
        """Note a complete poll of every symbol in which the account had orders."""
        self._everything_at = begun

    def found_report(self, report: OrderReport, now: datetime) -> None:
        """Note a report that a poll brought before the stream did."""
        if not self._is_expected(report.symbol):
            return
        names = _names(report.symbol, report.exchange_id, report.client_id)
        if any(_covers(self._told.get(name), report) for name in names):
            return
        status = "open" if report.status is None else report.status.value
        self._note(
            names, f"order {report.client_id or report.exchange_id} of {report.symbol} is {status}", now
        )

    def found_trade(self, trade: Trade, now: datetime) -> None:
        """Note a fill that a poll brought before the stream did.

        Some streams report only an order's filled quantity. If the reported quantity includes the fill, nothing is
        missing.
        """
        self.trades += 1
        if not self._is_expected(trade.symbol) or (trade.symbol, trade.trade_id) in self._trades:
            return
        names = _names(trade.symbol, trade.exchange_id, trade.client_id)
        told = [self._told[name] for name in names if name in self._told]
        if any(one.is_over or one.filled is None or one.filled >= trade.quantity for one in told):
            return
        self._note(names, f"fill {trade.trade_id} of {trade.symbol}", now)

    def silence(self, now: datetime) -> str:
        """Return a text about the first report that the stream should have brought by now; empty if there is none."""
        late = [found for found in self._missing.values() if now - found.at >= TOLD_WITHIN]
        if not late:
            return ""
        first = min(late, key=lambda found: found.at)
        return f"it did not tell that {first.words}, which a poll found at {first.at:%H:%M:%S} UTC"

    # --- inside ---------------------------------------------------------------------------------

    def _is_expected(self, symbol: str) -> bool:
        reads = [at for at in (self._read_at.get(symbol), self._everything_at) if at is not None]
        return self._since is not None and any(at >= self._since + SETTLES_WITHIN for at in reads)

    def _note(self, names: Iterable[Name], words: str, now: datetime) -> None:
        found = _Found(words, now)
        for name in names:
            self._missing.setdefault(name, found)

    def _heard(self, name: Name) -> None:
        found = self._missing.get(name)
        if found is not None:
            self._missing = {one: each for one, each in self._missing.items() if each is not found}


def _names(symbol: str, exchange_id: str | None, client_id: str | None) -> list[Name]:
    return [(symbol, one) for one in (exchange_id, client_id) if one]


def _covers(told: _Told | None, report: OrderReport) -> bool:
    """Return True if the stream has reported at least as much about an order as ``report`` does.

    An unknown filled quantity on either side is not compared.
    """
    if told is None:
        return False
    if report.status not in (None, VenueStatus.OPEN) and not told.is_over:
        return False
    return told.filled is None or report.filled is None or told.filled >= report.filled


def _remember(kept: OrderedDict[Name, V], name: Name, value: V) -> None:
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
