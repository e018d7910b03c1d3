"""The results of an order, from its fills and the recorded market.

All figures are exact. ``None`` means unknown, never 0. + is a cost. Amounts are in quote units, prices in quote units
for a base unit. Unless a docstring says otherwise, basis points are of the arrival notional, quantity filled × arrival
mid, so that the parts of a cost add up. The cost of the whole order is Perold's implementation shortfall (The
Implementation Shortfall: Paper versus Reality, Journal of Portfolio Management, 1988): the amount paid beyond the
decision's price, fees, and the opportunity cost of the unfilled quantity. docs/explanation/analysis.md explains each
figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from execution.core.numbers import rounded_parts
from execution.core.tca import costs
from execution.core.tca.market_tape import MarketRecord
from execution.core.types import BASIS_POINT, ZERO, Side

#: Seconds after a fill at which its price is compared with the mid again.
HORIZONS = (10, 60, 300)
#: Sums of products of prices and quantities lose no digit at this precision.
_DIGITS = 120


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill.

    ``fees`` has the amounts by currency, and is empty while the fees are unknown. ``fee_in_quote`` is the sum of all
    fees in quote units, if all needed rates are known. ``liquidity`` is "" if unknown.
    """

    at: datetime
    price: Decimal
    quantity: Decimal
    venue: str
    liquidity: str = ""
    fees: Sequence[tuple[str, Decimal]] = ()
    fee_in_quote: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """One slice of the order's first plan."""

    starts_at: datetime
    ends_at: datetime
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Subject:
    """The order to analyse.

    ``working_at`` is the time at which its first child was decided. ``ended_at`` is None while the order is live.
    """

    side: Side
    quantity: Decimal
    arrival_mid: Decimal | None
    started_at: datetime | None
    working_at: datetime | None
    ended_at: datetime | None
    plan: Sequence[Planned]
    now: datetime

    @property
    def until(self) -> datetime:
        return self.now if self.ended_at is None else self.ended_at


@dataclass(frozen=True, slots=True)
class Split:
    """The cost of the filled quantity against arrival, in quote units: spread + drift + delay + fees = total, exactly.

    *spread* compares each fill's price with its venue's mid at that moment. Below 0 the order earned the spread.
    *drift* compares these venue mids with the market's mid when the order began to work. *delay* compares the
    market's mid when the order began to work with the arrival mid. *total* is the sum of all four parts.
    """

    spread: Decimal | None
    drift: Decimal | None
    delay: Decimal | None
    fees: Decimal | None
    total: Decimal | None

    def bp(self, notional: Decimal | None) -> Split:
        """Return the split in basis points of ``notional``. Each part is None while the notional is unknown."""
        return Split(
            *(_bp(part, notional) for part in (self.spread, self.drift, self.delay, self.fees, self.total))
        )

    def shown(self, places: int) -> tuple[Decimal | None, Split]:
        """Return the cost before fees and the split, rounded so that the figures shown add up.

        Spread, drift and delay add up to the cost before fees. This cost and the fees add up to the total.
        """
        parts = [self.spread, self.drift, self.delay]
        known = [part for part in parts if part is not None]
        before = None if self.total is None or self.fees is None else round(self.total - self.fees, places)
        if len(known) == len(parts):
            parts = [*rounded_parts(known, places)]
            before = round(sum(known, ZERO), places)
        else:
            parts = [None if part is None else round(part, places) for part in parts]
        total = None if self.total is None else round(self.total, places)
        fees = None if self.fees is None else round(self.fees, places)
        if before is not None and total is not None:
            fees = total - before
        spread, drift, delay = parts
        return before, Split(spread, drift, delay, fees, total)


@dataclass(frozen=True, slots=True)
class Markout:
    """The mean distance of the fills' prices from their venue's mid some seconds later, in bp of that mid.

    + means that the market then moved against the order: down after a buy, up after a sell. Fills whose later mid was
    not recorded are left out. ``share`` is the share of the filled quantity that is included.
    """

    seconds: int
    bp: Decimal | None
    share: Decimal


@dataclass(frozen=True, slots=True)
class Achieved:
    """The figures of a set of fills: all fills of an order, or those at one venue."""

    fills: int
    quantity: Decimal
    notional: Decimal
    average: Decimal | None
    arrival_bp: Decimal | None
    vwap_bp: Decimal | None
    twap_bp: Decimal | None
    split: Split
    split_bp: Split
    maker_share: Decimal | None
    markouts: tuple[Markout, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """An order's report. ``opportunity`` is in quote units.

    ``opportunity_bp`` and ``shortfall_bp`` are basis points of the whole order's quantity × arrival mid.
    """

    whole: Achieved
    venues: Mapping[str, Achieved]
    fees: Mapping[str, Decimal]
    vwap: Decimal | None
    twap: Decimal | None
    market_volume: Decimal | None
    participation: Decimal | None
    watched: Decimal | None
    unfilled: Decimal
    opportunity: Decimal | None
    opportunity_bp: Decimal | None
    shortfall_bp: Decimal | None
    planned_end: datetime | None
    #: How much later than planned the order ended, and its average unit was filled; below 0 is earlier.
    end_lag: timedelta | None
    mean_lag: timedelta | None


def analyse(subject: Subject, fills: Sequence[Execution], record: MarketRecord, *, venues: int) -> Analysis:
    """Return the report of an order at ``subject.now``. ``venues`` is the number of venues in its market."""
    start, end = subject.started_at, subject.until
    vwap = twap = watched = None
    volume = ZERO
    if start is not None:
        vwap, twap = record.vwap(start, end), record.twap(start, end)
        volume, watched = record.traded(start, end)[0], record.watched(start, end, venues)
    whole = achieved(subject, fills, record, vwap=vwap, twap=twap)
    opportunity = _opportunity(subject, whole.quantity, record)
    ordered = None if subject.arrival_mid is None else subject.quantity * subject.arrival_mid
    shortfall = None
    if whole.split.total is not None and opportunity is not None:
        shortfall = whole.split.total + opportunity
    planned_end = max((part.ends_at for part in subject.plan), default=None)
    return Analysis(
        whole=whole,
        venues={
            venue: achieved(subject, [f for f in fills if f.venue == venue], record, vwap=vwap, twap=twap)
            for venue in sorted({fill.venue for fill in fills})
        },
        fees=_fees(fills),
        vwap=vwap,
        twap=twap,
        market_volume=volume if volume > ZERO or watched else None,
        participation=costs.participation(whole.quantity, volume),
        watched=watched,
        unfilled=max(subject.quantity - whole.quantity, ZERO),
        opportunity=opportunity,
        opportunity_bp=_bp(opportunity, ordered),
        shortfall_bp=_bp(shortfall, ordered),
        planned_end=planned_end,
        end_lag=None if planned_end is None or subject.ended_at is None else subject.ended_at - planned_end,
        mean_lag=mean_lag(subject.plan, fills),
    )


def achieved(
    subject: Subject,
    fills: Sequence[Execution],
    record: MarketRecord,
    *,
    vwap: Decimal | None,
    twap: Decimal | None,
) -> Achieved:
    """Return the figures of ``fills``.

    ``vwap`` and ``twap`` are those of all venues during the whole order, also for the fills at one venue.
    """
    quantity = sum((fill.quantity for fill in fills), ZERO)
    notional = sum((fill.quantity * fill.price for fill in fills), ZERO)
    average = costs.average_price(notional, quantity)
    split = cost_split(
        subject.side,
        fills,
        [record.mid_at(fill.venue, fill.at) for fill in fills],
        start_mid=None if subject.working_at is None else record.market_mid_at(subject.working_at),
        arrival_mid=subject.arrival_mid,
    )
    arrived = None if subject.arrival_mid is None else quantity * subject.arrival_mid
    return Achieved(
        fills=len(fills),
        quantity=quantity,
        notional=notional,
        average=average,
        arrival_bp=costs.slippage_bp(subject.side, average, subject.arrival_mid),
        vwap_bp=costs.slippage_bp(subject.side, average, vwap),
        twap_bp=costs.slippage_bp(subject.side, average, twap),
        split=split,
        split_bp=split.bp(arrived),
        maker_share=costs.maker_share((fill.quantity, fill.liquidity) for fill in fills),
        markouts=tuple(markout(subject, fills, record, seconds) for seconds in HORIZONS),
    )


def cost_split(
    side: Side,
    fills: Sequence[Execution],
    mids: Sequence[Decimal | None],
    *,
    start_mid: Decimal | None,
    arrival_mid: Decimal | None,
) -> Split:
    """Return the split of the cost of ``fills``. ``mids`` has the mid at the moment of each fill.

    A part of the split is unknown if one of the values in it is unknown.
    """
    if not fills:
        return Split(None, None, None, None, None)
    with localcontext() as context:
        context.prec = _DIGITS
        quantity = sum((fill.quantity for fill in fills), ZERO)
        paid = sum((fill.quantity * fill.price for fill in fills), ZERO)
        worth = _sum(
            None if mid is None else fill.quantity * mid for fill, mid in zip(fills, mids, strict=True)
        )
        began = None if start_mid is None else quantity * start_mid
        arrived = None if arrival_mid is None else quantity * arrival_mid
        fees = _sum(fill.fee_in_quote for fill in fills)
        price_cost = _less(side, paid, arrived)
        return Split(
            spread=_less(side, paid, worth),
            drift=_less(side, worth, began),
            delay=_less(side, began, arrived),
            fees=fees,
            total=None if price_cost is None or fees is None else price_cost + fees,
        )


def markout(subject: Subject, fills: Sequence[Execution], record: MarketRecord, seconds: int) -> Markout:
    """Return the markout this many seconds after each fill. The mid at a moment after ``subject.now`` is unknown."""
    paid = worth = known = ZERO
    for fill in fills:
        later = fill.at + timedelta(seconds=seconds)
        mid = record.mid_at(fill.venue, later) if later <= subject.now else None
        if mid is not None:
            paid += fill.quantity * fill.price
            worth += fill.quantity * mid
            known += fill.quantity
    quantity = sum((fill.quantity for fill in fills), ZERO)
    share = known / quantity if quantity > ZERO else ZERO
    return Markout(seconds, _bp(_less(subject.side, paid, worth), worth), share)


def mean_lag(plan: Sequence[Planned], fills: Sequence[Execution]) -> timedelta | None:
    """Return how much later than planned the average unit was filled; None without a plan or fills.

    The n-th unit filled is compared with the n-th unit planned. Each planned slice is assumed to fill evenly over its
    time. Fills beyond the plan's quantity are left out.
    """
    inside = sum((part.quantity for part in plan), ZERO)
    total = done = ZERO
    for fill in sorted(fills, key=lambda fill: fill.at):
        upper = min(done + fill.quantity, inside)
        if upper > done:
            planned = _planned_seconds(plan, done, upper, plan[0].starts_at)
            total += _seconds(fill.at - plan[0].starts_at) * (upper - done) - planned
            done = upper
    return timedelta(seconds=float(total / done)) if done > ZERO else None


def _planned_seconds(plan: Sequence[Planned], lower: Decimal, upper: Decimal, zero: datetime) -> Decimal:
    """Return the sum of the planned times of the units from ``lower`` to ``upper``.

    The sum is in units × seconds after ``zero``.
    """
    total = before = ZERO
    for part in plan:
        first, last = max(lower, before), min(upper, before + part.quantity)
        if last > first:
            pace = _seconds(part.ends_at - part.starts_at) / part.quantity
            middle = _seconds(part.starts_at - zero) + ((first + last) / 2 - before) * pace
            total += middle * (last - first)
        before += part.quantity
    return total


def _opportunity(subject: Subject, filled: Decimal, record: MarketRecord) -> Decimal | None:
    """Return the cost of the unfilled quantity: the mid at the end against the mid at arrival.

    While the order is live, the present mid is used instead of that at the end.
    """
    unfilled = subject.quantity - filled
    if unfilled <= ZERO:
        return ZERO
    mid = record.market_mid_at(subject.until)
    if mid is None or subject.arrival_mid is None:
        return None
    return subject.side.sign * unfilled * (mid - subject.arrival_mid)


def _fees(fills: Sequence[Execution]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for fill in fills:
        for currency, amount in fill.fees:
            total[currency] = total.get(currency, ZERO) + amount
    return total


def _sum(parts: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of ``parts``; None if one of them is unknown."""
    total = ZERO
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def _less(side: Side, paid: Decimal | None, worth: Decimal | None) -> Decimal | None:
    return None if paid is None or worth is None else side.sign * (paid - worth)


def _bp(amount: Decimal | None, of: Decimal | None) -> Decimal | None:
    return None if amount is None or of is None or of <= ZERO else amount / of / BASIS_POINT


def _seconds(length: timedelta) -> Decimal:
    return Decimal(length // timedelta(microseconds=1)) / 1_000_000
