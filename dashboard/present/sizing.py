"""The ticket's helper buttons: shares of the balance as a quantity, and a limit price near the mid."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from execution.core.types import BASIS_POINT, ZERO, Market, Side, Unit

SHARES = (10, 25, 50, 100)
HELPER_BP = 25


def quantity_shares(
    *,
    side: Side,
    unit: Unit,
    market: Market,
    free: Decimal | None,
    price: Decimal | None,
    worst: Decimal | None = None,
) -> dict[str, str]:
    """Return 10, 25, 50 and 100 % of the usable balance in the ticket's unit, rounded down to the lot.

    ``free`` is in quote currency for a buy and in base currency for a sell. A buy leaves room for its ``worst`` price
    and the taker's fee. The result is empty without a balance or a price.
    """
    if free is None or price is None or price <= ZERO:
        return {}
    fee = market.taker_fee or ZERO
    base = free / ((worst or price) * (1 + fee)) if side is Side.BUY else free
    return {str(share): _as_text(base * share / 100, unit, market, price) for share in SHARES}


def _as_text(base: Decimal, unit: Unit, market: Market, price: Decimal) -> str:
    lots = _step(base, market.lot, ROUND_FLOOR)
    amount = lots if unit is Unit.BASE else _step(lots * price, Decimal("0.01"), ROUND_FLOOR)
    return format(amount, "f")


def limit_beside(side: Side, mid: Decimal, tick: Decimal) -> str:
    """Return a limit price 25 bp above the mid for a buy, or below it for a sell, rounded to the tick towards
    the mid.
    """
    price = mid * (1 + side.sign * HELPER_BP * BASIS_POINT)
    return format(_step(price, tick, ROUND_FLOOR if side is Side.BUY else ROUND_CEILING), "f")


def _step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).to_integral_value(rounding) * step
