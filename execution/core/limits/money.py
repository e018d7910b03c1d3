"""Sums of money in several currencies, converted into one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from execution.core.types import ZERO

#: Units of a currency by name; None where a part of them is not known.
Amounts = Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class Conversion:
    """Rates into one currency: units of ``into`` for one unit of each key. A rate of None, or none at all, is
    unknown.
    """

    into: str
    rates: Mapping[str, Decimal | None]

    def rate(self, currency: str) -> Decimal | None:
        return Decimal(1) if currency == self.into else self.rates.get(currency)

    def total(self, amounts: Amounts) -> Decimal | None:
        """Return the sum in ``into``; None when an amount other than zero is unknown, or has no rate."""
        total = ZERO
        for currency, amount in amounts.items():
            if amount == ZERO:
                continue
            rate = self.rate(currency)
            if amount is None or rate is None:
                return None
            total += amount * rate
        return total

    def amount_in(self, currency: str, amounts: Amounts) -> Decimal | None:
        """Return the total where ``currency`` is ``into``; for any other, the amount in that currency alone."""
        return self.total(amounts) if currency == self.into else amounts.get(currency, ZERO)


def add_amount(amounts: dict[str, Decimal | None], currency: str, amount: Decimal | None) -> None:
    """Add to a currency's amount. An unknown amount makes the sum unknown."""
    before = amounts.get(currency, ZERO)
    amounts[currency] = None if before is None or amount is None else before + amount
