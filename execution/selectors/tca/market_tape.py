"""The market during an order: its samples by the second, and the benchmarks computed from these.

An order's market consists of all venues of its accounts, each included once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.market_data.trade_volume import KEPT
from execution.core.tca import costs
from execution.core.types import ZERO, Side
from execution.models import MarketSample, Order, OrderTerms
from execution.models.prepared import Compiled
from execution.payloads.encode import BP_PLACES, decimal_str, epoch_ms, rounded_str
from execution.payloads.market import MarketUpdate, Sample
from execution.selectors.decisions.order_view import ORDER
from execution.selectors.decisions.waiting import waiting_of
from execution.selectors.tca.executions import venues_of
from execution.selectors.tca.marks import Marks, marks_read
from execution.selectors.tca.reports import shown_split, split_row

#: A second's sample may change for this long, because trades arrive late.
OPEN_FOR = timedelta(seconds=5)
#: A second of unknown volume may be completed for this long, because missed trades are requested that long.
MENDED_FOR = KEPT + OPEN_FOR
#: A longer past is thinned to buckets, so that an order of a day does not send 86,400 rows.
MAX_POINTS = 3000
#: A market's pace is that of this much of the past, and at least so much of it must be known.
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
    """The progress of a reader of an order's market: the sums so far, and the time from which to read on."""

    #: The venues' labels by primary key.
    venues: Mapping[int, str]
    symbol: str
    since: datetime
    #: None until the volume of a second is known.
    volume: Decimal | None = None
    notional: Decimal = ZERO
    seen: bool = field(default=False)
    #: The rows that were sent for seconds that may still change, by their time.
    sent: dict[int, Sample] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)


def tape_open(order_id: int) -> Tape | None:
    """Return a tape that begins at the order's start; None if the order has no account or no start."""
    order = Order.objects.select_related("terms").get(pk=order_id)
    venues = venues_of(order)
    start = order.started_at or (order.terms.start_at if order.terms else None)
    if not venues or start is None:
        return None
    return Tape(venues=venues, symbol=order.symbol, since=start.replace(microsecond=0))


def tape_read(tape: Tape, order_id: int, now: datetime) -> MarketUpdate:
    """Return the new and changed samples, and the benchmarks up to now or the order's end."""
    order = ORDER.get(pk=order_id)
    order.terms = _TERMS.get(pk=order.terms_id) if order.terms_id is not None else None
    until = order.ended_at or now
    samples = [
        sample
        for venue in tape.venues
        for sample in _SAMPLES.all(venue=venue, symbol=tape.symbol, since=tape.since, until=until)
    ]
    samples.sort(key=lambda sample: sample.second)
    open_from = next((sample.second for sample in samples if _may_change(sample, now)), None)
    settled = [sample for sample in samples if open_from is None or sample.second < open_from]
    open_ = samples[len(settled) :]
    tape.volume, tape.notional = _sums(settled, tape.volume, tape.notional)
    volume, notional = _sums(open_, tape.volume, tape.notional)
    rows = _new_rows(tape, settled, open_)
    if settled or open_from is not None:
        tape.since = open_from or settled[-1].second + timedelta(seconds=1)
    traded = volume or ZERO
    vwap = costs.average_price(notional, traded)
    average = costs.average_price(order.notional, order.filled)
    return MarketUpdate(
        samples=rows,
        volume=decimal_str(volume),
        vwap=rounded_str(vwap, 12),
        vwap_bp=rounded_str(costs.slippage_bp(Side(order.side), average, vwap), BP_PLACES),
        participation=rounded_str(costs.participation(order.filled, traded), 4),
        split_bp=shown_split(split_row(marks_read(tape.marks, order, tape.venues, now), BP_PLACES)),
        waits=waiting_of([order], {order.pk: tape.venues}, {order.pk: order.why}, now).get(order.pk, ""),
    )


def _may_change(sample: MarketSample, now: datetime) -> bool:
    lasts = MENDED_FOR if sample.volume is None else OPEN_FOR
    return sample.second >= now - lasts


def _sums(
    samples: Iterable[MarketSample], volume: Decimal | None, notional: Decimal
) -> tuple[Decimal | None, Decimal]:
    """Return ``volume`` and ``notional`` plus those of the samples. A sample with unknown volume adds nothing."""
    for sample in samples:
        if sample.volume is not None:
            volume = (volume or ZERO) + sample.volume
            notional += sample.notional or ZERO
    return volume, notional


def _new_rows(tape: Tape, settled: Sequence[MarketSample], open_: Sequence[MarketSample]) -> list[Sample]:
    """Return the rows that differ from those sent before.

    At the first call, settled seconds are merged into at most ``MAX_POINTS`` rows.
    """
    past = by_second(settled)
    rows = [_row([second]) for second in past] if tape.seen else _thinned(past)
    ahead = [_row([second]) for second in by_second(open_)]
    new = [row for row in [*rows, *ahead] if tape.sent.get(row[0]) != row]
    tape.sent, tape.seen = {row[0]: row for row in ahead}, True
    return new


@dataclass(frozen=True, slots=True)
class Pace:
    """The traded volume of a market in the known seconds of the recent past.

    ``watched`` is the total length of these seconds.
    """

    volume: Decimal
    watched: timedelta

    @property
    def per_hour(self) -> Decimal:
        return self.volume * 3600 / Decimal(str(self.watched.total_seconds()))


def market_pace(venues: Collection[int], symbol: str, now: datetime) -> Pace | None:
    """Return the markets' volume in the last five minutes; None if less than a minute of it is known.

    Only seconds whose volume is known at every venue are included.
    """
    found = MarketSample.objects.filter(
        venue__in=venues, symbol=symbol, second__gte=now - PACE_OVER, second__lt=now - OPEN_FOR
    )
    seconds: dict[datetime, list[Decimal]] = defaultdict(list)
    for second, volume in found.values_list("second", "volume"):
        if volume is not None:
            seconds[second].append(volume)
    complete = [sum(volumes, ZERO) for volumes in seconds.values() if len(volumes) == len(venues)]
    watched = timedelta(seconds=len(complete))
    return Pace(sum(complete, ZERO), watched) if watched >= PACE_NEEDS else None


@dataclass(frozen=True, slots=True)
class Together:
    """One second of all venues together: the mean of the known quotes, and the sum of the known volumes.

    The mean is used because the best bid and ask of different venues sometimes cross.
    """

    second: datetime
    bid: Decimal | None
    ask: Decimal | None
    volume: Decimal | None
    notional: Decimal | None


def by_second(samples: Iterable[MarketSample]) -> list[Together]:
    """Return the samples of several venues as those of one market, sorted by time."""
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
        _known_sum(part.volume for part in parts),
        _known_sum(part.notional for part in parts),
    )


def _known_sum(parts: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of the known parts; None if no part is known."""
    known = [part for part in parts if part is not None]
    return sum(known, ZERO) if known else None


def _thinned(seconds: Sequence[Together]) -> list[Sample]:
    size = max(1, -(-len(seconds) // MAX_POINTS))
    return [_row(seconds[first : first + size]) for first in range(0, len(seconds), size)]


def _row(bucket: Sequence[Together]) -> Sample:
    """Merge successive seconds into one sample.

    It has the first second's time, the last second's quote, and the sums of known volume and notional.
    """
    last = bucket[-1]
    return (
        epoch_ms(bucket[0].second),
        rounded_str(last.bid, 12),
        rounded_str(last.ask, 12),
        decimal_str(_known_sum(second.volume for second in bucket)),
        decimal_str(_known_sum(second.notional for second in bucket)),
    )
