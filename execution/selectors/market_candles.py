"""The candles beside a ticket or an order, from stored and recently published candles, and the desk's own fills."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from execution.core.market_data.candles import (
    MINUTE,
    KnownCandles,
    common_stretches,
    longer_candles,
    merged_candles,
    opening,
    running_vwap,
)
from execution.core.market_data.coverage import Coverage, Stretch
from execution.core.types import Candle
from execution.models import Fill, Order
from execution.payloads.encode import decimal_str, epoch_ms, rounded_str
from execution.payloads.market import CandleFill, CandleRow, Candles
from execution.selectors.candles import CANDLE_LENGTH, candles_stored
from execution.selectors.quotes import candles_latest

#: The number of candles shown, for each length.
SHOWN = 120
#: Published candles come once a second and are at most this old. Younger data do not count as missing yet.
PUBLISHED_WITHIN = timedelta(seconds=5)
MAX_FILLS = 500
#: The number of orders, newest first, whose fills are read.
MAX_ORDERS = 100


@dataclass(frozen=True, slots=True)
class CandlePlace:
    """The venues whose candles are shown, their stored five-minute candles by venue, and the desk's own fills."""

    #: Labels of the chosen accounts, by the venue's primary key.
    venues: Mapping[int, str]
    symbol: str
    minutes: int
    stored: Mapping[int, KnownCandles] = field(default_factory=dict)
    fills: tuple[CandleFill, ...] = ()

    @property
    def length(self) -> timedelta:
        return self.minutes * MINUTE


def window_start(minutes: int, now: datetime) -> datetime:
    """Return the opening time of the first shown candle."""
    length = minutes * MINUTE
    return opening(now, length) - (SHOWN - 1) * length


def candle_place(
    *, venues: Mapping[int, str], symbol: str, minutes: int, orders: QuerySet[Order], now: datetime
) -> CandlePlace:
    """Read the stored candles, and the fills of ``orders``, for the shown period."""
    since = window_start(minutes, now)
    stored = _stored(venues, symbol, since) if minutes * MINUTE == CANDLE_LENGTH else {}
    return CandlePlace(venues, symbol, minutes, stored, _fills(orders, symbol, since))


def _stored(venues: Collection[int], symbol: str, since: datetime) -> dict[int, KnownCandles]:
    """Return the stored five-minute candles of each venue. A candle that the venue does not list is unknown."""
    found = candles_stored(venues, [symbol], since)
    return {venue: found.get((venue, symbol), KnownCandles()) for venue in venues}


def _fills(orders: QuerySet[Order], symbol: str, since: datetime) -> tuple[CandleFill, ...]:
    """Return the newest fills of the orders that were live in the shown period, oldest first."""
    lived = orders.filter(Q(ended_at=None) | Q(ended_at__gte=since), symbol=symbol).order_by("-created_at")
    keys = list(lived.values_list("pk", flat=True)[:MAX_ORDERS])
    found = Fill.objects.filter(order__in=keys, executed_at__gte=since).order_by("-executed_at", "-pk")
    columns = ("executed_at", "order__public_id", "side", "price", "quantity", "liquidity")
    rows = [
        CandleFill(
            at=epoch_ms(at),
            order=order,
            side=side,
            price=decimal_str(price),
            quantity=decimal_str(quantity),
            liquidity=liquidity,
        )
        for at, order, side, price, quantity, liquidity in found.values_list(*columns)[:MAX_FILLS]
    ]
    return tuple(reversed(rows))


def candles_read(place: CandlePlace, *, now: datetime) -> Candles:
    """Return the candles to show: each venue's stored candles, followed by those made from streamed trades.

    A venue without any known candle is left out. The stored candles come from ``place``, so this function reads Redis
    but no table.
    """
    since, until = window_start(place.minutes, now), now
    published = candles_latest([(venue, place.symbol) for venue in place.venues])
    found = {
        label: _of_venue(place, place.stored.get(venue), published.get((venue, place.symbol)), since)
        for venue, label in place.venues.items()
    }
    told = [each for each in found.values() if each.known]
    known = common_stretches([each.known for each in told], since, until)
    shown = [
        bar
        for bar in merged_candles(each.candles for each in told)
        if _is_known(bar, known, place.length, until)
    ]
    return Candles(
        minutes=place.minutes,
        since=epoch_ms(since),
        until=epoch_ms(until),
        rows=_rows(shown),
        unknown=_unknown(known, since, until),
        left_out=[label for label, each in found.items() if not each.known],
        fills=list(place.fills),
    )


def _of_venue(
    place: CandlePlace, stored: KnownCandles | None, published: KnownCandles | None, since: datetime
) -> KnownCandles:
    """Return one venue's candles of the shown length. Published candles are used only after the last stored one."""
    stored, published = stored or KnownCandles(), published or KnownCandles()
    end = stored.known[-1].end if stored.known else since
    later = longer_candles((bar for bar in published.candles if bar.opened_at >= end), place.length)
    return KnownCandles((*stored.candles, *later), (*stored.known, *published.known))


def _is_known(bar: Candle, known: tuple[Stretch, ...], length: timedelta, until: datetime) -> bool:
    """Return True if the full candle is known. In a candle that still grows, the last 5 s may be unknown."""
    end = min(bar.opened_at + length, until - PUBLISHED_WITHIN)
    return any(each.start <= bar.opened_at and end <= each.end for each in known)


def _rows(candles: list[Candle]) -> list[CandleRow]:
    return [
        (
            epoch_ms(bar.opened_at),
            decimal_str(bar.open),
            decimal_str(bar.high),
            decimal_str(bar.low),
            decimal_str(bar.close),
            decimal_str(bar.volume),
            rounded_str(average, 12),
        )
        for bar, average in zip(candles, running_vwap(candles), strict=True)
    ]


def _unknown(known: tuple[Stretch, ...], since: datetime, until: datetime) -> list[tuple[int, int]]:
    gaps = Coverage(known).gaps(since, until - PUBLISHED_WITHIN)
    return [(epoch_ms(gap.start), epoch_ms(gap.end)) for gap in gaps]
