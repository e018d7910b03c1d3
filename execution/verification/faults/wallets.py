"""The balances of a simulated exchange's accounts. Trades change the totals, and open orders lock a part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from random import Random

from execution.core.types import ZERO, BalanceAmounts, ChildRequest, Side, Trade

#: The fee of every trade, as a fraction of its value, paid in quote.
FEE = Decimal("0.001")
BASE, QUOTE = "BTC", "USDT"
RICH: Mapping[str, Decimal] = {BASE: Decimal(1_000_000), QUOTE: Decimal(1_000_000)}
#: The share of the seeds in which accounts cannot pay for all drawn orders.
POOR = 0.4


def drawn(random: Random, labels: Iterable[str], poor: float = POOR) -> dict[str, dict[str, Decimal]]:
    """Return random first balances of each account: a lot, or about as much as one or two orders need.

    ``poor`` is the probability that the accounts have little.
    """
    is_poor = random.random() < poor
    return {
        label: {
            QUOTE: Decimal(random.randrange(100, 900)) if is_poor else RICH[QUOTE],
            BASE: Decimal(random.randrange(1000, 9000)) / 1000 if is_poor else RICH[BASE],
        }
        for label in labels
    }


class Wallets:
    """The total balances by account and currency."""

    def __init__(self, opening: Mapping[str, Mapping[str, Decimal]]) -> None:
        self._totals = {label: dict(held) for label, held in opening.items()}

    def balances(
        self, account: str, opened: Iterable[tuple[ChildRequest, Decimal]]
    ) -> dict[str, BalanceAmounts]:
        """Return each currency's free and locked amount. ``opened`` has open orders with their unfilled quantities."""
        locks = {BASE: ZERO, QUOTE: ZERO}
        for request, left in opened:
            currency, amount = lock_of(request, left)
            locks[currency] += amount
        held = self._totals.setdefault(account, dict(RICH))
        return {
            currency: BalanceAmounts(max(total - locks[currency], ZERO), locks[currency])
            for currency, total in held.items()
        }

    def settle(self, account: str, trade: Trade) -> None:
        """Apply a trade to the totals. Its fee is paid in quote."""
        held, value = self._totals.setdefault(account, dict(RICH)), trade.price * trade.quantity
        held[BASE] += trade.side.sign * trade.quantity
        held[QUOTE] -= trade.side.sign * value + value * FEE

    def spend(self, account: str, currency: str, amount: Decimal) -> None:
        """Subtract the amount that another program spends."""
        self._totals.setdefault(account, dict(RICH))[currency] -= amount


def lock_of(request: ChildRequest, left: Decimal) -> tuple[str, Decimal]:
    """Return the currency and the amount that an open order locks."""
    if request.side is Side.SELL:
        return BASE, left
    return QUOTE, left * (request.price or ZERO) * (1 + FEE)
