"""The fees of fills, part by part."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from execution.models import Fill


def fees_of(fill: Fill) -> list[tuple[str, Decimal]]:
    """Return each part of a fill's fee: its currency and the amount, a rebate below zero. Empty while it is
    unknown.
    """
    return fee_parts(fill.fee, fill.fee_currency, fill.more_fees)


def fee_parts(
    fee: Decimal | None, currency: str, more_fees: Iterable[tuple[str, str]]
) -> list[tuple[str, Decimal]]:
    """Return the fee parts from a fill's columns."""
    if fee is None or not currency:
        return []
    return [(currency, fee), *((name, Decimal(amount)) for name, amount in more_fees)]
