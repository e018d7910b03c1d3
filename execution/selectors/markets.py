"""Markets and balances of an account, as rows say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from execution.core import types
from execution.core.types import ZERO
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


def markets_of(accounts: Sequence[Account], symbol: str) -> dict[int, types.Market]:
    """Limits and fees of a symbol by the account's primary key; accounts that do not trade it are left out."""
    venues = {account.venue_id for account in accounts}
    rows = {row.venue_id: row for row in Market.objects.filter(venue_id__in=venues, symbol=symbol)}
    return {
        account.pk: market_from_row(rows[account.venue_id])
        for account in accounts
        if account.venue_id in rows and symbol in account.symbols
    }


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


def balances_free(accounts: Sequence[Account], currency: str) -> dict[int, Decimal | None]:
    """What each account holds free of a currency, by its primary key.

    An exchange's answer lists everything that is held: a currency that is not in it is zero. None while
    an account's balances are not known at all.
    """
    free: dict[int, Decimal | None] = {account.pk: None for account in accounts}
    for row in Balance.objects.filter(account__in=accounts):
        free[row.account_id] = row.free if row.currency == currency else free[row.account_id] or ZERO
    return free


def balances_sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """All of them together; None when one is not known."""
    known = tuple(amounts)
    found = [amount for amount in known if amount is not None]
    return sum(found, ZERO) if found and len(found) == len(known) else None
