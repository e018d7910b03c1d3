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
    """Rates into one currency: units of ``into`` for one unit of each key. None or missing: not known."""

    into: str
    rates: Mapping[str, Decimal | None]

    def rate(self, currency: str) -> Decimal | None:
        return Decimal(1) if currency == self.into else self.rates.get(currency)

    def total(self, amounts: Amounts) -> Decimal | None:
        """Return the sum in ``into``; None when one amount that is not zero is not known, or has no rate."""
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
    """Add to a currency's amount; what is not known makes the sum unknown."""
    before = amounts.get(currency, ZERO)
    amounts[currency] = None if before is None or amount is None else before + amount
