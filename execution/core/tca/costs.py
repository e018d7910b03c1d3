"""The costs of an execution: averages, slippage against benchmarks, shares. ``None`` means unknown.

Costs are in basis points of the benchmark, side × (average / benchmark − 1) × 10,000; + is cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from execution.core.quantities import side_cost_bp
from execution.core.types import BASIS_POINT, ZERO, Liquidity, Side


def average_price(notional: Decimal, quantity: Decimal) -> Decimal | None:
    """Return the average price of one unit; None while nothing is filled."""
    return notional / quantity if quantity > ZERO else None


def middle(bid: Decimal | None, ask: Decimal | None) -> Decimal | None:
    """Return the mid of a quote; None while one of its sides is unknown."""
    return None if bid is None or ask is None else (bid + ask) / 2


def slippage_bp(side: Side, average: Decimal | None, benchmark: Decimal | None) -> Decimal | None:
    """Return the cost of ``average`` against ``benchmark``; None while one of them is unknown or not above zero."""
    if average is None or benchmark is None or benchmark <= ZERO:
        return None
    return side_cost_bp(side, average, benchmark)


def market_vwap(parts: Iterable[tuple[Decimal, Decimal]]) -> Decimal | None:
    """Return the volume-weighted average price of ``(notional, volume)`` parts; unknown without volume."""
    notional = volume = ZERO
    for part_notional, part_volume in parts:
        notional += part_notional
        volume += part_volume
    return average_price(notional, volume)


def participation(own: Decimal, market: Decimal) -> Decimal | None:
    """Return our share of the market's volume.

    The share is limited to 1. It could be larger, because the market's trades may arrive later than our own fills.
    """
    return min(own / market, Decimal(1)) if market > ZERO else None


def planned_participation(
    quantity: Decimal, duration: timedelta, volume: Decimal, over: timedelta
) -> Decimal | None:
    """Return the order's pace as a share of the market's pace: at the same pace it is 1.

    The order's pace is ``quantity`` over ``duration``. The market's pace is ``volume``, which it traded in the last
    ``over``. Return None if the market traded nothing.
    """
    if duration <= timedelta(0) or over <= timedelta(0) or volume <= ZERO:
        return None
    seconds = Decimal(str(over.total_seconds())) / Decimal(str(duration.total_seconds()))
    return quantity / volume * seconds


def fees_bp(fees: Iterable[Decimal | None], notional: Decimal) -> Decimal | None:
    """Return fees in quote units as a cost in basis points; None while the fee of any fill is unknown."""
    total = ZERO
    for fee in fees:
        if fee is None:
            return None
        total += fee
    return total / notional / BASIS_POINT if notional > ZERO else None


def maker_share(parts: Iterable[tuple[Decimal, str]]) -> Decimal | None:
    """Return the share of the quantity that was filled as maker; None while the liquidity of a part is unknown.

    Each part is ``(quantity, liquidity)``.
    """
    maker = total = ZERO
    for quantity, liquidity in parts:
        if liquidity not in {Liquidity.MAKER, Liquidity.TAKER}:
            return None
        total += quantity
        maker += quantity if liquidity == Liquidity.MAKER else ZERO
    return maker / total if total > ZERO else None
