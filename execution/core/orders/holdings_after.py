"""The change of holdings if the rest of every live order is filled at the current rates, before fees."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from execution.core.types import Side

#: Returns the value of one unit of a currency in a common one; None if it is unknown.
Rate = Callable[[str], Decimal | None]


@dataclass(frozen=True, slots=True)
class Rest:
    """The unfilled base quantity of a live order.

    ``accounts`` are those of the order's accounts that the caller asks about. ``has_others`` is True if the order may
    trade on other accounts too.
    """

    symbol: str
    side: Side
    quantity: Decimal
    accounts: frozenset[str]
    has_others: bool = False

    @property
    def gains(self) -> str:
        """Return the currency that the order brings to its accounts: base for a buy, quote for a sell."""
        base, _, quote = self.symbol.partition("/")
        return base if self.side is Side.BUY else quote

    def is_within(self, accounts: Collection[str]) -> bool:
        return not self.has_others and self.accounts <= set(accounts)


def changes_of(rests: Iterable[Rest], accounts: Collection[str], rate: Rate) -> dict[str, Decimal | None]:
    """Return by currency how much more (less: below zero) the accounts will hold together.

    A change is None, which means unknown, in two cases: an order may trade on other accounts too, or the rate of the
    quote currency is missing. A currency that no order changes is left out.
    """
    found: dict[str, Decimal | None] = {}
    for rest in rests:
        if not rest.quantity or not rest.accounts.intersection(accounts):
            continue
        base, _, quote = rest.symbol.partition("/")
        change = rest.quantity * rest.side.sign if rest.is_within(accounts) else None
        _add(found, base, change)
        price = _price(rate(base), rate(quote))
        _add(found, quote, None if change is None or price is None else -change * price)
    return found


def _price(base: Decimal | None, quote: Decimal | None) -> Decimal | None:
    return None if base is None or quote is None or not quote else base / quote


def _add(found: dict[str, Decimal | None], currency: str, change: Decimal | None) -> None:
    before = found.get(currency, Decimal(0))
    found[currency] = None if before is None or change is None else before + change
