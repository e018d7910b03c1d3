"""A market's volume by the second, from trades that arrive late, twice or not at all.

A trade is added to the second of its own time, however late it arrives. A second is known once it is proven that no
trade before its end is missing. The proof is either a later trade of an uninterrupted stream or the venue's list of
recent trades. Every other second is unknown, which is not zero. The proof assumes that a stream delivers a symbol's
trades in the order of their times. A trade out of order is still counted, and the row of its second is returned
again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.market_data.coverage import Coverage
from execution.core.types import ZERO, PublicTrade

#: Ids and seconds are kept for this long. An older hole cannot be filled, and an older trade is not counted.
KEPT = timedelta(minutes=5)
#: The row of a second is returned once the second has been over for this long. By then it is mostly proven.
OVER_FOR = timedelta(seconds=1)
#: An id is kept this much longer than its second. The trade may come again with another clock offset, and so later.
_IDS_OUTLIVE = timedelta(seconds=10)
_TIDY_EVERY = timedelta(seconds=10)
_SECOND = timedelta(seconds=1)
#: The smallest step of time. A list may have only the later one of two trades of one instant, so it is complete
#: from one step after its oldest trade.
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """A second's volume in base units and its notional in quote units; both None while they are unknown."""

    second: datetime
    volume: Decimal | None
    notional: Decimal | None


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of time in which trades may be missing. ``end`` is None while it is still growing."""

    start: datetime
    end: datetime | None


@dataclass(slots=True)
class _Second:
    volume: Decimal = field(default=ZERO)
    notional: Decimal = field(default=ZERO)


class TradeVolume:
    """The volume of one symbol at one venue. Rows begin with the second of ``since``.

    All times are on our clock. The caller corrects a trade's time by the venue's clock offset. If the offset is
    uncertain, the caller allows for the error: it passes a later time to ``resume`` and an earlier ``until`` to
    ``fill``.
    """

    def __init__(self, since: datetime) -> None:
        self._since = _second_of(since)
        self._now = since
        self._tidied_at = since
        self._coverage = Coverage()
        #: The time since which the stream has delivered every trade; None while it is interrupted.
        self._stream_from: datetime | None = None
        self._seconds: dict[datetime, _Second] = {}
        #: The time of each counted trade by its id.
        self._ids: dict[str, datetime] = {}
        #: The last trade of the uninterrupted stream: no trade of the stream before it is missing.
        self._proven_id = ""
        self._proven_at = since
        #: The ids of the last such trades of the earlier streams, before each interruption.
        self._ends: set[str] = set()
        self._heard_at = since
        #: The start of the newest list of recent trades. No further list can fill a hole before it.
        self._lost_before = self._since
        self._rows: dict[datetime, VolumeRow] = {}
        self._changed: set[datetime] = set()
        self._next_second = self._since

    # --- what the stream says ------------------------------------------------------------------------

    def resume(self, at: datetime) -> None:
        """Note that the stream was subscribed (again) and delivers every trade from ``at`` on."""
        self._advance(at)
        self._ends.add(self._proven_id)
        self._stream_from = at
        self._heard_at = max(self._heard_at, at)

    def interrupt(self) -> None:
        """Note that the stream may have missed trades since the last one that it sent."""
        self._stream_from = None

    def add(self, trade: PublicTrade, received_at: datetime) -> None:
        """Count a trade from the stream, unless it was counted before.

        In an uninterrupted stream the trade proves that no earlier one is missing.
        """
        self._advance(received_at)
        self._heard_at = max(self._heard_at, received_at)
        at = min(trade.at, received_at)  # no trade happens after it was received: one clock is wrong
        self._count(trade, at)
        if self._stream_from is not None and at >= self._stream_from:  # not one that a new stream repeats
            self._cover(self._stream_from, at)
            if at >= self._proven_at:
                self._proven_at, self._proven_id = at, _id_of(trade)

    # --- what the venue's list of recent trades says -------------------------------------------------

    def fill(
        self,
        trades: Sequence[PublicTrade],
        until: datetime,
        *,
        received_at: datetime,
        since: datetime | None = None,
    ) -> list[PublicTrade]:
        """Count the trades in a list from the venue, and return those that had not been counted.

        The list must have every trade up to ``until``. For a list of the newest trades, ``until`` is the time
        of the request. If more trades follow the list, ``until`` is the time of its last trade.

        If the list was requested from a certain time on, ``since`` is that time. Without ``since``, the list counts as
        complete from just after its oldest trade, or from that trade on if it was counted before. Everything earlier
        stays unknown. An empty list without ``since`` proves nothing.

        Trades without ids cannot be compared with those of the stream. A list of such trades fills nothing, and the
        time up to ``until`` is not requested again.
        """
        self._advance(received_at)
        self._heard_at = max(self._heard_at, until)
        if any(trade.trade_id is None for trade in trades):
            self._lost_before = max(self._lost_before, until)
            return []
        times = [min(trade.at, received_at) for trade in trades]
        starts = [] if since is None else [since]
        if times:
            starts.append(min(times) + _INSTANT)
            counted = ((key, self._ids.get(key)) for key in map(_id_of, trades))
            starts += [at for key, at in counted if at is not None and self._is_whole(key, at)]
        missed = [trade for trade, at in zip(trades, times, strict=True) if self._count(trade, at)]
        if starts:
            self._cover(min(starts), max([until, *times]))
            self._lost_before = max(self._lost_before, min(starts))
        return missed

    # --- what is known -------------------------------------------------------------------------------

    @property
    def streaming_since(self) -> datetime | None:
        """Return the time since which the stream has delivered every trade; None while it is interrupted."""
        return self._stream_from

    def hole(self) -> Hole | None:
        """Return the oldest stretch that a list of recent trades could still fill; None if there is none."""
        start = max(self._since, self._horizon, self._lost_before)
        if self._stream_from is not None:
            gaps = self._coverage.gaps(start, max(start, self._stream_from))
            return Hole(gaps[0].start, gaps[0].end) if gaps else None
        end = max(start, self._coverage.end or start)
        gaps = self._coverage.gaps(start, end)
        return Hole(gaps[0].start, gaps[0].end) if gaps else Hole(end, None)

    def silent_for(self, now: datetime) -> timedelta:
        """Return how long nothing has arrived: no trade, no requested list and no resumed stream."""
        return max(now - self._heard_at, timedelta(0))

    def rows(self, now: datetime) -> list[VolumeRow]:
        """Return the rows of seconds that are new or have changed since the last call, oldest first."""
        self._advance(now)
        self._next_second = max(self._next_second, self._horizon)
        while self._next_second + _SECOND + OVER_FOR <= self._now:
            self._changed.add(self._next_second)
            self._next_second += _SECOND
        found = []
        for second in sorted(self._changed):
            row = self._row(second)
            if second >= self._horizon and self._rows.get(second) != row:
                self._rows[second] = row
                found.append(row)
        self._changed.clear()
        return found

    # --- inside --------------------------------------------------------------------------------------

    @property
    def _horizon(self) -> datetime:
        """Return the oldest second that is kept. It never becomes earlier."""
        return _second_of(self._now) - KEPT

    def _advance(self, now: datetime) -> None:
        self._now = max(self._now, now)
        if self._now - self._tidied_at < _TIDY_EVERY:
            return
        self._tidied_at, horizon = self._now, self._horizon
        self._coverage.forget(horizon)
        self._ids = {key: at for key, at in self._ids.items() if at >= horizon - _IDS_OUTLIVE}
        self._ends &= self._ids.keys()
        self._seconds = {at: second for at, second in self._seconds.items() if at >= horizon}
        self._rows = {at: row for at, row in self._rows.items() if at >= horizon}
        self._changed = {at for at in self._changed if at >= horizon}

    def _count(self, trade: PublicTrade, at: datetime) -> bool:
        """Count a trade unless it is too old or was counted before. Return whether it was counted."""
        key, second = _id_of(trade), _second_of(at)
        if key in self._ids or second < self._horizon:
            return False
        self._ids[key] = at
        sums = self._seconds.setdefault(second, _Second())
        sums.volume += trade.quantity
        sums.notional += trade.quantity * trade.price
        if self._since <= second < self._next_second:
            self._changed.add(second)
        return True

    def _cover(self, start: datetime, end: datetime) -> None:
        for added in self._coverage.add(max(start, self._horizon), end):
            second = max(_second_of(added.start), self._since)
            while second <= added.end and second < self._next_second:
                self._changed.add(second)
                second += _SECOND

    def _is_whole(self, key: str, at: datetime) -> bool:
        """Return True if no earlier trade of the same instant ``at`` as the trade ``key`` can be missing."""
        return key == self._proven_id or key in self._ends or self._coverage.holds(at)

    def _row(self, second: datetime) -> VolumeRow:
        if not self._coverage.covers(second, second + _SECOND):
            return VolumeRow(second, None, None)
        sums = self._seconds.get(second, _Second())
        return VolumeRow(second, sums.volume, sums.notional)


def _second_of(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _id_of(trade: PublicTrade) -> str:
    """Return the trade's id, or a text of its values if it has none.

    Without ids, equal trades of one instant are counted only once, because they may be repetitions.
    """
    if trade.trade_id is not None:
        return trade.trade_id
    return f"{trade.at.isoformat()} {trade.price} {trade.quantity} {trade.side}"
