"""Exact arithmetic on lots and ticks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from math import lcm

from execution.core.types import BASIS_POINT, ZERO, Market, Side

#: Notional minimums are judged by the exchange at its own price; we stay this much above them.
NOTIONAL_MARGIN = Decimal("1.1")


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of ``step`` that is at most ``value``."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of ``step`` that is at least ``value``."""
    return (value / step).to_integral_value(ROUND_CEILING) * step


def is_multiple(value: Decimal, step: Decimal) -> bool:
    return value % step == 0


def round_price(price: Decimal, tick: Decimal, side: Side) -> Decimal:
    """``price`` on the tick, never worse than asked: a buy rounds down, a sell up."""
    return floor_to(price, tick) if side is Side.BUY else ceil_to(price, tick)


def collar_price(reference: Decimal, collar_bp: Decimal, tick: Decimal, side: Side) -> Decimal:
    """The worst price within ``collar_bp`` of ``reference``, on the tick, inside the collar."""
    return round_price(reference * (1 + side.sign * collar_bp * BASIS_POINT), tick, side)


def worse_of_allowed(price: Decimal, limit: Decimal | None, side: Side) -> Decimal:
    """``price`` bounded by the limit: never above it for a buy, never below it for a sell."""
    if limit is None:
        return price
    return min(price, limit) if side is Side.BUY else max(price, limit)


def minimum_quantity(market: Market, price: Decimal) -> Decimal:
    """The least base quantity that the exchange takes around ``price``, on the lot, with a margin."""
    by_notional = market.min_notional * NOTIONAL_MARGIN / price
    return max(ceil_to(max(market.min_quantity, by_notional), market.lot), market.lot)


def common_step(steps: Iterable[Decimal]) -> Decimal:
    """The smallest step that is a multiple of each of ``steps``: the coarsest, where each divides the next."""
    given = tuple(steps)
    places = max(0, *(-int(step.as_tuple().exponent) for step in given), 0)
    return Decimal(lcm(*(int(step.scaleb(places)) for step in given))).scaleb(-places).normalize()


def combined_market(markets: Sequence[Market]) -> Market:
    """Limits within which an order fits every one of ``markets``; a single market is itself.

    Steps are common multiples and minimums the largest. Fees are the largest, unknown when one is unknown.
    """
    if len(markets) == 1:
        return markets[0]
    most = [market.max_quantity for market in markets if market.max_quantity is not None]
    return replace(
        markets[0],
        tick=common_step(market.tick for market in markets),
        lot=common_step(market.lot for market in markets),
        min_quantity=max(market.min_quantity for market in markets),
        min_notional=max(market.min_notional for market in markets),
        max_quantity=min(most) if most else None,
        maker_fee=_largest(market.maker_fee for market in markets),
        taker_fee=_largest(market.taker_fee for market in markets),
    )


def _largest(fees: Iterable[Decimal | None]) -> Decimal | None:
    known = tuple(fees)
    return max((fee for fee in known if fee is not None), default=None) if None not in known else None


def split_even(total: Decimal, step: Decimal, parts: int) -> list[Decimal]:
    """``total`` (a multiple of ``step``) in ``parts`` multiples of ``step`` that differ by one step at most.

    The sum is exact: each part is the difference of two rounded cumulative shares.
    """
    steps = int(total / step)
    edges = [steps * number // parts for number in range(parts + 1)]
    return [(upper - lower) * step for lower, upper in pairwise(edges)]


def split_weighted(total: Decimal, step: Decimal, weights: Sequence[float]) -> list[Decimal]:
    """``total`` (a multiple of ``step``) in multiples of ``step`` in proportion to ``weights``, each within one
    step of its share.

    The sum is exact: each part is the difference of two rounded cumulative shares. Raises ``ValueError`` for
    weights that are negative, not finite or all zero.
    """
    if any(not weight >= 0 for weight in weights) or not 0 < sum(weights) < float("inf"):
        raise ValueError("weights must be finite, not negative, and not all zero")
    shares = list(accumulate(Fraction(weight) for weight in weights))
    steps = int(total / step)
    edges = [0, *(int(steps * share / shares[-1]) for share in shares)]
    return [(upper - lower) * step for lower, upper in pairwise(edges)]


def side_cost_bp(side: Side, average: Decimal, benchmark: Decimal) -> Decimal:
    """Cost against a benchmark in basis points; + is cost for either side."""
    if benchmark <= ZERO:
        raise ValueError(f"benchmark price is {benchmark}; it must be above zero")
    return side.sign * (average / benchmark - 1) / BASIS_POINT
