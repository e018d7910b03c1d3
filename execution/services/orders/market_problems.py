"""The reasons why a market rejects an order: status, price band, or a largest size below the smallest."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from execution.core.market_rules import band_far_edge, largest_quantity, market_block
from execution.core.numbers import grouped
from execution.core.problem_codes import Code
from execution.core.problems import Problem
from execution.core.quantities import minimum_quantity
from execution.core.types import Market, MarketStatus, Side


def closed_problems(side: Side, markets: Mapping[str, Market]) -> list[Problem]:
    """Return a problem for each market that takes no new order of ``side`` now. The keys of ``markets`` are account
    labels.
    """
    return [
        Problem(
            "accounts",
            f"{label}: {words}.",
            market.status_word or market.status.value,
            MarketStatus.OPEN.value,
            code=Code.MARKET_CLOSED,
        )
        for label, market in markets.items()
        if (words := market_block(market, side))
    ]


def resume_problems(side: Side, markets: Mapping[str, Market]) -> list[Problem]:
    """Return problems if an order cannot resume or grow because all of its markets are closed.

    If one of them is open, there is no problem.
    """
    closed = closed_problems(side, markets)
    return closed if len(closed) == len(markets) else []


def band_problems(
    side: Side, limit_price: Decimal | None, limits: Market, mid: Decimal | None
) -> list[Problem]:
    """Return a problem if the exchange would reject every order at the limit price, because it is too far from the
    mid.

    A limit price beyond the other edge of the price band is no problem, because children stay within the band.
    """
    if limit_price is None or mid is None or (edge := band_far_edge(limits, side, mid)) is None:
        return []
    if (limit_price - edge) * side.sign >= 0:
        return []
    beyond = "below" if side is Side.BUY else "above"
    message = (
        f"Limit price {grouped(limit_price)} is {beyond} the exchange's price band. "
        f"A {side} must be at {grouped(edge)} {limits.quote} or {'above' if side is Side.BUY else 'below'} now."
    )
    return [Problem("limit_price", message, limit_price, edge, code=Code.LIMIT_PRICE_OUTSIDE_BAND)]


def size_problems(quantity: Decimal, limits: Market, price: Decimal | None) -> list[Problem]:
    """Return a problem if no child can have an allowed size, because the market's maximum is below its minimum."""
    if price is None or (most := largest_quantity(limits, price)) is None:
        return []
    least = minimum_quantity(limits, price)
    if most >= least:
        return []
    message = (
        f"The exchange takes at most {grouped(most)} {limits.base} in one order, which is under its minimum of "
        f"{grouped(least)} {limits.base}: no order can be sent."
    )
    return [Problem("quantity", message, quantity, most, code=Code.MAXIMUM_BELOW_MINIMUM)]
