"""The stored markets and balances of accounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from execution.core import types
from execution.core.market_rules import market_from_json as market_from_json
from execution.core.market_rules import market_to_json as market_to_json
from execution.core.types import ZERO, MarketStatus
from execution.models import Account, Balance, Market


def markets_of(accounts: Sequence[Account], symbol: str) -> dict[int, types.Market]:
    """Return a symbol's rules and fees by the account's primary key. Accounts that do not trade it are left out."""
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
        max_notional=row.max_notional,
        buy_band_low=row.buy_band_low,
        buy_band_high=row.buy_band_high,
        sell_band_low=row.sell_band_low,
        sell_band_high=row.sell_band_high,
        status=MarketStatus(row.status),
        status_word=row.status_word,
    )


def balances_free(accounts: Sequence[Account], currency: str) -> dict[int, Decimal | None]:
    """Return each account's free balance in a currency, by its primary key.

    An exchange's answer lists everything that an account holds. So a currency that it does not list is zero. The
    balance is None if the exchange does not report it, and while no balance of the account is known.
    """
    told: dict[int, dict[str, Decimal | None]] = {}
    for row in Balance.objects.filter(account__in=accounts):
        told.setdefault(row.account_id, {})[row.currency] = row.free
    return {
        account.pk: told[account.pk].get(currency, ZERO) if account.pk in told else None
        for account in accounts
    }


def balances_sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of all amounts; None if one of them is unknown."""
    known = tuple(amounts)
    found = [amount for amount in known if amount is not None]
    return sum(found, ZERO) if found and len(found) == len(known) else None
