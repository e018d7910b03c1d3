"""The market beside an order: its samples, read second by second, and the benchmarks folded over them.

An order's market is all venues of its accounts together, each once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.tca import costs
from execution.core.types import ZERO, Side
from execution.models import MarketSample, Order, OrderTerms
from execution.models.prepared import Compiled
from execution.payloads.encode import milliseconds, rounded, text
from execution.payloads.orders import MarketUpdate, Sample
from execution.selectors.decisions.order_view import ORDER
from execution.selectors.decisions.waiting import waiting_of
from execution.selectors.tca.executions import venues_of
from execution.selectors.tca.marks import Marks, marks_read
from execution.selectors.tca.reports import split_row

#: A second may still grow this long after it began: trades arrive late.
OPEN_FOR = timedelta(seconds=5)
#: A longer past is sent in buckets, so that a day's order does not send 86,400 rows.
MAX_POINTS = 3000
#: The past by which a market's pace is judged, and how much of it must have been watched.
PACE_OVER = timedelta(minutes=5)
PACE_NEEDS = timedelta(seconds=60)


_TERMS = Compiled(lambda pk: OrderTerms.objects.filter(pk=pk), pk=int)
_SAMPLES = Compiled(
    lambda venue, symbol, since, until: MarketSample.objects.filter(
        venue_id=venue, symbol=symbol, second__gte=since, second__lte=until
    ).order_by("second"),
    venue=int,
    symbol=str,
    since=datetime,
    until=datetime,
)


@dataclass(slots=True)
class Tape:
    """Where a reader of an order's market is: what is summed for good, and from when to read on."""

    #: Label by primary key.
    venues: Mapping[int, str]
    symbol: str
    since: datetime
    volume: Decimal = ZERO
    notional: Decimal = ZERO
    seen: bool = field(default=False)
    marks: Marks = field(default_factory=Marks)


def tape_open(order_id: int) -> Tape | None:
    """The tape of an order's market from its start; None without an account or terms."""
    order = Order.objects.select_related("terms").get(pk=order_id)
    venues = venues_of(order)
    start = order.started_at or (order.terms.start_at if order.terms else None)
    if not venues or start is None:
        return None
    return Tape(venues=venues, symbol=order.symbol, since=start.replace(microsecond=0))


def tape_read(tape: Tape, order_id: int, now: datetime) -> MarketUpdate:
    """Samples since the last reading (open seconds again) and the benchmarks up to now or the order's end."""
    order = ORDER.get(pk=order_id)
    order.terms = _TERMS.get(pk=order.terms_id) if order.terms_id is not None else None
    until = order.ended_at or now
    samples = [
        sample
        for venue in tape.venues
        for sample in _SAMPLES.all(venue=venue, symbol=tape.symbol, since=tape.since, until=until)
    ]
    samples.sort(key=lambda sample: sample.second)
    open_volume = open_notional = ZERO
    for sample in samples:
        if sample.second < now - OPEN_FOR:
            tape.volume += sample.volume
            tape.notional += sample.notional
            tape.since = sample.second + timedelta(seconds=1)
        else:
            open_volume += sample.volume
            open_notional += sample.notional
    volume = tape.volume + open_volume
    vwap = costs.average_price(tape.notional + open_notional, volume)
    average = costs.average_price(order.notional, order.filled)
    seconds = by_second(samples)
    rows = _thinned(seconds) if not tape.seen else [_row([second]) for second in seconds]
    tape.seen = True
    return MarketUpdate(
        samples=rows,
        volume=text(volume),
        vwap=rounded(vwap, 12),
        vwap_bp=rounded(costs.slippage_bp(Side(order.side), average, vwap), 2),
        participation=rounded(costs.participation(order.filled, volume), 4),
        split_bp=split_row(marks_read(tape.marks, order, tape.venues, now), 2),
        waits=waiting_of([order], {order.pk: tape.venues}, {order.pk: order.why}, now).get(order.pk, ""),
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """What a market traded in the seconds of the recent past that were watched."""

    volume: Decimal
    watched: timedelta

    @property
    def per_hour(self) -> Decimal:
        return self.volume * 3600 / Decimal(str(self.watched.total_seconds()))


def market_pace(venues: Collection[int], symbol: str, now: datetime) -> Pace | None:
    """The markets' volume in those of the last five minutes' seconds that were watched at every venue;
    None when these are less than a minute."""
    found = MarketSample.objects.filter(
        venue__in=venues, symbol=symbol, second__gte=now - PACE_OVER, second__lt=now - OPEN_FOR
    )
    seconds: dict[datetime, list[Decimal]] = defaultdict(list)
    for second, volume in found.values_list("second", "volume"):
        seconds[second].append(volume)
    complete = [sum(volumes, ZERO) for volumes in seconds.values() if len(volumes) == len(venues)]
    watched = timedelta(seconds=len(complete))
    return Pace(sum(complete, ZERO), watched) if watched >= PACE_NEEDS else None


@dataclass(frozen=True, slots=True)
class Together:
    """A second of all venues: the mean of the quotes that are known, and everything that was traded.

    The mean and not the best: the best bid and ask of several venues cross now and then.
    """

    second: datetime
    bid: Decimal | None
    ask: Decimal | None
    volume: Decimal
    notional: Decimal


def by_second(samples: Iterable[MarketSample]) -> list[Together]:
    """Samples of several venues, sorted by time, as one market."""
    found: dict[datetime, list[MarketSample]] = defaultdict(list)
    for sample in samples:
        found[sample.second].append(sample)
    return [_together(second, parts) for second, parts in found.items()]


def _together(second: datetime, parts: Sequence[MarketSample]) -> Together:
    quotes = [(part.bid, part.ask) for part in parts if part.bid is not None and part.ask is not None]
    count = len(quotes)
    return Together(
        second,
        sum((bid for bid, _ in quotes), ZERO) / count if count else None,
        sum((ask for _, ask in quotes), ZERO) / count if count else None,
        sum((part.volume for part in parts), ZERO),
        sum((part.notional for part in parts), ZERO),
    )


def _thinned(seconds: Sequence[Together]) -> list[Sample]:
    size = max(1, -(-len(seconds) // MAX_POINTS))
    return [_row(seconds[first : first + size]) for first in range(0, len(seconds), size)]


def _row(bucket: Sequence[Together]) -> Sample:
    """A bucket's last quote and its whole volume, at its first second."""
    last = bucket[-1]
    return (
        milliseconds(bucket[0].second),
        rounded(last.bid, 12),
        rounded(last.ask, 12),
        text(sum((second.volume for second in bucket), ZERO)) or "0",
        text(sum((second.notional for second in bucket), ZERO)) or "0",
    )
