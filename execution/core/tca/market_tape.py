"""The recorded seconds of an order's markets, and the markets' prices at a moment."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.tca.costs import average_price, middle
from execution.core.types import ZERO

#: A mid is valid for this long after it was recorded. After that the mid is unknown.
MID_LASTS = timedelta(seconds=5)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a venue's market: the quote at its end and the volume traded in it; None where it is unknown."""

    venue: str
    at: datetime
    bid: Decimal | None
    ask: Decimal | None
    volume: Decimal | None = None
    notional: Decimal | None = None


class MarketRecord:
    """The recorded markets of an order. Each venue is included once, even if the order has several accounts at it.

    ``arrival`` is the time of the order's arrival and the mid at that time. For ``MID_LASTS`` after the arrival, this
    mid is used if no mid was recorded.
    """

    def __init__(self, seconds: Iterable[Second], *, arrival: tuple[datetime, Decimal] | None = None) -> None:
        self._seconds = sorted(seconds, key=lambda second: second.at)
        self._arrival = arrival
        self._moments: dict[str, list[datetime]] = defaultdict(list)
        self._mids: dict[str, list[Decimal]] = defaultdict(list)
        for second in self._seconds:
            mid = middle(second.bid, second.ask)
            if mid is not None:
                # The quote of a second is that of its end: taking it earlier would look ahead.
                self._moments[second.venue].append(second.at + SECOND)
                self._mids[second.venue].append(mid)

    @property
    def venues(self) -> Sequence[str]:
        return sorted({second.venue for second in self._seconds})

    def mid_at(self, venue: str, moment: datetime) -> Decimal | None:
        """Return the newest mid of a venue at a moment; None if it is more than five seconds old."""
        found = self._recorded(venue, moment)
        return found if found is not None else self._arrived(moment)

    def market_mid_at(self, moment: datetime) -> Decimal | None:
        """Return the mean of the venues' known mids at a moment; None if there is none."""
        known = [mid for venue in self._mids if (mid := self._recorded(venue, moment)) is not None]
        return sum(known, ZERO) / len(known) if known else self._arrived(moment)

    def vwap(self, start: datetime, end: datetime) -> Decimal | None:
        """Return the volume-weighted average price of all venues together in an interval."""
        volume, notional = self.traded(start, end)
        return average_price(notional, volume)

    def traded(self, start: datetime, end: datetime) -> tuple[Decimal, Decimal]:
        """Return the known volume and notional of all venues in an interval.

        If the interval begins within a second, that whole second is included.
        """
        inside = self._inside(start, end)
        volumes = (second.volume for second in inside if second.volume is not None)
        notionals = (second.notional for second in inside if second.notional is not None)
        return sum(volumes, ZERO), sum(notionals, ZERO)

    def twap(self, start: datetime, end: datetime) -> Decimal | None:
        """Return the time-weighted average price of an interval: the mean over its seconds of the venues' mean mid.

        Seconds without a known mid are left out.
        """
        total, count = ZERO, 0
        for seconds in self._by_second(start, end).values():
            mids = (middle(second.bid, second.ask) for second in seconds)
            known = [mid for mid in mids if mid is not None]
            if known:
                total += sum(known, ZERO) / len(known)
                count += 1
        return total / count if count else None

    def watched(self, start: datetime, end: datetime, venues: int) -> Decimal | None:
        """Return the share of seconds whose volume is known at every venue; None for an empty interval."""
        whole = int((end - start.replace(microsecond=0)) / SECOND)
        if whole <= 0 or venues <= 0:
            return None
        complete = sum(
            sum(second.volume is not None for second in seconds) >= venues
            for seconds in self._by_second(start, end - SECOND).values()
        )
        return min(Decimal(complete) / whole, Decimal(1))

    def _recorded(self, venue: str, moment: datetime) -> Decimal | None:
        moments = self._moments.get(venue, [])
        index = bisect_right(moments, moment) - 1
        if index < 0 or moment - moments[index] > MID_LASTS:
            return None
        return self._mids[venue][index]

    def _arrived(self, moment: datetime) -> Decimal | None:
        if self._arrival is None or not timedelta(0) <= moment - self._arrival[0] <= MID_LASTS:
            return None
        return self._arrival[1]

    def _inside(self, start: datetime, end: datetime) -> list[Second]:
        first = start.replace(microsecond=0)
        return [second for second in self._seconds if first <= second.at <= end]

    def _by_second(self, start: datetime, end: datetime) -> Mapping[datetime, list[Second]]:
        found: dict[datetime, list[Second]] = defaultdict(list)
        for second in self._inside(start, end):
            found[second.at].append(second)
        return found
