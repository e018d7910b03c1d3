"""Costs of orders in buckets: by week, by hour, by size, and by the cost itself.

A mean is weighted by notional, in basis points; + is cost. Each bucket says how many orders it has and how far their
costs spread. A mean leaves out orders whose cost is unknown. The bucket counts them separately. No result depends on
the sequence of the orders, because all sums are exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import TypeVar

from execution.core.types import ZERO

#: With fewer orders, one order decides the mean of a bucket.
MIN_ORDERS = 5
#: Sums of products of costs and notionals lose no digit at this precision.
_DIGITS = 160
#: Whiskers of this many interquartile ranges hold the bins of a distribution; the rest is in its two open ends.
_REACH = Decimal(3)
#: The most bins between the open ends.
MAX_BINS = 40

Key = TypeVar("Key", date, int, tuple[Decimal, Decimal])
Value = tuple[Decimal | None, Decimal | None]


@dataclass(frozen=True, slots=True)
class Point:
    """An order, or the part of it that a venue filled. ``size`` is the ordered notional of the whole order.
    ``notional`` is the filled notional of this order or part.
    """

    order: str
    at: datetime
    size: Decimal | None
    notional: Decimal | None
    #: Against the arrival mid, before fees.
    cost_bp: Decimal | None


@dataclass(frozen=True, slots=True)
class Quartiles:
    """Three values: a quarter, a half and three quarters of the orders are not above them. Each order counts once."""

    lower: Decimal
    median: Decimal
    upper: Decimal


@dataclass(frozen=True, slots=True)
class Summary:
    """The weighted mean of some orders' costs, with its standard error and the quartiles of the costs.

    ``orders`` is the number of orders with a known cost. ``unknown`` is the number of orders without one, which the
    mean leaves out. The standard error is None for fewer than two orders.
    """

    orders: int
    unknown: int
    notional: Decimal
    mean: Decimal | None
    standard_error: Decimal | None
    quartiles: Quartiles | None

    @property
    def is_few(self) -> bool:
        return self.orders < MIN_ORDERS


@dataclass(frozen=True, slots=True)
class Bin:
    """Orders with a cost from ``lower`` up to, not including, ``upper``. None is an open end."""

    lower: Decimal | None
    upper: Decimal | None
    orders: int
    notional: Decimal


@dataclass(frozen=True, slots=True)
class Sizes:
    """Orders with an ordered notional from ``lower`` up to, not including, ``upper``."""

    lower: Decimal
    upper: Decimal
    summary: Summary


def summarise(values: Iterable[Value]) -> Summary:
    """Return the summary of ``(cost, weight)`` pairs. A pair counts as unknown if it has no cost or no weight.

    The standard error is that of a weighted mean: √(n / (n − 1) · Σ w² (x − mean)²) / Σ w. With equal weights it is
    the sample's standard deviation over √n.
    """
    pairs = list(values)
    known = [
        (value, weight)
        for value, weight in pairs
        if value is not None and weight is not None and weight > ZERO
    ]
    if not known:
        return Summary(0, len(pairs), ZERO, None, None, None)
    with localcontext() as context:
        context.prec = _DIGITS
        total = sum((weight for _, weight in known), ZERO)
        mean = sum((value * weight for value, weight in known), ZERO) / total
        error = _standard_error(known, mean, total)
    return Summary(
        orders=len(known),
        unknown=len(pairs) - len(known),
        notional=+total,
        mean=+mean,
        standard_error=None if error is None else +error,
        quartiles=quartiles(value for value, _ in known),
    )


def _standard_error(
    known: Sequence[tuple[Decimal, Decimal]], mean: Decimal, total: Decimal
) -> Decimal | None:
    """Return the standard error. Expand its square, so that the sums are exact in any sequence of the orders."""
    count = len(known)
    if count < 2:
        return None
    squares = sum((weight * weight for _, weight in known), ZERO)
    crossed = sum((weight * weight * value for value, weight in known), ZERO)
    full = sum((weight * weight * value * value for value, weight in known), ZERO)
    spread = max(full - 2 * mean * crossed + mean * mean * squares, ZERO)
    return (spread * count / (count - 1)).sqrt() / total


def difference_is_clear(
    mean: Decimal, error: Decimal, other_mean: Decimal, other_error: Decimal, errors: int = 2
) -> bool:
    """Return True if two means are further apart than ``errors`` standard errors of their difference."""
    return (mean - other_mean) ** 2 > errors**2 * (error**2 + other_error**2)


def quartiles(values: Iterable[Decimal]) -> Quartiles | None:
    """Return the quartiles, interpolated between neighbours; None without a value."""
    ordered = sorted(values)
    if not ordered:
        return None
    return Quartiles(
        *(_quantile(ordered, share) for share in (Decimal("0.25"), Decimal("0.5"), Decimal("0.75")))
    )


def _quantile(ordered: Sequence[Decimal], share: Decimal) -> Decimal:
    place = share * (len(ordered) - 1)
    index = int(place)
    if index + 1 == len(ordered):
        return ordered[index]
    return ordered[index] + (ordered[index + 1] - ordered[index]) * (place - index)


# --- by week, hour and size ----------------------------------------------------------------------


def grouped(points: Iterable[Point], key_of: Callable[[Point], Key]) -> Mapping[Key, Summary]:
    """Return a summary for each key, sorted by key. Each point is in exactly one bucket."""
    found: dict[Key, list[Value]] = defaultdict(list)
    for point in points:
        found[key_of(point)].append((point.cost_bp, point.notional))
    return {key: summarise(found[key]) for key in sorted(found)}


def by_week(points: Iterable[Point]) -> Mapping[date, Summary]:
    """Return the costs by week, UTC. The key is the week's Monday."""
    return grouped(points, _monday)


def trend(points: Iterable[Point], weeks: int = 4) -> tuple[Summary, Summary]:
    """Return the costs of two periods of ``weeks`` weeks each.

    The first period ends with the week of the newest order. The second ends where the first begins.
    """
    listed = list(points)
    newest = max(map(_monday, listed), default=date.min)
    aged = [((newest - _monday(point)) // timedelta(weeks=1), point) for point in listed]
    recent, before = (
        summarise((point.cost_bp, point.notional) for age, point in aged if first <= age < first + weeks)
        for first in (0, weeks)
    )
    return recent, before


def _monday(point: Point) -> date:
    day = point.at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def by_hour(points: Iterable[Point]) -> Mapping[int, Summary]:
    """Return the costs by the hour of the day at which the order began, UTC, from 0 to 23."""
    return grouped(points, lambda point: point.at.astimezone(UTC).hour)


def by_size(points: Iterable[Point]) -> tuple[list[Sizes], int]:
    """Return the costs by ordered notional, and the number of points whose size is unknown.

    The buckets' bounds are 1 and 3 times the powers of ten. A bucket without an order is left out.
    """
    listed = list(points)
    sized = [point for point in listed if point.size is not None and point.size > ZERO]
    found = grouped(sized, lambda point: _size_bounds(point.size or ZERO))
    return [Sizes(*bounds, summary) for bounds, summary in found.items()], len(listed) - len(sized)


def _size_bounds(size: Decimal) -> tuple[Decimal, Decimal]:
    decade = Decimal(1).scaleb(size.adjusted())
    return (decade, 3 * decade) if size < 3 * decade else (3 * decade, 10 * decade)


# --- the distribution ----------------------------------------------------------------------------


def distribution(points: Iterable[Point]) -> list[Bin]:
    """Return the orders by their cost, in bins of equal width and an open-ended bin on either side of these.

    Points without a cost are left out.

    The width is that of Freedman and Diaconis, 2 × interquartile range / ∛n, rounded up to 1, 2 or 5 times a power of
    ten. An open-ended bin without an order is left out.
    """
    known = [
        (point.cost_bp, point.notional)
        for point in points
        if point.cost_bp is not None and point.notional is not None and point.notional > ZERO
    ]
    middle = quartiles(cost for cost, _ in known)
    if middle is None:
        return []
    lowest, highest = min(cost for cost, _ in known), max(cost for cost, _ in known)
    spread = middle.upper - middle.lower
    if spread > ZERO:
        lowest = max(lowest, middle.lower - _REACH * spread)
        highest = min(highest, middle.upper + _REACH * spread)
    width = _bin_width(spread, highest - lowest, len(known))
    first = int((lowest / width).to_integral_value(ROUND_FLOOR))
    last = int((highest / width).to_integral_value(ROUND_FLOOR))
    orders: dict[int, int] = defaultdict(int)
    notional: dict[int, Decimal] = defaultdict(Decimal)
    with localcontext() as context:
        context.prec = _DIGITS
        for cost, weight in known:
            place = min(max(int((cost / width).to_integral_value(ROUND_FLOOR)), first - 1), last + 1)
            orders[place] += 1
            notional[place] += weight
    places = [place for place in range(first - 1, last + 2) if first <= place <= last or orders[place]]
    return [
        Bin(
            lower=None if place < first else place * width,
            upper=None if place > last else (place + 1) * width,
            orders=orders[place],
            notional=notional[place],
        )
        for place in places
    ]


def _bin_width(spread: Decimal, reach: Decimal, count: int) -> Decimal:
    wanted = 2 * spread / Decimal(str(count ** (1 / 3)))
    return round_width(max(wanted, reach / (MAX_BINS - 1), Decimal("0.1")))


def round_width(wanted: Decimal) -> Decimal:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below ``wanted``."""
    decade = Decimal(1).scaleb(wanted.adjusted())
    factor = (wanted / decade).to_integral_value(ROUND_CEILING)
    return decade * next(step for step in (1, 2, 5, 10) if step >= factor)
