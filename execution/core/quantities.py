"""Exact arithmetic on lots and ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from math import lcm

from execution.core.types import BASIS_POINT, ZERO, Market, MarketStatus, Quote, Side

#: The exchange checks its minimum notional at a price of its own, so our orders exceed the minimum by this factor.
NOTIONAL_MARGIN = Decimal("1.1")
#: The share of the collar that is left free for moves of the mid between a decision and the child's sending.
COLLAR_ROOM = Decimal("0.1")


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of ``step`` that is at most ``value``."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of ``step`` that is at least ``value``."""
    return (value / step).to_integral_value(ROUND_CEILING) * step


def is_multiple(value: Decimal, step: Decimal) -> bool:
    return value % step == 0


def round_price(price: Decimal, tick: Decimal, side: Side) -> Decimal:
    """Round ``price`` to the tick, never to a worse price: a buy rounds down, a sell up."""
    return floor_to(price, tick) if side is Side.BUY else ceil_to(price, tick)


def collar_price(reference: Decimal, collar_bp: Decimal, tick: Decimal, side: Side) -> Decimal:
    """Return the worst price on the tick that is at most ``collar_bp`` basis points from ``reference``."""
    return round_price(reference * (1 + side.sign * collar_bp * BASIS_POINT), tick, side)


def crossing_price(quote: Quote, collar_bp: Decimal, tick: Decimal, side: Side) -> Decimal:
    """Return the limit price for a child that crosses: a bit nearer to the mid than the collar, by ``COLLAR_ROOM`` of
    it.

    Just before a child is sent, the desk measures the collar again, from the mid at that moment. If the price were at
    the collar's edge, a move of one tick in the order's favour would make the desk drop the child. If the best
    opposite price lies beyond the narrower bound, the price is at the edge of the full collar.
    """
    inside = collar_price(quote.mid, collar_bp * (1 - COLLAR_ROOM), tick, side)
    if (quote.aggressive(side) - inside) * side.sign > ZERO:
        return collar_price(quote.mid, collar_bp, tick, side)
    return inside


def worse_of_allowed(price: Decimal, limit: Decimal | None, side: Side) -> Decimal:
    """Return ``price``, bounded by the limit: never above it for a buy, never below it for a sell."""
    if limit is None:
        return price
    return min(price, limit) if side is Side.BUY else max(price, limit)


def minimum_quantity(market: Market, price: Decimal | None) -> Decimal:
    """Return the smallest base quantity, on the lot, that the exchange accepts at about ``price``.

    The minimum notional is raised by a margin, because the price may move.

    Without a price, the minimum notional is ignored.
    """
    by_notional = ZERO if price is None else market.min_notional * NOTIONAL_MARGIN / price
    return max(ceil_to(max(market.min_quantity, by_notional), market.lot), market.lot)


def common_step(steps: Iterable[Decimal]) -> Decimal:
    """Return the smallest step that is a multiple of each of ``steps``. For 0.01 and 0.05 it is 0.05."""
    given = tuple(steps)
    places = max(0, *(-int(step.as_tuple().exponent) for step in given), 0)
    return Decimal(lcm(*(int(step.scaleb(places)) for step in given))).scaleb(-places).normalize()


def combined_market(markets: Sequence[Market]) -> Market:
    """Return a market with such rules that an order that keeps them is allowed in each of ``markets``.

    A single market is returned unchanged.

    Steps are common multiples. Minimums and lower bounds are the largest, maximums and upper bounds the smallest. Fees
    are the largest, and unknown when one is unknown. The status is open, because a status belongs to one market.
    """
    if len(markets) == 1:
        return markets[0]
    return replace(
        markets[0],
        tick=common_step(market.tick for market in markets),
        lot=common_step(market.lot for market in markets),
        min_quantity=max(market.min_quantity for market in markets),
        min_notional=max(market.min_notional for market in markets),
        max_quantity=_tightest(min, (market.max_quantity for market in markets)),
        max_notional=_tightest(min, (market.max_notional for market in markets)),
        buy_band_low=_tightest(max, (market.buy_band_low for market in markets)),
        buy_band_high=_tightest(min, (market.buy_band_high for market in markets)),
        sell_band_low=_tightest(max, (market.sell_band_low for market in markets)),
        sell_band_high=_tightest(min, (market.sell_band_high for market in markets)),
        status=MarketStatus.OPEN,
        status_word="",
        maker_fee=_largest(market.maker_fee for market in markets),
        taker_fee=_largest(market.taker_fee for market in markets),
    )


def _tightest(
    choose: Callable[[Iterable[Decimal]], Decimal], bounds: Iterable[Decimal | None]
) -> Decimal | None:
    known = [bound for bound in bounds if bound is not None]
    return choose(known) if known else None


def _largest(fees: Iterable[Decimal | None]) -> Decimal | None:
    known = tuple(fees)
    return max((fee for fee in known if fee is not None), default=None) if None not in known else None


def split_even(total: Decimal, step: Decimal, parts: int) -> list[Decimal]:
    """Split ``total`` (a multiple of ``step``) into ``parts`` multiples of ``step`` that differ by one step at most.

    The sum is exact: each part is the difference of two rounded cumulative shares.
    """
    steps = int(total / step)
    edges = [steps * number // parts for number in range(parts + 1)]
    return [(upper - lower) * step for lower, upper in pairwise(edges)]


def in_pieces(quantity: Decimal, step: Decimal, most: Decimal | None, least: Decimal = ZERO) -> list[Decimal]:
    """Return ``quantity`` as the fewest pieces of at most ``most``, for an exchange with a maximum for one order.

    Normally the pieces sum exactly to ``quantity``, and differ by one ``step`` at most. If such equal pieces were
    below ``least``, every piece is as large as allowed, and the remainder is left out. All pieces are multiples of
    ``step``. The list is empty if ``most`` is below ``least`` or ``step``.
    """
    if most is None or quantity <= most:
        return [quantity]
    largest = floor_to(most, step)
    if largest < max(least, step):
        return []
    pieces = split_even(quantity, step, int(ceil_to(quantity, largest) / largest))
    return pieces if min(pieces) >= least else [largest] * int(quantity / largest)


def split_weighted(total: Decimal, step: Decimal, weights: Sequence[float]) -> list[Decimal]:
    """Split ``total`` (a multiple of ``step``) into multiples of ``step`` in proportion to ``weights``, each within
    one step of its share.

    The sum is exact: each part is the difference of two rounded cumulative shares. Raises ``ValueError`` for weights
    that are negative, not finite or all zero.
    """
    if any(not weight >= 0 for weight in weights) or not 0 < sum(weights) < float("inf"):
        raise ValueError("weights must be finite, not negative, and not all zero")
    shares = list(accumulate(Fraction(weight) for weight in weights))
    steps = int(total / step)
    edges = [0, *(int(steps * share / shares[-1]) for share in shares)]
    return [(upper - lower) * step for lower, upper in pairwise(edges)]


def side_cost_bp(side: Side, average: Decimal, benchmark: Decimal) -> Decimal:
    """Return the cost of ``average`` against ``benchmark`` in basis points; + is a cost for a buy and for a sell."""
    if benchmark <= ZERO:
        raise ValueError(f"benchmark price is {benchmark}; it must be above zero")
    return side.sign * (average / benchmark - 1) / BASIS_POINT
