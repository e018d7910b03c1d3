"""Candles: made from streamed trades, joined into longer ones, and merged over several venues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from execution.core.market_data.coverage import Coverage, Stretch
from execution.core.types import ZERO, Candle, PublicTrade

MINUTE = timedelta(minutes=1)
#: The candles of a symbol are kept for this long.
KEPT = timedelta(hours=4)
MOST_BARS = KEPT // MINUTE + 1
#: Ids that are kept, those of the newest trades, because a stream may repeat a trade.
IDS_KEPT = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KnownCandles:
    """Candles, oldest first, and ``known``, the stretches of time in which no trade is missing.

    A known stretch without a candle had no trade. The time outside the known stretches is unknown. The last candle may
    still grow.
    """

    candles: tuple[Candle, ...] = ()
    known: tuple[Stretch, ...] = ()


class MinuteCandles:
    """The one-minute candles of one symbol at one venue. Times are those of the desk's clock."""

    def __init__(self) -> None:
        self._bars: dict[datetime, Candle] = {}
        self._coverage = Coverage()
        #: The time since which the stream has delivered every trade; None while it is interrupted.
        self._from: datetime | None = None
        self._last_at: datetime | None = None
        self._ids: dict[str, None] = {}

    def interrupt(self) -> None:
        """Note that the stream may have missed trades since the last one that it sent."""
        self._from = None

    def add(self, trade: PublicTrade) -> None:
        """Count a trade, unless it was counted before. The first trade after an interruption ends it."""
        if self._is_known(trade) or (self._last_at is not None and trade.at < self._last_at - KEPT):
            return
        if self._from is None:
            self._from = trade.at
        if trade.at < self._from:
            return  # a new stream repeats what was before it
        at = opening(trade.at, MINUTE)
        if len(self._bars) > MOST_BARS and at not in self._bars:
            del self._bars[min(self._bars)]  # nobody reads them, or ``read`` would have left it out
        self._bars[at] = with_trade(self._bars.get(at), at, trade)
        self._last_at = max(self._last_at or trade.at, trade.at)
        self._coverage.add(self._from, self._last_at)

    def read(self, now: datetime) -> KnownCandles:
        """Return the candles known by ``now``.

        While the stream is not interrupted, a time without a trade in it counts as known.
        """
        horizon = opening(now - KEPT, MINUTE)
        self._coverage.forget(horizon)
        self._bars = {at: bar for at, bar in self._bars.items() if at >= horizon}
        known = Coverage(self._coverage.stretches)
        if self._from is not None:
            # Not kept: an interruption that is noticed later takes back everything since the last trade.
            known.add(max(self._from, horizon), now)
        told = (self._bars[at] for at in sorted(self._bars) if known.covers(at, min(at + MINUTE, now)))
        return KnownCandles(tuple(told), known.stretches)

    def _is_known(self, trade: PublicTrade) -> bool:
        if trade.trade_id is None:
            return False
        if trade.trade_id in self._ids:
            return True
        self._ids[trade.trade_id] = None
        if len(self._ids) > IDS_KEPT:
            del self._ids[next(iter(self._ids))]
        return False


def opening(at: datetime, length: timedelta) -> datetime:
    """Return the opening time of the candle of ``length`` that contains ``at``. Candles begin at midnight UTC."""
    return _EPOCH + (at - _EPOCH) // length * length


def with_trade(candle: Candle | None, opened_at: datetime, trade: PublicTrade) -> Candle:
    """Return ``candle`` with one more trade, which came after those in it, or a new candle if there is none."""
    price = trade.price
    if candle is None:
        return Candle(opened_at, price, price, price, price, trade.quantity)
    return Candle(
        opened_at,
        candle.open,
        max(candle.high, price),
        min(candle.low, price),
        price,
        candle.volume + trade.quantity,
    )


def longer_candles(candles: Iterable[Candle], length: timedelta) -> tuple[Candle, ...]:
    """Return candles of ``length`` made of shorter ones, which must be oldest first."""
    found: dict[datetime, Candle] = {}
    for bar in candles:
        at = opening(bar.opened_at, length)
        first = found.get(at)
        found[at] = Candle(
            at,
            bar.open if first is None else first.open,
            bar.high if first is None else max(first.high, bar.high),
            bar.low if first is None else min(first.low, bar.low),
            bar.close,
            bar.volume if first is None else first.volume + bar.volume,
        )
    return tuple(found.values())


def merged_candles(venues: Iterable[Iterable[Candle]]) -> tuple[Candle, ...]:
    """Merge the candles of several venues into those of one market, oldest first.

    Volumes add up. Prices are those of the venue that traded most during the candle. Highs and lows of different
    venues are not mixed. A mixed candle would show differences between the venues, and not moves of the market.
    """
    found: defaultdict[datetime, list[Candle]] = defaultdict(list)
    for candles in venues:
        for candle in candles:
            found[candle.opened_at].append(candle)
    return tuple(_together(found[at]) for at in sorted(found))


def _together(candles: Sequence[Candle]) -> Candle:
    if len(candles) == 1:
        return candles[0]
    largest = max(candles, key=lambda candle: candle.volume)
    volume = sum((candle.volume for candle in candles), ZERO)
    return Candle(largest.opened_at, largest.open, largest.high, largest.low, largest.close, volume)


def common_stretches(
    venues: Sequence[Sequence[Stretch]], start: datetime, end: datetime
) -> tuple[Stretch, ...]:
    """Return the parts of ``start`` to ``end`` that are known at every venue; empty if there are no venues."""
    unknown = Coverage()
    for stretches in venues:
        for gap in Coverage(stretches).gaps(start, end):
            unknown.add(gap.start, gap.end)
    return tuple(unknown.gaps(start, end)) if venues else ()


def running_vwap(candles: Iterable[Candle]) -> list[Decimal | None]:
    """Return the volume-weighted average of the typical prices up to each candle; None while nothing was traded."""
    volume = notional = ZERO
    line: list[Decimal | None] = []
    for candle in candles:
        volume += candle.volume
        notional += candle.typical * candle.volume
        line.append(notional / volume if volume else None)
    return line
