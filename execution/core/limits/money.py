"""Sums of money in several currencies, converted into one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from execution.core.types import ZERO

#: The amount of each currency by its name; None where a part of the amount is unknown.
Amounts = Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class Conversion:
    """Rates into the currency ``into``. ``rates`` has the units of ``into`` for one unit of each other currency. A
    rate that is None or missing is unknown.
    """

    into: str
    rates: Mapping[str, Decimal | None]

    def rate(self, currency: str) -> Decimal | None:
        return Decimal(1) if currency == self.into else self.rates.get(currency)

    def total(self, amounts: Amounts) -> Decimal | None:
        """Return the sum of ``amounts`` in the currency ``into``; None if an amount or a needed rate is unknown.

        Zero needs no rate.
        """
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
        """Return the money of ``amounts`` that a limit in ``currency`` counts, in ``currency``.

        If ``currency`` is ``into``, that is the converted sum of all amounts. Otherwise it is only the amount in
        ``currency``.
        """
        return self.total(amounts) if currency == self.into else amounts.get(currency, ZERO)


def add_amount(amounts: dict[str, Decimal | None], currency: str, amount: Decimal | None) -> None:
    """Add ``amount`` to the amount of ``currency`` in ``amounts``. If either is unknown, so is the sum."""
    before = amounts.get(currency, ZERO)
    amounts[currency] = None if before is None or amount is None else before + amount
