"""The fees of fills, part by part."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from execution.models import Fill


def fees_of(fill: Fill) -> list[tuple[str, Decimal]]:
    """Return each part of a fill's fee: its currency and its amount, below zero for a rebate.

    Empty while the fee is unknown.
    """
    return fee_parts(fill.fee, fill.fee_currency, fill.more_fees)


def fee_parts(
    fee: Decimal | None, currency: str, more_fees: Iterable[tuple[str, str]]
) -> list[tuple[str, Decimal]]:
    """Return the parts of a fee from the three columns of a fill."""
    if fee is None or not currency:
        return []
    return [(currency, fee), *((name, Decimal(amount)) for name, amount in more_fees)]
