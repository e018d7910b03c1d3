"""Markets and balances of an account, as rows say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from execution.core import types
from execution.models import Account, Balance, Market

_TEXTS = ("symbol", "base", "quote")


def market_to_json(market: types.Market) -> dict[str, str | None]:
    """A market as an order keeps it: decimals as text."""
    return {name: None if value is None else str(value) for name, value in asdict(market).items()}


def market_from_json(data: Mapping[str, Any]) -> types.Market:
    """The inverse of ``market_to_json``."""
    values: dict[str, Any] = {
        name: text if name in _TEXTS or text is None else Decimal(text) for name, text in data.items()
    }
    return types.Market(**values)


def market_of(account: Account, symbol: str) -> types.Market | None:
    """Limits and fees of a symbol at the account's venue; None when the venue does not list it."""
    row = Market.objects.filter(venue_id=account.venue_id, symbol=symbol).first()
    return None if row is None else market_from_row(row)


def market_from_row(row: Market) -> types.Market:
    return types.Market(
        symbol=row.symbol,
        base=row.base,
        quote=row.quote,
        tick=row.tick,
        lot=row.lot,
        min_quantity=row.min_quantity,
        min_notional=row.min_notional,
        max_quantity=row.max_quantity,
        maker_fee=row.maker_fee,
        taker_fee=row.taker_fee,
    )


def balance_free(account: Account, currency: str) -> Decimal | None:
    """What the account holds free of a currency; None while no balance is known at all."""
    rows = {row.currency: row.free for row in Balance.objects.filter(account=account)}
    if not rows:
        return None
    return rows.get(currency, Decimal(0))
